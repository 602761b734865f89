"""Native markets, updates and EntityMaps for tests of ingest: a football match of two providers that name everything differently."""

from typing import Any

from touchline.api.v1alpha1.entity_map import EntityMap
from touchline.domain.status import ProviderStatus
from touchline.feeds.interface import NativeMarket, NativePrice, NativeRunner, NativeUpdate, Updates
from touchline.ingest.entities import Entities
from touchline.ingest.entity_index import Scope, compile_maps
from touchline.ingest.event_records import EventRecord, Resolved, created
from touchline.ingest.identity import EventView

KICK_OFF = 1_790_000_000_000_000
PUBLISHED = KICK_OFF - 3_600_000_000
HOUR = 3_600_000_000

FOOTBALL: dict[str, Any] = {
    "sport": "Football",
    "sportAliases": [{"id": "1", "provider": "alpha"}, {"id": "sr:sport:1", "provider": "beta"}],
    "leagues": [
        {
            "id": "eng-premier-league",
            "name": "Premier League",
            "country": "GB-ENG",
            "leagueClass": "Elite",
            "aliases": [{"name": "EPL", "provider": "alpha"}, {"id": "sr:tournament:17", "provider": "beta"}],
        },
        {"id": "eng-fa-cup", "name": "FA Cup", "country": "GB-ENG"},
        {"id": "arg-primera", "name": "Primera", "country": "AR"},
        {"id": "uru-primera", "name": "Primera", "country": "UY"},
    ],
    "teams": [
        {"id": "manchester-united", "name": "Manchester United", "league": "eng-premier-league",
         "aliases": [{"name": "Man Utd", "provider": "alpha"}]},
        {"id": "arsenal", "name": "Arsenal", "league": "eng-premier-league"},
        {"id": "arsenal-sarandi", "name": "Arsenal", "league": "arg-primera"},
        {"id": "racing-club", "name": "Racing", "league": "arg-primera"},
        {"id": "racing-cordoba", "name": "Racing", "league": "arg-primera"},
        {"id": "racing-montevideo", "name": "Racing", "league": "uru-primera"},
    ],
    "marketTypes": [
        {
            "id": "MatchWinner",
            "aliases": [{"name": "MATCH_ODDS", "provider": "alpha"}, {"id": "1", "provider": "beta"}],
            "selectionsFrom": "Listed",
            "selections": [
                {"id": "home", "role": "Home", "aliases": [{"position": 1, "provider": "alpha"}]},
                {"id": "draw", "role": "Draw", "name": "Draw", "aliases": [{"name": "The Draw"}, {"position": 3, "provider": "alpha"}]},
                {"id": "away", "role": "Away", "aliases": [{"position": 2, "provider": "alpha"}]},
            ],
        },
        {
            "id": "TotalGoals",
            "category": "Totals",
            "hasLine": True,
            "aliases": [
                {"name": "OVER_UNDER_25", "line": "2.5", "provider": "alpha"},
                {"id": "18", "lineFrom": "Specifier", "specifier": "total", "provider": "beta"},
            ],
            "selectionsFrom": "Listed",
            "selections": [
                {"id": "over", "role": "Over", "aliases": [{"namePattern": "Over *"}]},
                {"id": "under", "role": "Under", "aliases": [{"namePattern": "Under *"}]},
            ],
        },
        {
            "id": "AsianHandicap",
            "category": "Handicap",
            "hasLine": True,
            "aliases": [{"name": "ASIAN_HANDICAP", "lineFrom": "SelectionHandicap"}],
            "selectionsFrom": "Listed",
            "selections": [{"id": "home", "role": "Home"}, {"id": "away", "role": "Away"}],
        },
        {"id": "SetWinner1", "aliases": [{"namePattern": "Set 1 *"}], "selectionsFrom": "Participants"},
        {"id": "SetWinner2", "aliases": [{"namePattern": "Set 2 *"}], "selectionsFrom": "Participants"},
    ],
}  # fmt: skip

RACES: dict[str, Any] = {
    "sport": "*",
    "unmatched": "Accept",
    "marketTypes": [{"id": "RaceWinner", "aliases": [{"name": "WIN"}]}, {"id": "ToBePlaced", "aliases": [{"name": "PLACE"}]}],
}  # fmt: skip


def entity_map(spec: dict[str, Any], *, name: str = "football") -> EntityMap:
    return EntityMap.model_validate(
        {"apiVersion": "touchline.dev/v1alpha1", "kind": "EntityMap", "metadata": {"name": name}, "spec": spec}
    )


def entities(*specs: dict[str, Any], provider: str = "alpha", protocol: str = "BetfairStream") -> Entities:
    """The maps as one provider sees them; the football map by default."""
    maps = [entity_map(spec, name=f"map-{index}") for index, spec in enumerate(specs or (FOOTBALL,))]
    return Entities(compile_maps(maps, Scope(provider, protocol)))


def native(**changes: Any) -> NativeMarket:
    """Alpha's match odds of Manchester United against Arsenal."""
    fields: dict[str, Any] = {
        "id": "1.1",
        "event_id": "100",
        "event_name": "Man Utd v Arsenal",
        "start_us": KICK_OFF,
        "sport_id": "1",
        "sport_name": "Soccer",
        "league_id": "",
        "league_name": "EPL",
        "country": "GB",
        "type": "MATCH_ODDS",
        "type_id": "MATCH_ODDS",
        "line": "",
        "runners": (
            NativeRunner("11", "Man Utd", order=1),
            NativeRunner("12", "Arsenal", order=2),
            NativeRunner("13", "The Draw", order=3),
        ),
        "status": ProviderStatus.OPEN,
        "in_play": False,
        "bet_delay_ms": 0,
        "version": 1,
        "home": "Man Utd",
        "away": "Arsenal",
    }
    return NativeMarket(**(fields | changes))


def prices(**by_runner: int) -> tuple[NativePrice, ...]:
    """`prices(r11=2_100_000)`: micro odds by runner id."""
    return tuple(NativePrice(runner.removeprefix("r"), micro) for runner, micro in by_runner.items())


def update(market: NativeMarket | None = None, **changes: Any) -> NativeUpdate:
    """An image of a market (`native()` by default) with all its prices, unless changed."""
    market = market or native()
    fields: dict[str, Any] = {
        "market": market.id,
        "publish_us": PUBLISHED,
        "definition": market,
        "prices": tuple(NativePrice(runner.id, 2_000_000 + index) for index, runner in enumerate(market.runners)),
        "image": True,
    }
    return NativeUpdate(**(fields | changes))


def delta(market: str = "1.1", publish_us: int = PUBLISHED + 1, **changes: Any) -> NativeUpdate:
    """A change without a definition."""
    return NativeUpdate(market=market, publish_us=publish_us, **changes)


def message(*updates: NativeUpdate) -> Updates:
    return Updates(list(updates), max(each.publish_us for each in updates))


def record_of(view: EventView, identity: str = "e1") -> EventRecord:
    return created(view, identity, at=0, by="test", why="test")


def answer(view: EventView, identity: str = "e1") -> Resolved:
    """What the registry answers for a new event."""
    return Resolved(record_of(view, identity), "test")
