"""Which Market class a market belongs to: the most specific selector that matches; a tie is told, never broken.

A selector has four fields. Its specificity is how many of them narrow anything: naming sports, leagues or market types, or
one phase, each counts one. Two classes of equal specificity that match one market are a tie: the market stays
suspended and both classes say so, because whichever rule broke the tie, somebody would have meant the other one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from touchline.api.v1alpha1.market import Market, Phase, Selector

ALL = "*"


@dataclass(frozen=True, slots=True)
class Tie:
    """Classes that match one market equally well, by name."""

    classes: tuple[Market, ...]


def specificity(selector: Selector) -> int:
    """How many fields of a selector narrow anything, 0 to 4."""
    lists = (selector.sports, selector.leagues, selector.market_types)
    return sum(_narrows(names) for names in lists) + (selector.phase != Phase.ANY)


def matches(selector: Selector, *, sport: str, league: str, market_type: str, in_play: bool) -> bool:
    """Whether a market of that sport, league, type and phase is selected."""
    phase = Phase.IN_PLAY if in_play else Phase.PRE_MATCH
    return (
        _holds(selector.sports, sport)
        and _holds(selector.leagues, league)
        and _holds(selector.market_types, market_type)
        and selector.phase in (Phase.ANY, phase)
    )


def overlap(one: Selector, other: Selector) -> bool:
    """Whether there can be a market that both select."""
    return (
        _meet(one.sports, other.sports)
        and _meet(one.leagues, other.leagues)
        and _meet(one.market_types, other.market_types)
        and (one.phase == other.phase or Phase.ANY in (one.phase, other.phase))
    )


def select(
    classes: Iterable[Market], *, sport: str, league: str, market_type: str, in_play: bool
) -> Market | Tie | None:
    """The class of a market: the most specific that matches, a Tie of several, or None. The order of `classes` is irrelevant."""
    fitting = [
        market
        for market in classes
        if matches(market.spec.selector, sport=sport, league=league, market_type=market_type, in_play=in_play)
    ]
    if not fitting:
        return None
    most = max(specificity(market.spec.selector) for market in fitting)
    best = [market for market in fitting if specificity(market.spec.selector) == most]
    if len(best) == 1:
        return best[0]
    return Tie(tuple(sorted(best, key=lambda market: (market.namespace, market.name))))


def _narrows(names: tuple[str, ...]) -> bool:
    return bool(names) and ALL not in names


def _holds(names: tuple[str, ...], name: str) -> bool:
    return not _narrows(names) or name in names


def _meet(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    return not _narrows(one) or not _narrows(other) or any(name in other for name in one)
