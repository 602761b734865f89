"""What the `config` bucket says of one provider, and what is said where it does not suffice."""

from typing import Any

import pytest

from support.native_markets import FOOTBALL, native
from touchline.ingest.declaration import Declarations, Declared
from touchline.ingest.entities import Sport

ENGINE = ("OddsEngine.main", {"spec": {"shards": 4}})


def provider(**spec: Any) -> tuple[str, dict[str, Any]]:
    declared = {
        "apiVersion": "touchline.dev/v1alpha1",
        "kind": "FeedProvider",
        "metadata": {"name": "alpha"},
        "spec": {"protocol": "Replay", "replay": {"file": "a.json"}, "entityMapRefs": [{"name": "football"}]} | spec,
    }
    return "FeedProvider.alpha", declared


def football(**spec: Any) -> tuple[str, dict[str, Any]]:
    declared = {
        "apiVersion": "touchline.dev/v1alpha1",
        "kind": "EntityMap",
        "metadata": {"name": "football"},
        "spec": FOOTBALL | spec,
    }
    return "EntityMap.football", declared


def declarations(*resources: tuple[str, dict[str, Any]]) -> Declarations:
    made = Declarations("alpha")
    for key, value in resources:
        made.change(key, value)
    return made


def declared(*resources: tuple[str, dict[str, Any]]) -> Declared:
    found = declarations(*resources).read()
    assert isinstance(found, Declared), found
    return found


def test_a_provider_with_its_map_is_read() -> None:
    found = declared(provider(), football(), ENGINE)
    assert found.problems == ()
    assert isinstance(found.entities.sport(native()), Sport)
    assert (found.thresholds.max_silence_us, found.thresholds.max_loss_ppm) == (3_000_000, 5_000)
    assert declarations(ENGINE).shards == 4


def test_an_unknown_provider_is_named() -> None:
    assert declarations(football()).read() == "there is no FeedProvider 'alpha'; waiting for it to be applied"


def test_an_invalid_provider_is_explained_by_field() -> None:
    found = declarations(provider(protocol="Telegraph")).read()
    assert isinstance(found, str)
    assert "spec.protocol" in found


def test_a_missing_or_invalid_map_is_a_problem_and_not_the_end() -> None:
    assert declared(provider()).problems == ("EntityMap 'football' does not exist",)
    (problem,) = declared(provider(), football(unmatched="Perhaps")).problems
    assert "EntityMap 'football' is not valid" in problem
    assert "unmatched" in problem


def test_a_deleted_map_is_missed() -> None:
    made = declarations(provider(), football())
    assert made.change("EntityMap.football", None)
    found = made.read()
    assert isinstance(found, Declared)
    assert found.problems


def test_what_is_not_in_the_bucket_any_more_is_dropped() -> None:
    made = declarations(provider(), football())
    made.keep(frozenset({"EntityMap.football"}))
    assert isinstance(made.read(), str)


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({}, True),
        ({"health": {"maxSilence": "9s"}}, True),
        ({"coverage": {"sports": ["Tennis"]}}, True),
        ({"entityMapRefs": []}, True),
        ({"replay": {"file": "b.json"}}, False),
        ({"reconnect": {"initial": "1s"}}, False),
    ],
)
def test_only_what_the_adapter_is_made_of_needs_a_new_connection(changes: dict[str, Any], same: bool) -> None:
    assert (declared(provider()).connection == declared(provider(**changes)).connection) is same


def test_other_resources_are_no_concern_of_ours() -> None:
    made = declarations(provider())
    assert not made.change("FeedProvider.beta", provider()[1])
    assert not made.change("Market.x", {})
    assert not made.change(*provider())
    assert made.change(*provider(replay={"file": "c.json"}))
