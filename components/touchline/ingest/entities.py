"""What a provider's words mean: sport, league, participants, market type and event reference, through its EntityMaps.

Pure lookups on compiled maps. A name with several meanings is refused with all of them as candidates; a name with none is
refused too, or becomes an id of its own where the map says `unmatched: Accept`. The first map that knows a word decides.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from touchline.api.v1alpha1.entity_map import League, SelectionSource
from touchline.feeds.interface import NativeMarket
from touchline.ingest.accepted import accepted_id
from touchline.ingest.entity_index import SportIndex, TypeAlias, TypeMatch, TypeRule
from touchline.ingest.refusals import QuarantineReason, Refusal, Unmatched

NO_LEAGUE = "unknown"
"""League of an event for which the provider names none, where the map accepts what it does not know."""
_GAME = re.compile(r"\b(?:game|gm)\s?#?([1-9])\b", re.IGNORECASE)


class Sport(NamedTuple):
    """An internal sport and the maps that translate it, in order."""

    id: str
    maps: tuple[SportIndex, ...]

    @property
    def accept(self) -> bool:
        return any(index.accept for index in self.maps)


class LeagueFound(NamedTuple):
    id: str
    league: League | None
    """`None` for an id made of the provider's name."""


class TeamFound(NamedTuple):
    id: str
    name: str


class TypeFound(NamedTuple):
    """A market type. `known` is false for one made of the provider's name: its id alone does not tell two markets apart."""

    match: TypeMatch
    known: bool


class Reference(NamedTuple):
    """An explicit statement of which event this is."""

    id: str
    source: str
    game: int


class Entities:
    """The EntityMaps of one provider."""

    def __init__(self, maps: Sequence[SportIndex]) -> None:
        self._maps = tuple(maps)

    def sport(self, native: NativeMarket) -> Sport | Refusal:
        """The sport of a market and who translates it."""
        named = tuple(index for index in self._maps if index.sport != "*" and index.says_sport(*_sport_words(native)))
        sports = list(dict.fromkeys(index.sport for index in named))
        if len(sports) > 1:
            return Refusal(
                QuarantineReason.UNKNOWN_SPORT,
                f"sport {_shown(native.sport_id, native.sport_name)} is several in the EntityMaps",
                candidates=tuple(sports),
            )
        if named:
            return Sport(sports[0], tuple(index for index in self._maps if index.sport == sports[0]))
        rest = tuple(index for index in self._maps if index.sport == "*")
        word = native.sport_name or native.sport_id
        if not rest or not word or not any(index.accept for index in rest):
            known = tuple(dict.fromkeys(index.sport for index in self._maps if index.sport != "*"))
            return Refusal(
                QuarantineReason.UNKNOWN_SPORT,
                f"no EntityMap of the provider knows sport {_shown(native.sport_id, native.sport_name)}",
                candidates=known,
                unmatched=Unmatched("", "sport", _named(native.sport_id, native.sport_name)),
            )
        return Sport(accepted_id(word), rest)

    def league(self, sport: Sport, native: NativeMarket) -> LeagueFound | Refusal:
        """The league; `leagueWhenAbsent` where the provider names none."""
        if not native.league_id and not native.league_name:
            for index in sport.maps:
                if index.league_when_absent:
                    return LeagueFound(index.league_when_absent, index.leagues.get(index.league_when_absent))
            if sport.accept:
                return LeagueFound(NO_LEAGUE, None)
            return Refusal(
                QuarantineReason.UNKNOWN_LEAGUE,
                f"the provider names no league; set leagueWhenAbsent in {sport.maps[0].map_name}",
            )
        shown = _shown(native.league_id, native.league_name)
        for index in sport.maps:
            found = index.league_names.find(native.league_id, native.league_name)
            if len(found) > 1 and native.country:
                here = [key for key in found if _same_country(index.leagues[key].country, native.country)]
                found = here or found
            if len(found) > 1:
                return Refusal(
                    QuarantineReason.AMBIGUOUS_LEAGUE,
                    f"league {shown} is several in {index.map_name}",
                    candidates=tuple(found),
                )
            if found:
                return LeagueFound(found[0], index.leagues[found[0]])
        if sport.accept:
            return LeagueFound(accepted_id(native.league_name or native.league_id), None)
        return Refusal(
            QuarantineReason.UNKNOWN_LEAGUE,
            f"no EntityMap of {sport.id} knows league {shown}",
            unmatched=Unmatched(sport.id, "league", _named(native.league_id, native.league_name)),
        )

    def team(self, sport: Sport, league: LeagueFound, name: str, native_id: str = "") -> TeamFound | Refusal:
        """A participant by name in its league's context, or by the provider's id in any.

        A name counts if its team is of the event's league, else if the team has no league, else if its league is of the same
        country (a cup). The nearest of these contexts decides; several teams in it are ambiguous.
        """
        elsewhere: list[str] = []
        for index in sport.maps:
            if by_id := index.team_names.by_id.get(native_id or name):
                if len(by_id) == 1:
                    return TeamFound(by_id[0], index.teams[by_id[0]].name)
                return _ambiguous_team(name, league.id, by_id)
            named = index.team_names.find("", name)
            for context in (_of_league, _of_no_league, _of_country):
                found = [key for key in named if context(index, index.teams[key].league, league)]
                if len(found) > 1:
                    return _ambiguous_team(name, league.id, found)
                if found:
                    return TeamFound(found[0], index.teams[found[0]].name)
            elsewhere.extend(named)
        if sport.accept:
            return TeamFound(accepted_id(name or native_id), name or native_id)
        where = "; teams of that name play in other leagues" if elsewhere else ""
        return Refusal(
            QuarantineReason.UNKNOWN_TEAM,
            f"no EntityMap of {sport.id} knows team {name!r} in league {league.id}{where}",
            candidates=tuple(elsewhere),
            unmatched=Unmatched(sport.id, "team", _named(native_id, name)),
        )

    def player(self, sport: Sport, name: str, native_id: str) -> TeamFound | Refusal:
        """A player or runner, by the provider's id or name."""
        for index in sport.maps:
            found = index.player_names.find(native_id, name)
            if len(found) > 1:
                return Refusal(
                    QuarantineReason.UNKNOWN_SELECTION,
                    f"player {_shown(native_id, name)} is several in {index.map_name}",
                    candidates=tuple(found),
                )
            if found:
                return TeamFound(found[0], index.player_texts[found[0]])
        if sport.accept:
            return TeamFound(accepted_id(name or native_id), name or native_id)
        return Refusal(
            QuarantineReason.UNKNOWN_SELECTION,
            f"no EntityMap of {sport.id} knows player {_shown(native_id, name)}",
            unmatched=Unmatched(sport.id, "player", _named(native_id, name)),
        )

    def market_type(self, sport: Sport, native: NativeMarket) -> TypeFound | Refusal:
        """The market type and the alias that led to it."""
        for index in sport.maps:
            found = index.find_types(native.type_id, native.type, native.name)
            if len(found) > 1:
                return Refusal(
                    QuarantineReason.AMBIGUOUS_MARKET_TYPE,
                    f"market type {_shown(native.type_id, native.type)} is several in {index.map_name}",
                    candidates=tuple(match.rule.id for match in found),
                )
            if found:
                return TypeFound(found[0], known=True)
        word = native.type or native.type_id or native.name
        if sport.accept and word:
            return TypeFound(TypeMatch(_accepted_type(word), TypeAlias("", word, "", "", None, "")), known=False)
        return Refusal(
            QuarantineReason.UNKNOWN_MARKET_TYPE,
            f"no EntityMap of {sport.id} knows market type {_shown(native.type_id, native.type)}",
            unmatched=Unmatched(sport.id, "market type", _named(native.type_id, native.type)),
        )

    def reference(
        self, sport: Sport, league: str, sides: tuple[str, str], native: NativeMarket
    ) -> Reference | Refusal | None:
        """The EntityMaps' explicit statement about this event: by the provider's id, else by what the map says of the event."""
        for index in sport.maps:
            stated = index.references.get(native.event_id, [])
            if not stated and all(sides):
                stated = [
                    event
                    for event in index.events
                    if event.home is not None
                    and event.start is not None
                    and {event.home, event.away} == set(sides)
                    and event.league in {None, league}
                    and abs(int(event.start.timestamp()) * 1_000_000 - native.start_us) <= index.tolerance_us
                    and game_number(native.event_name) in {0, event.game_number or 0}
                ]
            if len(stated) > 1:
                return Refusal(
                    QuarantineReason.AMBIGUOUS_EVENT,
                    f"event {native.event_id} is several in {index.map_name}",
                    candidates=tuple(event.id for event in stated),
                )
            if stated:
                return Reference(stated[0].id, f"EntityMap {index.map_name}", stated[0].game_number or 0)
        return None


def game_number(event_name: str) -> int:
    """Which game of several on a day an event's name says it is (`… (Game 2)`); 0 where it says nothing."""
    found = _GAME.search(event_name)
    return int(found.group(1)) if found else 0


def _accepted_type(word: str) -> TypeRule:
    return TypeRule(accepted_id(word), word, "Special", False, (), SelectionSource.PARTICIPANTS, ())


def _sport_words(native: NativeMarket) -> tuple[str, str]:
    return native.sport_id, native.sport_name


def _of_league(_index: SportIndex, team_league: str | None, league: LeagueFound) -> bool:
    return team_league == league.id


def _of_no_league(_index: SportIndex, team_league: str | None, _league: LeagueFound) -> bool:
    return team_league is None


def _of_country(index: SportIndex, team_league: str | None, league: LeagueFound) -> bool:
    home = index.leagues.get(team_league or "")
    if home is None or home.country is None or league.league is None:
        return False
    return home.country == league.league.country


def _same_country(country: str | None, native: str) -> bool:
    return country is not None and (country == native or country.partition("-")[0] == native)


def _ambiguous_team(name: str, league: str, found: Sequence[str]) -> Refusal:
    return Refusal(
        QuarantineReason.AMBIGUOUS_TEAM, f"{name!r} is {len(found)} teams in league {league}", candidates=tuple(found)
    )


def _shown(native_id: str, name: str) -> str:
    if native_id and name and native_id != name:
        return f"{name!r} (id {native_id!r})"
    return repr(name or native_id)


def _named(native_id: str, name: str) -> str:
    """The provider's name, with its id where that says more."""
    return f"{name} (id {native_id})" if native_id and name and native_id != name else name or native_id
