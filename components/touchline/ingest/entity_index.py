"""EntityMaps compiled for one provider: every name, id and pattern that it may use, ready to be looked up.

Only aliases in the provider's scope (its name, its protocol, or anybody's) are in the indexes. A lookup returns *all* internal
ids that a name stands for; nobody here picks one.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import NamedTuple

from touchline.api.v1alpha1.aliases import Alias, LineSource, MarketTypeAlias, name_matches
from touchline.api.v1alpha1.entity_map import (
    EntityMap,
    EntityMapSpec,
    EventReference,
    League,
    MarketType,
    Selection,
    SelectionRole,
    SelectionSource,
    Team,
    Unmatched,
)


class Scope(NamedTuple):
    """Whose words are looked up: a FeedProvider and the protocol it speaks (of a replay, the recording's)."""

    provider: str
    protocol: str


class AliasIndex:
    """Internal ids by a provider's id (exact) and name (case ignored), each list without repetition, in the map's order."""

    def __init__(self) -> None:
        self.by_id: dict[str, list[str]] = {}
        self.by_name: dict[str, list[str]] = {}

    def add(self, internal: str, name: str | None, aliases: Iterable[Alias], scope: Scope) -> None:
        """Index one entity under its own id and name and under its aliases in scope."""
        _append(self.by_name, internal.casefold(), internal)
        if name is not None:
            _append(self.by_name, name.casefold(), internal)
        for alias in aliases:
            if alias.applies_to(provider=scope.provider, protocol=scope.protocol):
                if alias.id is not None:
                    _append(self.by_id, alias.id, internal)
                if alias.name is not None:
                    _append(self.by_name, alias.name.casefold(), internal)

    def find(self, native_id: str, name: str) -> list[str]:
        """What the id stands for, else what the name stands for; a provider may also write an id where a name belongs."""
        for key in (native_id, name):
            if key and key in self.by_id:
                return self.by_id[key]
        return self.by_name.get(name.casefold(), []) if name else []


class SelectionRule(NamedTuple):
    """One listed selection with its names in scope."""

    id: str
    role: SelectionRole
    name: str
    ids: frozenset[str]
    names: frozenset[str]
    patterns: tuple[str, ...]
    positions: frozenset[int]


class TypeAlias(NamedTuple):
    """One way in which a market type is written, and where its line is then found."""

    id: str
    name: str
    pattern: str
    line: str
    line_from: LineSource | None
    specifier: str


class TypeRule(NamedTuple):
    """One market type with its aliases in scope."""

    id: str
    name: str
    category: str
    has_line: bool
    aliases: tuple[TypeAlias, ...]
    source: SelectionSource
    selections: tuple[SelectionRule, ...]

    @property
    def sides(self) -> bool:
        """Whether a selection stands for one of two sides: then a line is the home side's."""
        return any(rule.role in {SelectionRole.HOME, SelectionRole.AWAY} for rule in self.selections)

    @property
    def race(self) -> bool:
        """Whether its selections are whoever takes part, with no fixed outcomes: each start time is an event of its own."""
        return self.source == SelectionSource.PARTICIPANTS and not self.selections


class TypeMatch(NamedTuple):
    """A market type and the alias by which it was found."""

    rule: TypeRule
    alias: TypeAlias


class SportIndex:
    """One EntityMap compiled for one provider."""

    def __init__(self, name: str, spec: EntityMapSpec, scope: Scope) -> None:
        self.map_name = name
        self.sport = spec.sport
        self.accept = spec.unmatched == Unmatched.ACCEPT
        self.league_when_absent = spec.league_when_absent or ""
        self.tolerance_us = spec.event_matching.start_tolerance.micros
        self.sport_names = {spec.sport.casefold(), (spec.name or spec.sport).casefold()}
        self.sport_ids = {
            alias.id
            for alias in spec.sport_aliases
            if alias.applies_to(provider=scope.provider, protocol=scope.protocol)
        }
        self.leagues: dict[str, League] = {league.id: league for league in spec.leagues}
        self.teams: dict[str, Team] = {team.id: team for team in spec.teams}
        self.league_names, self.team_names, self.player_names = AliasIndex(), AliasIndex(), AliasIndex()
        for league in spec.leagues:
            self.league_names.add(league.id, league.name, league.aliases, scope)
        for team in spec.teams:
            self.team_names.add(team.id, team.name, team.aliases, scope)
        for player in spec.players:
            self.player_names.add(player.id, player.name, player.aliases, scope)
        self.player_texts = {player.id: player.name for player in spec.players}
        self.types = tuple(_type_rule(kind, scope) for kind in spec.market_types)
        self.references: dict[str, list[EventReference]] = {}
        for event in spec.events:
            for reference in event.aliases:
                if reference.applies_to(provider=scope.provider, protocol=scope.protocol):
                    self.references.setdefault(reference.id, []).append(event)
        self.events: tuple[EventReference, ...] = spec.events

    def says_sport(self, native_id: str, name: str) -> bool:
        """Whether this map is the one of the provider's sport."""
        return (bool(native_id) and native_id in self.sport_ids) or (bool(name) and name.casefold() in self.sport_names)

    def find_types(self, type_id: str, kind: str, name: str) -> list[TypeMatch]:
        """The market types that fit best: by id, else by name, else by pattern; of the type's name before the market's."""
        texts = [text.casefold() for text in (kind, name) if text]
        tiers: tuple[Callable[[TypeAlias], bool], ...] = (
            lambda alias: bool(alias.id) and alias.id in {type_id, kind},
            *(partial(_named, text) for text in texts),
            *(partial(_like, text) for text in texts),
        )
        for tier in tiers:
            found: dict[str, TypeMatch] = {}
            for rule in self.types:
                for alias in rule.aliases:
                    if rule.id not in found and tier(alias):
                        found[rule.id] = TypeMatch(rule, alias)
            if found:
                return list(found.values())
        return []


def compile_maps(maps: Sequence[EntityMap], scope: Scope) -> tuple[SportIndex, ...]:
    """The provider's maps in the order of its references."""
    return tuple(SportIndex(entity_map.name, entity_map.spec, scope) for entity_map in maps)


def _named(text: str, alias: TypeAlias) -> bool:
    return alias.name == text


def _like(text: str, alias: TypeAlias) -> bool:
    return bool(alias.pattern) and name_matches(alias.pattern, text)


def _append(index: dict[str, list[str]], key: str, internal: str) -> None:
    found = index.setdefault(key, [])
    if internal not in found:
        found.append(internal)


def _type_rule(kind: MarketType, scope: Scope) -> TypeRule:
    own = TypeAlias("", kind.id.casefold(), "", "", None, "")
    aliases = [own, *(_type_alias(alias) for alias in kind.aliases if _in(alias, scope))]
    return TypeRule(
        id=kind.id,
        name=kind.name or kind.id,
        category=str(kind.category),
        has_line=kind.has_line,
        aliases=tuple(aliases),
        source=kind.selections_from,
        selections=tuple(_selection_rule(selection, scope) for selection in kind.selections),
    )


def _type_alias(alias: MarketTypeAlias) -> TypeAlias:
    return TypeAlias(
        id=alias.id or "",
        name=(alias.name or "").casefold(),
        pattern=alias.name_pattern or "",
        line=str(alias.line) if alias.line is not None else "",
        line_from=alias.line_from,
        specifier=alias.specifier or "",
    )


def _selection_rule(selection: Selection, scope: Scope) -> SelectionRule:
    aliases = [alias for alias in selection.aliases if _in(alias, scope)]
    names = {selection.id.casefold(), *(alias.name.casefold() for alias in aliases if alias.name)}
    if selection.name:
        names.add(selection.name.casefold())
    return SelectionRule(
        id=selection.id,
        role=selection.role,
        name=selection.name or "",
        ids=frozenset(alias.id for alias in aliases if alias.id),
        names=frozenset(names),
        patterns=tuple(alias.name_pattern for alias in aliases if alias.name_pattern),
        positions=frozenset(alias.position for alias in aliases if alias.position is not None),
    )


def _in(alias: object, scope: Scope) -> bool:
    return bool(alias.applies_to(provider=scope.provider, protocol=scope.protocol))  # type: ignore[attr-defined]
