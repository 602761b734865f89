"""From Betfair's market definition to a native market.

Betfair has one state word where we have several: OPEN, SUSPENDED, CLOSED, INACTIVE. CLOSED with results on its runners is
settled, CLOSED with every runner removed is void, CLOSED otherwise is only closed. INACTIVE, and any word that is not in
the specification, is suspended: nothing may be bet on it, and nothing is said to be over.

The live stream names neither events nor runners, recordings do (`eventName`, `name`): ids are always kept, names where
they are.
"""

from datetime import UTC, datetime
from functools import lru_cache

from touchline.domain.status import ProviderStatus
from touchline.feeds.betfair.decode import MarketDefinition, RunnerDefinition
from touchline.feeds.interface import NativeMarket, NativeRunner

EVENT_TYPES = {
    "1": "Soccer",
    "2": "Tennis",
    "3": "Golf",
    "4": "Cricket",
    "5": "Rugby Union",
    "6": "Boxing",
    "7": "Horse Racing",
    "8": "Motor Sport",
    "1477": "Rugby League",
    "3503": "Darts",
    "4339": "Greyhound Racing",
    "6231": "Financial Bets",
    "6422": "Snooker",
    "6423": "American Football",
    "7511": "Baseball",
    "7522": "Basketball",
    "7524": "Ice Hockey",
    "26420387": "Mixed Martial Arts",
    "61420": "Australian Rules",
    "2378961": "Politics",
}
"""Betfair's own names of its event types (its API's `listEventTypes`): the stream carries only the ids."""

LINE = "LINE"
"""The betting type whose "prices" are lines, not odds."""

_RESULTS = {"WINNER": "Winner", "LOSER": "Loser", "PLACED": "Placed", "REMOVED": "Void"}
_STATUSES = {"OPEN": ProviderStatus.OPEN, "SUSPENDED": ProviderStatus.SUSPENDED, "CLOSED": ProviderStatus.CLOSED}


def runner_id(selection: int, handicap: float | None) -> str:
    """A runner's id in its market: `123`, or `123/-1.5` with a handicap. An absent handicap is 0."""
    if not handicap:
        return str(selection)
    return f"{selection}/{int(handicap) if handicap == int(handicap) else handicap}"


def native_market(market_id: str, definition: MarketDefinition) -> NativeMarket:
    """All that a definition says, in our shape."""
    status = provider_status(definition)
    settled = status in {ProviderStatus.SETTLED, ProviderStatus.CANCELLED}
    home, away = participants(definition.event_name or "")
    return NativeMarket(
        id=market_id,
        event_id=definition.event_id,
        event_name=definition.event_name or "",
        start_us=_epoch_us(definition.market_time or definition.open_date or ""),
        sport_id=definition.event_type_id,
        sport_name=EVENT_TYPES.get(definition.event_type_id, ""),
        league_id="",
        league_name="",
        country=definition.country_code or "",
        type=definition.market_type,
        type_id=definition.market_type,
        line="",
        runners=tuple(_runner(runner, settled=settled) for runner in definition.runners),
        status=status,
        in_play=definition.in_play,
        bet_delay_ms=round((definition.bet_delay or 0) * 1000),
        version=definition.version,
        home=home,
        away=away,
        name=definition.name or "",
    )


def provider_status(definition: MarketDefinition) -> ProviderStatus:
    """What the market's and its runners' states say together."""
    status = _STATUSES.get(definition.status, ProviderStatus.SUSPENDED)
    if status is not ProviderStatus.CLOSED or not definition.runners:
        return status
    if all(runner.status == "REMOVED" for runner in definition.runners):
        return ProviderStatus.CANCELLED
    if any(runner.status in {"WINNER", "LOSER", "PLACED"} for runner in definition.runners):
        return ProviderStatus.SETTLED
    return status


def participants(event_name: str) -> tuple[str, str]:
    """Home and away of Betfair's event names: `Home v Away`, and `Away @ Home` in American sports; else two empty texts."""
    home, separator, away = event_name.partition(" v ")
    if separator:
        return home.strip(), away.strip()
    away, separator, home = event_name.partition(" @ ")
    return (home.strip(), away.strip()) if separator else ("", "")


def _runner(runner: RunnerDefinition, *, settled: bool) -> NativeRunner:
    return NativeRunner(
        id=runner_id(runner.id, runner.hc),
        name=runner.name or "",
        removed=runner.status == "REMOVED",
        result=_RESULTS.get(runner.status, "") if settled else "",
        handicap=runner_id(runner.id, runner.hc).partition("/")[2],
        order=runner.sort_priority,
    )


@lru_cache(maxsize=4096)
def _epoch_us(text: str) -> int:
    """An ISO 8601 time in epoch microseconds; UTC where it names no zone, 0 where it is not a time."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return 0
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp()) * 1_000_000
