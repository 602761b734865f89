"""Traders' halts: each scope reaches what it names, and only its own end ends it (FEEDS, "naive", 15)."""

import pytest

from support.book_scene import SECOND, SUSPENDED, M, Scene, config, market_class, opened
from touchline.book.config import HaltConfig
from touchline.domain.status import MarketStatus

OTHER = "e2:MatchWinner"


def two_markets() -> Scene:
    scene = opened()
    scene.image("a", {"home": "2.00", "away": "1.90"}, market=OTHER)
    return scene


@pytest.mark.parametrize(
    ("scope", "id", "held"),
    [
        ("market", M, [True, False]),
        ("event", "e2", [False, True]),
        ("provider", "a", [True, True]),
        ("provider", "b", [False, False]),
        ("all", "", [True, True]),
        ("all", "whatever", [True, True]),
    ],
)
def test_a_halt_holds_what_it_names(scope: str, id: str, held: list[bool]) -> None:
    scene = two_markets()
    scene.configure(config(halts=[HaltConfig(scope, id, by="kim", note="odd bets", at=1)]))
    assert [scene.causes(market) == [f"manual/{scope}"] for market in (M, OTHER)] == held
    assert [scene.status(market) is MarketStatus.SUSPENDED for market in (M, OTHER)] == held
    if held[0]:
        hold = scene.quote().holds[0]
        assert (hold.reason, hold.detail) == ("Manual", "halted by kim: odd bets")
        assert scene.urgent[-1]
    scene.configure(config())
    assert scene.status() is scene.status(OTHER) is MarketStatus.OPEN


def test_a_halt_of_a_provider_follows_who_serves() -> None:
    fast = market_class(
        feeds={"providers": [{"name": "a", "priority": 1}, {"name": "b", "priority": 2}], "switchAfter": "1s"}
    )
    scene = opened(config(fast), "a", "b")
    scene.configure(config(fast, halts=[HaltConfig("provider", "a")]))
    assert scene.causes() == ["manual/provider"]
    scene.pass_time(2 * SECOND, "b")
    assert (scene.status(), scene.quote().provider) == (MarketStatus.OPEN, "b")


def test_halts_of_several_scopes_are_several_holds() -> None:
    scene = two_markets()
    both = [HaltConfig("market", M), HaltConfig("event", "e1")]
    scene.configure(config(halts=both))
    assert scene.causes() == ["manual/market", "manual/event"]
    scene.configure(config(halts=both[1:]))
    assert scene.causes() == ["manual/event"]
    scene.update("a", status=SUSPENDED)
    scene.configure(config())
    assert scene.causes() == ["provider"]


def test_a_market_that_appears_under_a_halt_is_held() -> None:
    scene = Scene(config(halts=[HaltConfig("event", "e1")]))
    scene.image("a", {"home": "2.00"})
    scene.beat("a")
    assert scene.causes() == ["manual/event"]


def test_a_suspended_class_is_held_as_a_whole() -> None:
    scene = two_markets()
    scene.configure(config(market_class(suspended=True)))
    assert scene.causes() == scene.causes(OTHER) == ["manual/class"]
    scene.configure(config(market_class()))
    assert scene.status() is MarketStatus.OPEN


def test_an_unchanged_configuration_publishes_nothing() -> None:
    scene = two_markets()
    assert scene.configure(config()) == []
    assert scene.configure(config(halts=[HaltConfig("market", "e7:MatchWinner")])) == []
