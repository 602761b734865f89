"""When the kubelet is made to look at a broker's configuration again, and how often."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from support.observed_world import complete, engine, observe, provider, world_of
from touchline_operator.plan.engine import engine_children
from touchline_operator.plan.nudge import AGAIN, CONFIG, configuration, to_nudge
from touchline_operator.plan.wants import unheard
from touchline_operator.world.keys import Key
from touchline_operator.world.observed import Health

ENGINE = Key("OddsEngine", "bets", "main")


def hash_of(*providers: str, refused: tuple[Key, ...] = (), **spec: Any) -> str:
    world = world_of([engine(**spec), *(provider(name) for name in providers)])
    return configuration(ENGINE, engine_children(complete(observe(world, "OddsEngine", "main"))), refused)


def pod(**annotations: str) -> dict[str, Any]:
    return {"metadata": {"name": "main-nats-0", "annotations": annotations}}


def values(pods: list[dict[str, Any]], wanted: str, *, again: bool = False) -> list[str]:
    return [value for _, value in to_nudge(pods, wanted, again=again)]


def test_the_configuration_is_another_with_another_user_and_the_same_without_a_change() -> None:
    assert hash_of("one") == hash_of("one")
    assert len({hash_of("one"), hash_of("two"), hash_of("one", "two")}) == 3


def test_the_configuration_tells_nothing_of_a_password() -> None:
    assert len(hash_of("one")) == 16
    assert "password" not in hash_of("one")


@pytest.mark.parametrize("name", ["main-nats-config", "main-nats-tls"])
def test_nobody_is_told_of_a_secret_that_the_api_server_refused(name: str) -> None:
    assert hash_of("one", refused=(Key("Secret", "bets", name),)) == ""
    assert hash_of("one", refused=(Key("Secret", "bets", "main-material"),)) != ""


def test_an_engine_on_somebody_elses_broker_has_no_configuration_to_tell_of() -> None:
    assert hash_of("one", nats={"external": {"urls": ["nats://broker.example.com:4222"]}}) == ""


def test_a_pod_is_told_once_and_a_second_time_only_on_demand_and_never_a_third() -> None:
    assert values([pod()], "a") == values([pod(**{CONFIG: "b" + AGAIN})], "a") == ["a"]
    assert values([pod(**{CONFIG: "a"})], "a") == []
    assert values([pod(**{CONFIG: "a"})], "a", again=True) == ["a" + AGAIN]
    assert values([pod(**{CONFIG: "a" + AGAIN})], "a", again=True) == []


def test_a_pod_that_goes_is_left_alone() -> None:
    going = pod()
    going["metadata"]["deletionTimestamp"] = "2026-11-25T00:00:00Z"
    assert values([going], "a") == []


@pytest.mark.parametrize(
    ("health", "expected"),
    [
        ({}, True),
        ({"ingest.one": {}}, True),
        ({"ingest.one": {}, "standby.two": {}}, False),
        ({"ingest.one": {}, "ingest.two": {}, "ingest.three": {}}, False),
    ],
)
def test_somebody_is_unheard_while_a_providers_ingest_has_not_spoken(
    health: Mapping[str, Mapping[str, Any]], expected: bool
) -> None:
    world = world_of([engine(), provider("one"), provider("two")])
    observed = observe(world, "OddsEngine", "main", health=Health(connected=True, documents=health))
    assert unheard(observed) is expected
    assert not unheard(replace(observed, health=Health(connected=True, documents=health, starting=True)))
    assert not unheard(replace(observed, health=Health(documents=health)))
