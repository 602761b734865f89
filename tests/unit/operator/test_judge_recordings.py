"""What is found wrong with providers that a simulator or a recording stands in for."""

import pytest

from support.observed_world import engine, observe, provider, resource, world_of
from touchline.api import RECORDINGS, SIMULATE, SIMULATE_GROUP
from touchline_operator.check.judge import judge
from touchline_operator.status.outcome import Outcome
from touchline_operator.status.write import status_of
from touchline_operator.world.observed import Observed


def conditions(observed: Observed) -> dict[str, tuple[str, str]]:
    status = status_of(observed, judge(observed), Outcome(told=True))
    return {each["type"]: (each["status"], each["reason"]) for each in status["conditions"]}


def test_a_provider_that_asks_its_group_for_something_else_is_not_ready_and_says_what_to_write() -> None:
    providers = [provider(name) for name in ("one", "two")]
    for each, what in zip(providers, ("fixtures", "recording:race.bz2"), strict=True):
        each["metadata"]["annotations"] = {SIMULATE: what, SIMULATE_GROUP: "demo"}
    world = world_of([engine(), *providers])
    assert judge(observe(world, "FeedProvider", "one")).conflicts == ()
    observed = observe(world, "FeedProvider", "two")
    assert conditions(observed)["Ready"] == ("False", "SimulatorConflict")
    (finding,) = judge(observed).conflicts
    assert finding.message.startswith("metadata.annotations.touchline.dev/simulate: ")
    assert "give this one another touchline.dev/simulate-group" in finding.message


@pytest.mark.parametrize(
    ("file", "where", "told"),
    [
        ("race.bz2", None, "spec.replay.file: pods have no volume with race.bz2; name one that has it: metadata.annotations."),
        ("/recordings/race.bz2", None, "spec.replay.file: "),
        ("race.bz2", "Secret/races", "metadata.annotations.touchline.dev/recordings: 'Secret/races' names no volume; write "),
        ("race.bz2", "ConfigMap/races", ""),
        ("/in-the-image/race.bz2", None, ""),
    ],
)  # fmt: skip
@pytest.mark.parametrize("protocol", ["Replay", "BetfairStream"])
def test_a_recording_that_no_pod_can_find_is_told_with_what_to_write(
    file: str, where: str | None, told: str, protocol: str
) -> None:
    if protocol == "Replay":
        spec = {"protocol": protocol, "replay": {"file": file}, "entityMapRefs": [{"name": "all"}]}
        declared = resource("FeedProvider", "one", spec)
        declared["metadata"]["annotations"] = {}
    else:
        declared = provider("one", entityMapRefs=[{"name": "all"}])
        declared["metadata"]["annotations"] = {SIMULATE: f"recording:{file}"}
        told = told.replace("spec.replay.file", "metadata.annotations.touchline.dev/simulate")
    if where is not None:
        declared["metadata"]["annotations"][RECORDINGS] = where
    everything = [engine(), declared, resource("EntityMap", "all", {"sport": "*", "unmatched": "Accept"})]
    observed = observe(world_of(everything), "FeedProvider", "one")
    remarks = judge(observed).remarks
    assert [finding.reason for finding in remarks] == (["NoRecordings"] if told else [])
    assert all(finding.message.startswith(told) for finding in remarks)
    assert conditions(observed)["Degraded"] == (("True", "NoRecordings") if told else ("False", "AsDeclared"))
