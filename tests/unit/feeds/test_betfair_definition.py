"""Betfair's market definition in our shape."""

from typing import Any

import msgspec
import pytest

from support.betfair_messages import definition
from touchline.domain.status import ProviderStatus
from touchline.feeds.betfair.decode import MarketDefinition
from touchline.feeds.betfair.definition import native_market, participants, runner_id
from touchline.feeds.interface import NativeMarket


def native(**more: Any) -> NativeMarket:
    return native_market("1.1", msgspec.convert(definition(**more), MarketDefinition))


def runners(*statuses: str) -> list[dict[str, Any]]:
    return [{"id": place, "status": status, "sortPriority": place} for place, status in enumerate(statuses, 1)]


@pytest.mark.parametrize(
    ("status", "of_runners", "expected"),
    [
        ("OPEN", ["ACTIVE", "ACTIVE"], ProviderStatus.OPEN),
        ("SUSPENDED", ["ACTIVE", "ACTIVE"], ProviderStatus.SUSPENDED),
        ("INACTIVE", ["ACTIVE", "ACTIVE"], ProviderStatus.SUSPENDED),
        ("BRAND_NEW", ["ACTIVE", "ACTIVE"], ProviderStatus.SUSPENDED),
        ("", ["ACTIVE", "ACTIVE"], ProviderStatus.SUSPENDED),
        ("CLOSED", ["ACTIVE", "ACTIVE"], ProviderStatus.CLOSED),
        ("CLOSED", [], ProviderStatus.CLOSED),
        ("CLOSED", ["WINNER", "LOSER"], ProviderStatus.SETTLED),
        ("CLOSED", ["WINNER", "PLACED", "REMOVED"], ProviderStatus.SETTLED),
        ("CLOSED", ["REMOVED", "REMOVED"], ProviderStatus.CANCELLED),
    ],
)
def test_the_state_follows_from_the_market_and_its_runners(
    status: str, of_runners: list[str], expected: ProviderStatus
) -> None:
    assert native(status=status, runners=runners(*of_runners)).status is expected


def test_results_are_told_once_the_market_is_settled() -> None:
    settled = native(status="CLOSED", runners=runners("WINNER", "LOSER", "PLACED", "REMOVED"))
    assert [runner.result for runner in settled.runners] == ["Winner", "Loser", "Placed", "Void"]
    still_open = native(runners=runners("ACTIVE", "REMOVED"))
    assert [(runner.result, runner.removed) for runner in still_open.runners] == [("", False), ("", True)]


def test_names_are_taken_where_a_recording_has_them_and_left_empty_where_the_live_stream_has_none() -> None:
    named = native(eventName="Man Utd v Arsenal", name="Match Odds", runners=[{"id": 1, "name": "Man Utd"}])
    assert (named.event_name, named.name, named.home, named.away) == (
        "Man Utd v Arsenal",
        "Match Odds",
        "Man Utd",
        "Arsenal",
    )
    assert named.runners[0].name == "Man Utd"
    live = native()
    assert (live.event_name, live.name, live.home, live.runners[0].name) == ("", "", "", "")
    assert (live.event_id, live.sport_id, live.sport_name, live.type) == ("29", "1", "Soccer", "MATCH_ODDS")


def test_american_events_name_the_away_side_first() -> None:
    assert participants("Bills @ Jets") == ("Jets", "Bills")
    assert participants("Winner 2026") == ("", "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-01T15:00:00.000Z", 1_772_377_200_000_000),
        ("2026-03-01T15:00:00", 1_772_377_200_000_000),
        ("2026-03-01T16:00:00+01:00", 1_772_377_200_000_000),
        ("next Sunday", 0),
    ],
)
def test_the_start_is_the_market_time_in_epoch_microseconds(text: str, expected: int) -> None:
    assert native(marketTime=text).start_us == expected


def test_races_of_one_meeting_start_at_their_own_times() -> None:
    """All races of a meeting share one `openDate`."""
    first = native(openDate="2026-03-01T12:00:00.000Z", marketTime="2026-03-01T12:00:00.000Z")
    second = native(openDate="2026-03-01T12:00:00.000Z", marketTime="2026-03-01T12:35:00.000Z")
    assert second.start_us - first.start_us == 35 * 60 * 1_000_000


def test_without_a_market_time_the_open_date_is_the_start() -> None:
    assert native(marketTime=None).start_us == 1_772_377_200_000_000


def test_the_bet_delay_is_in_milliseconds() -> None:
    assert native(betDelay=5).bet_delay_ms == 5000
    assert native(betDelay=None).bet_delay_ms == 0


@pytest.mark.parametrize(
    ("handicap", "name"), [(None, "5"), (0.0, "5"), (-0.0, "5"), (1.0, "5/1"), (-1.5, "5/-1.5"), (0.25, "5/0.25")]
)
def test_a_runner_is_named_by_selection_and_handicap(handicap: float | None, name: str) -> None:
    assert runner_id(5, handicap) == name
