"""After how long an object is looked at again although nothing was heard of it."""

from typing import Any

import pytest

from support.observed_world import engine, observe, provider, world_of
from touchline.api import SIMULATE, SIMULATE_GROUP
from touchline_operator.check.judge import judge
from touchline_operator.run.reconciler import PROVIDER_AGAIN_US, SILENCE_AGAIN_US, UNTOLD_AGAIN_US, look_again_us
from touchline_operator.status.outcome import Outcome
from touchline_operator.world.observed import Health, Observed

ALIVE = Health(connected=True, documents={"book.main-book-0": {}})


def simulated(name: str, what: str) -> dict[str, Any]:
    declared = provider(name)
    declared["metadata"]["annotations"] = {SIMULATE: what, SIMULATE_GROUP: "demo"}
    return declared


def looked_at(health: Health, *, second: str = "fixtures") -> Observed:
    world = world_of([engine(), simulated("a", "fixtures"), simulated("b", second)])
    return observe(world, "FeedProvider", "b", health=health)


def again(observed: Observed, told: bool | None) -> int | None:
    return look_again_us(observed, judge(observed), Outcome(told=told))


@pytest.mark.parametrize(
    ("health", "told", "expected"),
    [
        (ALIVE, None, UNTOLD_AGAIN_US),
        (ALIVE, True, SILENCE_AGAIN_US),
        (Health(connected=True), True, PROVIDER_AGAIN_US),
        (Health(), None, PROVIDER_AGAIN_US),
    ],
)
def test_a_provider_is_looked_at_soon_while_it_is_not_told_and_else_when_it_may_have_fallen_silent(
    health: Health, told: bool | None, expected: int
) -> None:
    assert again(looked_at(health), told) == expected


def test_a_provider_of_which_there_is_nothing_to_tell_is_not_looked_at_all_the_time() -> None:
    observed = looked_at(ALIVE, second="recording:race.bz2")
    assert [each.reason for each in judge(observed).conflicts] == ["SimulatorConflict"]
    assert again(observed, None) == SILENCE_AGAIN_US
