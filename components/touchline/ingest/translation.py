"""One native market in internal words: what it asks, of which event, with which selections.

Made once for each definition; price updates only look runners up in it. A native market usually becomes one internal market;
one whose line is each selection's handicap (Betfair's Asian handicaps) becomes one for each line.

A line of a market with sides is the home side's handicap. Which side is home is the internal event's word, not the
provider's: `touchline.ingest.binding` turns sides and lines round where the two disagree.
"""

from collections.abc import Mapping
from typing import NamedTuple

from touchline.api.v1alpha1.aliases import LineSource, name_matches
from touchline.api.v1alpha1.entity_map import SelectionRole, SelectionSource
from touchline.domain.keys import is_selection
from touchline.feeds.interface import NativeMarket, NativeRunner
from touchline.ingest.accepted import accepted_id
from touchline.ingest.entities import Entities, LeagueFound, Reference, Sport, TeamFound, TypeFound, game_number
from touchline.ingest.entity_index import SelectionRule
from touchline.ingest.identity import EventView
from touchline.ingest.lines import canonical_line, mirrored, specifier
from touchline.ingest.refusals import QuarantineReason, Refusal, Unmatched


class RunnerMeaning(NamedTuple):
    """What one runner stands for. `line` is empty in a market without one."""

    selection: str
    role: SelectionRole
    name: str
    line: str


class Translation(NamedTuple):
    """A native market in internal words, before its event's internal id is known."""

    view: EventView
    league: LeagueFound
    type: TypeFound
    suffix: str
    """Makes the market id unique where the type is only the provider's own word; else empty."""
    runners: dict[str, RunnerMeaning]
    sides: bool
    home_name: str
    away_name: str
    event_name: str
    country: str
    refusals: tuple[Refusal, ...]
    """Runners that are left out, with why."""


def translate(
    entities: Entities, provider: str, native: NativeMarket, known: Mapping[str, str]
) -> Translation | tuple[Refusal, ...]:
    """Translate one definition in the order of DESIGN, section 6: event, league, teams, market structure.

    `known` gives selections that the market's runners already have: an id that was made of a provider's name stays, even
    if the provider names the runner otherwise later.
    """
    sport = entities.sport(native)
    if isinstance(sport, Refusal):
        return (sport,)
    league = entities.league(sport, native)
    if isinstance(league, Refusal):
        return (league,)
    home = _side(entities, sport, league, native.home)
    away = _side(entities, sport, league, native.away)
    problems = tuple(side for side in (home, away) if isinstance(side, Refusal))
    reference = entities.reference(
        sport, league.id, (home.id if isinstance(home, TeamFound) else "", away.id if isinstance(away, TeamFound) else ""),
        native,
    )  # fmt: skip
    if isinstance(reference, Refusal):
        return (reference,)
    if problems and reference is None:
        return problems
    kind = entities.market_type(sport, native)
    if isinstance(kind, Refusal):
        return (kind,)
    home_team = home if isinstance(home, TeamFound) else TeamFound("", native.home)
    away_team = away if isinstance(away, TeamFound) else TeamFound("", native.away)
    runners, refusals = _Runners(entities, sport, league, kind, native, home_team, away_team, known).read()
    if not runners:
        return refusals or (Refusal(QuarantineReason.MARKET_STRUCTURE, "the market has no runners"),)
    return Translation(
        view=_view(provider, sport, league, kind, native, home_team, away_team, reference),
        league=league,
        type=kind,
        suffix="" if kind.known else accepted_id(native.id),
        runners=runners,
        sides=kind.match.rule.sides,
        home_name=home_team.name,
        away_name=away_team.name,
        event_name=native.event_name or " v ".join(filter(None, (home_team.name, away_team.name))) or native.event_id,
        country=(league.league.country if league.league and league.league.country else native.country),
        refusals=refusals,
    )


def _side(entities: Entities, sport: Sport, league: LeagueFound, name: str) -> TeamFound | Refusal:
    return entities.team(sport, league, name) if name else TeamFound("", "")


def _view(
    provider: str,
    sport: Sport,
    league: LeagueFound,
    kind: TypeFound,
    native: NativeMarket,
    home: TeamFound,
    away: TeamFound,
    reference: Reference | None,
) -> EventView:
    sided = bool(home.id and away.id)
    native_id = native.event_id
    if not sided and kind.known and kind.match.rule.race:
        # A provider's "event" may be a whole meeting; one event is one race.
        native_id = f"{native.event_id}@{native.start_us // 1_000_000}"
    return EventView(
        provider=provider,
        native_id=native_id,
        sport=sport.id,
        league=league.id,
        home=home.id if sided else "",
        away=away.id if sided else "",
        name=accepted_id(native.event_name or native.event_id),
        start_us=native.start_us,
        game=(reference.game if reference else 0) or game_number(native.event_name),
        tolerance_us=max(index.tolerance_us for index in sport.maps),
        reference=reference.id if reference else "",
        reference_source=reference.source if reference else "",
    )


class _Runners:
    """Reads the runners of one definition, one after the other: a runner without a meaning holds no other up."""

    def __init__(
        self,
        entities: Entities,
        sport: Sport,
        league: LeagueFound,
        kind: TypeFound,
        native: NativeMarket,
        home: TeamFound,
        away: TeamFound,
        known: Mapping[str, str],
    ) -> None:
        self._entities = entities
        self._sport = sport
        self._league = league
        self._kind = kind
        self._rule = kind.match.rule
        self._native = native
        self._home = home
        self._away = away
        self._known = known
        self._refusals: list[Refusal] = []

    def read(self) -> tuple[dict[str, RunnerMeaning], tuple[Refusal, ...]]:
        market_line = self._market_line()
        if isinstance(market_line, Refusal):
            return {}, (market_line,)
        found: dict[str, RunnerMeaning] = {}
        taken: dict[tuple[str, str], str] = {}
        for index, runner in enumerate(self._native.runners):
            if runner.id in found:
                self._refuse(QuarantineReason.DUPLICATE, "the runner is defined twice", runner)
                continue
            meaning = self._meaning(runner, index, market_line)
            if meaning is None:
                continue
            other = taken.setdefault((meaning.line, meaning.selection), runner.id)
            if other != runner.id:
                if not self._sport.accept or self._kind.known:
                    self._refuse(QuarantineReason.DUPLICATE, f"runner {other!r} is {meaning.selection!r} too", runner)
                    continue
                meaning = meaning._replace(selection=_selection_id(f"{meaning.selection}_{accepted_id(runner.id)}"))
                taken[meaning.line, meaning.selection] = runner.id
            found[runner.id] = meaning
        return found, tuple(self._refusals)

    def _market_line(self) -> str | Refusal:
        """The line of the whole market: empty where it has none or each runner has its own."""
        alias = self._kind.match.alias
        if alias.line_from == LineSource.SELECTION_HANDICAP:
            return ""
        text = alias.line or (specifier(self._native.line, alias.specifier) if self._rule.has_line else "")
        if self._rule.has_line and not text:
            return Refusal(
                QuarantineReason.MARKET_STRUCTURE, f"a {self._rule.id} needs a line and the message has none"
            )
        try:
            return canonical_line(text) if text else ""
        except ValueError as error:
            return Refusal(QuarantineReason.MARKET_STRUCTURE, str(error))

    def _meaning(self, runner: NativeRunner, index: int, market_line: str) -> RunnerMeaning | None:
        rule = self._listed(runner, index)
        if rule is not None:
            role, selection, name = (
                rule.role,
                rule.id,
                rule.name or self._side_name(rule.role) or runner.name or rule.id,
            )
        elif self._rule.source == SelectionSource.LISTED:
            self._refuse(
                QuarantineReason.UNKNOWN_SELECTION,
                f"{self._rule.id} lists no selection for {runner.name or runner.id!r}",
                runner,
                tuple(rule.id for rule in self._rule.selections),
                Unmatched(self._sport.id, "selection", f"{runner.name or runner.id} of {self._rule.id}"),
            )
            return None
        else:
            person = self._person(runner)
            if isinstance(person, Refusal):
                self._refusals.append(person._replace(runner=runner.id))
                return None
            role, selection, name = (
                SelectionRole.OTHER,
                self._known.get(runner.id) or _selection_id(person.id),
                person.name,
            )
        line = market_line
        if self._kind.match.alias.line_from == LineSource.SELECTION_HANDICAP:
            try:
                line = canonical_line(runner.handicap or "0")
            except ValueError as error:
                self._refuse(QuarantineReason.MARKET_STRUCTURE, str(error), runner)
                return None
            if role == SelectionRole.AWAY:
                line = mirrored(line)
        return RunnerMeaning(selection, role, name, line)

    def _tells_by_handicap(self, runner: NativeRunner) -> bool:
        """Whether only the handicap tells this selection from others of the same participant."""
        return bool(runner.handicap) and self._kind.match.alias.line_from != LineSource.SELECTION_HANDICAP

    def _person(self, runner: NativeRunner) -> TeamFound | Refusal:
        native_id = runner.id.removesuffix(f"/{runner.handicap}")
        if self._rule.source == SelectionSource.PLAYERS:
            return self._entities.player(self._sport, runner.name, native_id)
        found = self._entities.team(self._sport, self._league, runner.name, native_id)
        return found._replace(reason=QuarantineReason.UNKNOWN_SELECTION) if isinstance(found, Refusal) else found

    def _listed(self, runner: NativeRunner, index: int) -> SelectionRule | None:
        """The listed selection: by id, name, participant, pattern, and by position last."""
        name = runner.name.casefold()
        side = self._side_of(runner)
        position = runner.order or index + 1
        rules = self._rule.selections
        for fits in (
            lambda rule: runner.id in rule.ids,
            lambda rule: bool(name) and name in rule.names,
            lambda rule: side is not None and rule.role == side,
            lambda rule: bool(name) and any(name_matches(pattern, name) for pattern in rule.patterns),
            lambda rule: position in rule.positions,
        ):
            for rule in rules:
                if fits(rule):
                    return rule
        return None

    def _side_of(self, runner: NativeRunner) -> SelectionRole | None:
        if not runner.name or not self._rule.sides:
            return None
        name = runner.name.casefold()
        for role, native, team in (
            (SelectionRole.HOME, self._native.home, self._home),
            (SelectionRole.AWAY, self._native.away, self._away),
        ):
            if native and native.casefold() == name:
                return role
            if team.id and any(team.id in index.team_names.find("", runner.name) for index in self._sport.maps):
                return role
        return None

    def _side_name(self, role: SelectionRole) -> str:
        return {SelectionRole.HOME: self._home.name, SelectionRole.AWAY: self._away.name}.get(role, "")

    def _refuse(
        self,
        reason: QuarantineReason,
        detail: str,
        runner: NativeRunner,
        candidates: tuple[str, ...] = (),
        unmatched: Unmatched | None = None,
    ) -> None:
        self._refusals.append(Refusal(reason, detail, runner.id, candidates, unmatched))


def _selection_id(text: str) -> str:
    return text if is_selection(text) else accepted_id(text)
