"""A translated market tied to its event's internal id: internal market ids, selections and descriptions.

Two providers may disagree on who is at home. The event's record decides: a provider that has it the other way round gets its
sides exchanged here, and its handicaps mirrored.
"""

from typing import NamedTuple

from touchline.api.v1alpha1.entity_map import SelectionRole
from touchline.bus.messages import MarketMeta
from touchline.domain.keys import MarketKey
from touchline.ingest.event_records import EventRecord
from touchline.ingest.lines import mirrored
from touchline.ingest.translation import RunnerMeaning, Translation

_OTHER_SIDE = {SelectionRole.HOME: SelectionRole.AWAY, SelectionRole.AWAY: SelectionRole.HOME}


class BoundMarket(NamedTuple):
    """One internal market. `runners` gives the selection of each native runner that belongs to it."""

    id: str
    runners: dict[str, str]
    meta: MarketMeta


class Bound(NamedTuple):
    """A native market as one or more internal markets (several where each line is one)."""

    event: str
    markets: tuple[BoundMarket, ...]


def bind(translation: Translation, record: EventRecord) -> Bound:
    """The internal markets of a native one."""
    view = translation.view
    swapped = bool(view.home) and view.home != view.away and (view.home, view.away) == (record.away, record.home)
    rule = translation.type.match.rule
    opposite = _opposite_selections(translation) if swapped else {}
    lines: dict[str, dict[str, RunnerMeaning]] = {}
    for runner, meaning in translation.runners.items():
        turned = meaning
        if swapped and translation.sides:
            turned = meaning._replace(
                selection=opposite.get(meaning.role, meaning.selection),
                line=mirrored(meaning.line) if meaning.line else "",
            )
        lines.setdefault(turned.line, {})[runner] = turned
    key_type = f"{rule.id}-{translation.suffix}"[:64].rstrip("-") if translation.suffix else rule.id
    home, away = translation.home_name, translation.away_name
    markets = []
    for line, meanings in lines.items():
        meta = MarketMeta(
            sport=record.sport,
            league=record.league,
            type=rule.id,
            line=line,
            event_name=translation.event_name,
            home=away if swapped else home,
            away=home if swapped else away,
            start_us=view.start_us,
            names={meaning.selection: meaning.name for meaning in meanings.values()},
            country=translation.country,
            league_class=str(translation.league.league.league_class) if translation.league.league else "",
            category=rule.category,
        )
        selections = {runner: meaning.selection for runner, meaning in meanings.items()}
        markets.append(BoundMarket(str(MarketKey(record.id, key_type, line)), selections, meta))
    return Bound(record.id, tuple(markets))


def _opposite_selections(translation: Translation) -> dict[SelectionRole, str]:
    by_role = {rule.role: rule.id for rule in translation.type.match.rule.selections}
    return {role: by_role[other] for role, other in _OTHER_SIDE.items() if role in by_role and other in by_role}
