"""The condition `Recorded`: what the recorder says, judged by what is declared; and how much the log may hold."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from support.observed_world import NOW, engine, observe, resource, world_of
from touchline.api import OddsEngine
from touchline_operator.check.judge import judge
from touchline_operator.plan.capture import NO_LIMIT, audit
from touchline_operator.status.outcome import Outcome
from touchline_operator.status.write import status_of
from touchline_operator.world.keys import Key
from touchline_operator.world.observed import Health

HOUR = timedelta(hours=1)


def recorder(*, age: timedelta = HOUR, **more: Any) -> dict[str, Any]:
    """A recorder's document as it writes it, of a log that reaches back so far."""
    oldest = datetime.fromtimestamp(NOW / 1e6, UTC) - age
    document = {"recording": True, "waitingFor": "", "rolled": False, "oldest": oldest.isoformat(), "lastBreak": ""}
    return document | {"bytes": 99, "mostBytes": 100} | more


def recorded(*documents: dict[str, Any], health: Health | None = None, **spec: Any) -> dict[str, Any]:
    said = {f"recorder.pod-{number}": each for number, each in enumerate(documents)}
    observed = observe(
        world_of([engine(**spec)]), "OddsEngine", "main", health=health or Health(connected=True, documents=said)
    )
    status = status_of(observed, judge(observed), Outcome(told=True))
    return next(each for each in status["conditions"] if each["type"] == "Recorded")


def told(condition: dict[str, Any]) -> tuple[str, str]:
    return condition["status"], condition["reason"]


def test_a_recorder_that_writes_is_told_and_one_that_is_silent_is_not_judged() -> None:
    assert told(recorded(recorder())) == ("True", "Recording")
    assert told(recorded()) == ("Unknown", "NoReport")
    away = recorded(health=Health())
    assert (told(away), away["message"]) == (("Unknown", "NoReport"), "the broker is not connected")


def test_one_that_cannot_write_says_why() -> None:
    found = recorded(recorder(recording=False, waitingFor="the broker does not store a segment: no space"))
    assert told(found) == ("False", "NotRecording")
    assert found["message"].endswith("no space")


def test_while_one_is_replaced_by_another_it_is_enough_that_one_writes() -> None:
    assert told(recorded(recorder(recording=False, waitingFor="starting"), recorder())) == ("True", "Recording")


@pytest.mark.parametrize(
    ("age", "rolled", "expected"),
    [
        (HOUR, False, ("True", "Recording")),  # young
        (HOUR, True, ("False", "RetentionNotMet")),  # the volume is too small
        (24 * HOUR, True, ("True", "Recording")),
        (23 * HOUR, True, ("True", "Recording")),  # the broker has just removed the oldest
        (22 * HOUR, True, ("False", "RetentionNotMet")),
    ],
)
def test_a_log_that_reaches_back_less_far_than_declared_is_told(
    age: timedelta, rolled: bool, expected: tuple[str, str]
) -> None:
    found = recorded(recorder(age=age, rolled=rolled), recorder={"retention": "24h"})
    assert told(found) == expected
    for room in (
        {"bytes": 90},
        {"mostBytes": 0},
    ):  # it is short for another reason: old segments were empty, or nobody wrote
        assert told(recorded(recorder(age=age, rolled=rolled, **room), recorder={"retention": "24h"}))[0] == "True"
    if expected[0] == "False":
        assert "less far than the 24h of spec.recorder.retention" in found["message"]
        assert "spec.nats.managed.storage.size" in found["message"]


def test_what_was_missed_stands_in_the_message() -> None:
    found = recorded(recorder(lastBreak="BOOK between 30 and 1: the stream began anew"))
    assert told(found) == ("True", "Recording")
    assert "missed BOOK between 30 and 1" in found["message"]


def test_a_copy_to_kafka_is_not_made_and_the_engine_is_ready_all_the_same() -> None:
    kafka = {"kafka": {"bootstrapServers": ["kafka:9092"]}}
    found = recorded(recorder(), recorder=kafka)
    assert told(found) == ("False", "NotRunByThisRelease")
    assert found["message"].startswith("spec.recorder.kafka")
    with_it, without = (observe(world_of([engine(**spec)]), "OddsEngine", "main") for spec in ({"recorder": kafka}, {}))
    ready = [
        [each for each in status_of(one, judge(one), Outcome(told=True))["conditions"] if each["type"] != "Recorded"]
        for one in (with_it, without)
    ]
    assert ready[0] == ready[1]


def test_a_recorder_that_does_not_start_keeps_no_engine_from_being_ready() -> None:
    observed = observe(world_of([engine()]), "OddsEngine", "main", health=Health(connected=True))
    key, raw = waiting_deployment("recorder")
    other, its = waiting_deployment("gateway")
    for children, expected in (({key: raw}, False), ({key: raw, other: its}, True)):
        status = status_of(
            replace(observed, children=children), judge(observed), Outcome(planned=tuple(children), told=True)
        )
        found = {each["type"]: each for each in status["conditions"]}
        assert (found["Ready"]["reason"] == "PodsNotReady") is expected
        assert found["Progressing"]["status"] == "True", "it is told all the same"


def waiting_deployment(part: str) -> tuple[Any, dict[str, Any]]:
    labels = {"app.kubernetes.io/component": part}
    metadata = {"name": f"main-{part}", "generation": 1, "labels": labels}
    return Key("Deployment", "bets", f"main-{part}"), {"metadata": metadata, "spec": {"replicas": 1}, "status": {}}


def test_the_log_gets_its_share_of_managed_volumes_and_what_there_is_elsewhere() -> None:
    managed = OddsEngine.model_validate(engine(recorder={"retention": "24h"}))
    octets, seconds = audit(managed)
    assert managed.spec.nats.managed is not None
    size = managed.spec.nats.managed.storage.size.octets
    assert 0.08 * size < octets < 0.1 * size
    assert seconds == 24 * 3600
    external = resource("OddsEngine", "main", {**managed.model_dump(mode="json", by_alias=True)["spec"]})
    external["spec"]["nats"] = {"external": {"urls": ["nats://broker:4222"]}}
    assert audit(OddsEngine.model_validate(external))[0] == NO_LIMIT
