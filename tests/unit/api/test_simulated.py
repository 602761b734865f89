"""Groups of simulated providers: one name has one content, whatever is declared and in whatever order."""

from collections.abc import Mapping
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from support.observed_world import provider
from touchline.api import RECORDINGS, SIMULATE, SIMULATE_GROUP, FeedProvider
from touchline.api.simulated import MOST_PROVIDERS, is_simulated, simulated_groups

Asked = Mapping[str, str]

asked = st.fixed_dictionaries(
    {},
    optional={
        SIMULATE: st.sampled_from(["fixtures", "recording:a", "recording:b"]),
        SIMULATE_GROUP: st.sampled_from(["g", "h", "p1"]),
        RECORDINGS: st.sampled_from(["ConfigMap/a", "ConfigMap/b"]),
    },
)
declared = st.dictionaries(st.sampled_from([f"p{number}" for number in range(8)]), asked)


def made(name: str, annotations: Asked) -> FeedProvider:
    manifest: dict[str, Any] = provider(name)
    manifest["metadata"]["annotations"] = dict(annotations)
    return FeedProvider.model_validate(manifest)


@given(declared, st.randoms(use_true_random=False))
def test_every_simulated_provider_is_in_one_group_of_its_own_content_or_is_told_why_not(
    wanted: dict[str, Asked], random: Random
) -> None:
    providers = [made(name, annotations) for name, annotations in wanted.items()]
    groups, faults = simulated_groups(providers)
    assert len({group.name for group in groups}) == len(groups), "two simulators of one name"
    served = [name for group in groups for name in group.providers]
    assert sorted([*served, *faults]) == sorted(each.name for each in providers if is_simulated(each))
    for group in groups:
        for name in group.providers:
            mine = wanted[name]
            assert mine[SIMULATE] == group.what
            assert mine.get(SIMULATE_GROUP, name) == group.name
            if group.what.startswith("recording:"):
                assert mine.get(RECORDINGS, "") == group.recordings
    for name in faults:
        (group,) = (each for each in groups if each.name == wanted[name].get(SIMULATE_GROUP, name))
        assert group.providers[0] < name, "the first by name is the one that is served"
    random.shuffle(providers)
    assert simulated_groups(providers) == (groups, faults)


def test_what_disagrees_is_told_with_its_field_the_other_provider_and_the_fix() -> None:
    first = made("a", {SIMULATE: "recording:x", SIMULATE_GROUP: "g", RECORDINGS: "ConfigMap/one"})
    other = made("b", {SIMULATE: "recording:x", SIMULATE_GROUP: "g"})
    _, faults = simulated_groups([other, first])
    assert str(faults["b"]) == (
        'metadata.annotations.touchline.dev/recordings: this asks for none, and "a" of the same group "g" for ConfigMap/one: '
        "one simulator serves a group, all of it the same; write the same, or give this one another touchline.dev/simulate-group"
    )


def test_one_simulator_serves_no_more_than_it_has_ports_for() -> None:
    annotations = {SIMULATE: "fixtures", SIMULATE_GROUP: "g"}
    providers = [made(f"p{number:02}", annotations) for number in range(MOST_PROVIDERS + 1)]
    (group,), faults = simulated_groups(providers)
    assert len(group.providers) == MOST_PROVIDERS
    assert list(faults) == [f"p{MOST_PROVIDERS}"]


def test_fixtures_come_from_no_volume_so_that_one_named_for_them_is_no_difference() -> None:
    groups, faults = simulated_groups(
        [made("a", {SIMULATE: "fixtures", SIMULATE_GROUP: "g", RECORDINGS: "ConfigMap/one"}),
         made("b", {SIMULATE: "fixtures", SIMULATE_GROUP: "g"})]
    )  # fmt: skip
    assert [group.providers for group in groups] == [("a", "b")]
    assert not faults
