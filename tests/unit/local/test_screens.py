"""What the terminal shows, as text."""

import io
from typing import Any

import pytest
from rich.console import Console, RenderableType

from touchline.local.replica import Replica
from touchline.local.screens.explanation import duration, explanation
from touchline.local.screens.moving_prices import MovingPrices, line_of
from touchline.local.screens.standing import standing

META = {"event": {"name": "Arsenal v Chelsea"}, "names": {"home": "Arsenal"}, "phase": "InPlay", "league": "epl"}
STATE: dict[str, Any] = {
    "op": "state",
    "m": "e1:MatchWinner",
    "v": "1.5",
    "status": "Open",
    "holds": [],
    "sel": {"home": "2.10", "away": None},
    "meta": META,
}
DELTA: dict[str, Any] = {"op": "delta", "m": "e1:MatchWinner", "p": "1.5", "v": "1.6", "sel": {"home": "2.08"}}


def text(what: RenderableType, *, colour: bool = False) -> str:
    out = io.StringIO()
    Console(file=out, width=160, force_terminal=colour, color_system="standard" if colour else None).print(what)
    return out.getvalue()


def board(*items: dict[str, Any]) -> MovingPrices:
    shown, replica = MovingPrices(rows=10), Replica()
    for item in items:
        change = replica.apply(item)
        assert change is not None
        shown.take(change, now=10.0)
    return shown


def test_the_board_shows_names_prices_and_what_is_not_available() -> None:
    shown = text(board(STATE).board(10.0, connected=True, url="http://x"))
    assert "Arsenal v Chelsea" in shown
    assert "Arsenal 2.10" in shown
    assert "away –" in shown
    assert "1 markets, 1 updates from http://x" in shown


def test_a_move_is_marked_for_a_moment_and_then_no_more() -> None:
    moved = board(STATE, DELTA)
    assert "2.08▼" in text(moved.board(10.1, connected=True, url=""))
    assert "\x1b[1;31m2.08▼" in text(moved.board(10.1, connected=True, url=""), colour=True)
    assert "▼" not in text(moved.board(20.0, connected=True, url=""))


def test_a_lost_connection_is_said() -> None:
    assert "not connected to http://x: refused" in text(
        board(STATE).board(1.0, connected=False, url="http://x", error="refused")
    )


def test_a_change_is_one_line_for_pipes() -> None:
    replica = Replica()
    lines = [line_of(change) for item in (STATE, DELTA) if (change := replica.apply(item)) is not None]
    assert lines == ["e1:MatchWinner 1.5 Open home=2.10 away=-", "e1:MatchWinner 1.6 Open home=2.08"]


def test_why_a_market_is_shut_is_told_with_cause_figures_and_provider() -> None:
    market = {
        "id": "e1:MatchWinner",
        "version": "1.6",
        "status": "Suspended",
        "meta": META,
        "holds": [{"reason": "FeedDelay", "since": 1}],
        "detail": {
            "holds": [{"cause": "policy/p/late", "reason": "FeedDelay", "since": 1, "detail": "delay 720ms of 500ms"}],
            "prices": {"home": "2.10"},
            "serving": {"provider": "a", "since": 1, "why": "first fit provider"},
            "class": {"name": "football", "model": "ActivePassive"},
            "policy": {"name": "p"},
            "betDelayUs": 5_000_000,
            "providers": [
                {
                    "provider": "a",
                    "fit": False,
                    "why": "too late",
                    "status": "Open",
                    "prices": {"home": {"text": "11/10"}},
                    "freshness": {"fresh": False, "why": "beyond maxAge", "ageUs": 950_000, "maxAgeUs": 800_000},
                    "sync": {"detail": ""},
                }
            ],
            "notActedOn": ["Market football: spec.pricing is not acted on by this release"],
            "notOfferedBy": ["b"],
            "transitions": [{"at": 1, "what": "FeedDelay", "because": "a beat of a"}],
        },
    }
    shown = text(explanation(market))
    for part in (
        "Suspended",
        "delay 720ms of 500ms",
        "policy/p/late",
        "price from a",
        "first fit provider",
        "class football (ActivePassive, policy p, bets wait 5.0s)",
        "950ms of 800ms",
        "too late; beyond maxAge",
        "11/10",
        "not acted on: Market football: spec.pricing is not acted on by this release",
        "not offered by: b",
        "(a beat of a)",
    ):
        assert part in shown, part


def test_without_a_leader_the_explanation_says_whose_word_it_is() -> None:
    market = {
        "id": "m",
        "status": "Suspended",
        "holds": [{"reason": "AuthorityLost", "since": 1}],
        "sel": {"home": "2"},
    }
    shown = text(explanation(market))
    assert "AuthorityLost" in shown
    assert "no leader of the shard answers" in shown


def test_the_standing_has_a_line_for_each_process_and_halt() -> None:
    found: dict[str, Any] = {
        "gateway": "http://x",
        "ready": False,
        "uptime": 5,
        "processes": {"nats": 1, "book-1": 2, "ingest-a": 3, "gateway-1": 4, "recorder": 5},
        "components": {
            "recorder.recorder": {"recording": True, "entries": 7, "lastBreak": "BOOK between 3 and 1: anew"},
            "book.book-1": {"leads": [0, 1], "markets": {"Open": 3}, "holds": {"Manual": 1}, "bets": {"Accepted": 2}},
            "ingest.a": {
                "state": "Connected",
                "detail": "streaming",
                "health": {
                    "messagesPerSecond": 9,
                    "delayP99Us": 1500,
                    "gaps": 0,
                    "disconnects": 1,
                    "breaches": ["maxDelay"],
                },
            },
        },
        "halts": [{"scope": "all", "id": "", "by": "ann", "note": "fire"}],
    }
    lines = text(standing(found)).splitlines()
    assert lines[0] == "http://x is not ready, up for 5.0s"
    assert lines[3].split(maxsplit=3)[3].strip() == "shards 0, 1; markets: 3 Open; holds: Manual 1; 2 bets accepted"
    assert "9 messages/s, delay p99 1ms, 1 disconnects, beyond maxDelay" in lines[4]
    assert "7 prices and decisions since it began; missed BOOK between 3 and 1" in lines[6]
    assert lines[-1] == "halted: everything, by ann: fire"


@pytest.mark.parametrize(
    ("micros", "says"), [(0, "0µs"), (850, "850µs"), (120_000, "120ms"), (3_200_000, "3.2s"), (720_000_000, "12m")]
)
def test_durations_are_for_people(micros: int, says: str) -> None:
    assert duration(micros) == says
