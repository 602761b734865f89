"""EntityMap: what the providers call the leagues, teams, players, markets and events of one sport."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from touchline.api.types.block import Block, Flag, Whole
from touchline.api.types.durations import Between, Duration
from touchline.api.types.lists import ListAtomic, ListMap
from touchline.api.types.moments import Moment
from touchline.api.types.references import (
    ConfigMapKeyRef,
    EntityId,
    EntityIdOrAll,
    Text,
)
from touchline.api.types.resource import API_VERSION, Column, KindInfo, ResourceBase, Status
from touchline.api.types.rules import Immutable, Shape
from touchline.api.v1alpha1.aliases import Aliases, IdAliases, MarketTypeAlias, SelectionAlias

Country = Annotated[
    str,
    Shape(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$", max_length=6, says="must be an ISO 3166 code such as BR or GB-ENG"),
]


class Unmatched(StrEnum):
    """What happens to names that the map does not know."""

    QUARANTINE = "Quarantine"
    ACCEPT = "Accept"


class LeagueClass(StrEnum):
    """How much betting a league attracts."""

    ELITE = "Elite"
    MAJOR = "Major"
    STANDARD = "Standard"
    MINOR = "Minor"


class Risk(StrEnum):
    """How easily a market is moved or known in advance."""

    LOW = "Low"
    MEDIUM = "Medium"
    HIGH = "High"


class MarketCategory(StrEnum):
    """What sort of question a market asks."""

    MAIN = "Main"
    TOTALS = "Totals"
    HANDICAP = "Handicap"
    PERIOD = "Period"
    PLAYER = "Player"
    OUTRIGHT = "Outright"
    SPECIAL = "Special"


class SelectionRole(StrEnum):
    """What a selection stands for, whatever it is called."""

    HOME = "Home"
    AWAY = "Away"
    DRAW = "Draw"
    OVER = "Over"
    UNDER = "Under"
    YES = "Yes"
    NO = "No"
    ODD = "Odd"
    EVEN = "Even"
    OTHER = "Other"


class SelectionSource(StrEnum):
    """Where the selections of a market type come from."""

    LISTED = "Listed"
    PARTICIPANTS = "Participants"
    PLAYERS = "Players"


class League(Block):
    """A league, cup, tour or race series."""

    id: EntityId = Field(description="Internal id, such as eng-premier-league.")
    name: Text = Field(description="Name that bettors see.")
    country: Country | None = Field(default=None, description="Country or part of one, by ISO 3166 code.")
    league_class: LeagueClass = Field(default=LeagueClass.STANDARD, description="How much betting the league attracts.")
    aliases: Aliases = Field(default=(), description="What providers call it, besides its name.")


class Team(Block):
    """A team, or a single participant of a sport without teams."""

    id: EntityId = Field(description="Internal id, such as manchester-united.")
    name: Text = Field(description="Name that bettors see.")
    league: EntityId | None = Field(
        default=None, description="Internal id of its league; tells apart teams of one name in different leagues."
    )
    aliases: Aliases = Field(default=(), description="What providers call it, besides its name.")


class Player(Block):
    """A player or runner."""

    id: EntityId = Field(description="Internal id.")
    name: Text = Field(description="Name that bettors see.")
    team: EntityId | None = Field(default=None, description="Internal id of the team.")
    aliases: Aliases = Field(default=(), description="What providers call the player, besides the name.")


class Selection(Block):
    """One outcome that a market type lists."""

    id: EntityId = Field(description="Internal id, unique in the market: home, draw, over.")
    role: SelectionRole = Field(
        default=SelectionRole.OTHER,
        description=(
            "What it stands for. Home and Away are also found by the event's first and second participant, whatever "
            "the provider calls them."
        ),
    )
    name: Text | None = Field(default=None, description="Name that bettors see; left out, the participant's or the id.")
    aliases: Annotated[tuple[SelectionAlias, ...], ListAtomic(max_items=16)] = Field(
        default=(), description="What providers call it."
    )


class MarketType(Block):
    """One question that can be asked of an event."""

    id: EntityId = Field(description="Internal id, such as MatchWinner; part of the market id.")
    name: Text | None = Field(default=None, description="Name that bettors see; left out, the id.")
    category: MarketCategory = Field(default=MarketCategory.MAIN, description="What sort of question it is.")
    risk: Risk = Field(default=Risk.LOW, description="How easily such a market is moved or known in advance.")
    has_line: Flag = Field(
        default=False, description="Its market id ends in a line, as in TotalGoals:2.5; without one it is quarantined."
    )
    aliases: Annotated[tuple[MarketTypeAlias, ...], ListAtomic(max_items=32)] = Field(
        default=(), description="What providers call it, besides its id."
    )
    selections_from: SelectionSource = Field(
        default=SelectionSource.PARTICIPANTS,
        description=(
            "Listed selections are tried first. Participants: then one for each participant of the event, as in a race. "
            "Players: then one for each player. Listed: nothing else."
        ),
    )
    selections: Annotated[tuple[Selection, ...], ListMap(keys=("id",), max_items=64)] = Field(
        default=(), description="Outcomes, where they are known in advance."
    )


class EventReference(Block):
    """An event that is said to be one, whatever the providers call it."""

    id: EntityId = Field(description="Internal id of the event.")
    name: Text | None = Field(default=None, description="Name that bettors see.")
    league: EntityId | None = Field(default=None, description="Internal id of the league.")
    home: EntityId | None = Field(default=None, description="Internal id of the first participant.")
    away: EntityId | None = Field(default=None, description="Internal id of the second participant.")
    start: Moment | None = Field(default=None, description="Start, as 2026-03-01T15:00:00Z.")
    game_number: Whole | None = Field(
        default=None, ge=1, le=9, description="Which game, where one pair meets more than once on a day."
    )
    aliases: IdAliases = Field(default=(), description="The providers' ids of the event.")


class EventMatching(Block):
    """How events of different providers are found to be one."""

    start_tolerance: Annotated[Duration, Between("0s", "24h")] = Field(
        default=Duration("1h"), description="How far the start times of one event may differ between providers."
    )


class EntitySource(Block):
    """More entries from outside, for maps that are kept as a table."""

    config_map_ref: ConfigMapKeyRef = Field(
        description=(
            "CSV text. Its first line names the columns: kind (league, team or player), id, name, parent (a team's league, "
            "a player's team), alias_name, alias_id, provider, protocol. One line for each alias."
        )
    )


class EntityMapSpec(Block):
    """What the providers call things of one sport."""

    sport: Annotated[EntityIdOrAll, Immutable("ids of one sport may not become those of another")] = Field(
        description="Internal id of the sport, such as Football. * takes every sport that no other map of the provider does."
    )
    name: Text | None = Field(default=None, description="Name of the sport that bettors see; left out, its id.")
    version: Annotated[str, Field(max_length=63, pattern=r"^[A-Za-z0-9._-]+$")] | None = Field(
        default=None, description="The author's own version of the map, shown with what it decided."
    )
    sport_aliases: IdAliases = Field(default=(), description="The providers' ids of the sport.")
    unmatched: Unmatched = Field(
        default=Unmatched.QUARANTINE,
        description=(
            "What happens to sports, leagues, teams, market types and selections that the map does not know: "
            "Quarantine keeps them out, Accept makes an id from the provider's own name or id."
        ),
    )
    league_when_absent: EntityId | None = Field(
        default=None, description="League of events for which the provider names none."
    )
    event_matching: EventMatching = Field(
        default_factory=EventMatching, description="How events of different providers are found to be one."
    )
    leagues: Annotated[tuple[League, ...], ListMap(keys=("id",), max_items=500)] = Field(
        default=(), description="Leagues."
    )
    teams: Annotated[tuple[Team, ...], ListMap(keys=("id",), max_items=2000)] = Field(
        default=(), description="Teams, or single participants."
    )
    players: Annotated[tuple[Player, ...], ListMap(keys=("id",), max_items=2000)] = Field(
        default=(), description="Players or runners."
    )
    market_types: Annotated[tuple[MarketType, ...], ListMap(keys=("id",), max_items=100)] = Field(
        default=(), description="Market types."
    )
    events: Annotated[tuple[EventReference, ...], ListMap(keys=("id",), max_items=500)] = Field(
        default=(), description="Events whose identity is said rather than found."
    )
    source: EntitySource | None = Field(default=None, description="More entries from outside.")


class EntityMapStatus(Status):
    """What the map holds and lacks."""

    entries: Whole | None = Field(default=None, ge=0, le=2**53, description="Aliases and names in the map.")
    conflicts: Whole | None = Field(default=None, ge=0, le=2**53, description="Names that stand for several things.")
    unmatched: Annotated[tuple[Text, ...], ListAtomic(max_items=100)] = Field(
        default=(),
        description="Names that keep something out because the map does not know them, the most frequent first.",
    )


class EntityMap(ResourceBase):
    """What the providers call the leagues, teams, players, markets and events of one sport."""

    info: ClassVar[KindInfo] = KindInfo(
        plural="entitymaps",
        short_names=("em",),
        columns=(
            Column(name="Entries", path=".status.entries", type="integer", description="Aliases and names in the map."),
            Column(
                name="Missing",
                path=".status.unmatched[0]",
                description="The most frequent name that was seen and not found.",
            ),
            Column(name="Sport", path=".spec.sport", description="Internal id of the sport.", priority=1),
        ),
    )

    api_version: Literal["touchline.dev/v1alpha1"] = Field(default=API_VERSION, description="Version of the resource.")
    kind: Literal["EntityMap"] = Field(default="EntityMap", description="Kind of the resource.")
    spec: EntityMapSpec = Field(description="What the providers call things of one sport.")
    status: EntityMapStatus | None = Field(default=None, description="What the map holds and lacks.")
