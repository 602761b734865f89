"""What the house stands to lose: worst cases by selection, market and event, kept up with every accepted bet.

    selection   what its bettors win net of their own stakes if it wins
    market      the largest payout of any one selection minus all stakes taken (one selection wins), never below 0
    event       its markets' worst cases added up

A multiple pays only if every leg wins, but how likely that is is nobody's certainty: its whole profit counts on each of
its legs, and its stake offsets none of them. Every step is O(legs), however many outcomes a market has. Amounts are micro units.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from touchline.desk.terms import Terms

Leg = tuple[str, str]
"""Market id and selection id."""


class Room(NamedTuple):
    """How much more profit bettors may be promised on one leg, and which limit says so."""

    profit: int
    scope: str
    limit: int
    figure: int


@dataclass(slots=True)
class _Market:
    stakes: int = 0
    largest: int = 0
    payouts: dict[str, int] = field(default_factory=dict)
    staked: dict[str, int] = field(default_factory=dict)

    @property
    def loss(self) -> int:
        return max(0, self.largest - self.stakes)


class Liability:
    """Accepted and pending bets of one shard. `add` and `remove` with the same arguments cancel out."""

    def __init__(self) -> None:
        self._markets: dict[str, _Market] = {}
        self._events: dict[str, int] = {}

    def selection(self, market: str, selection: str) -> int:
        """Net loss if this selection wins, its own stakes counted only."""
        book = self._markets.get(market)
        return book.payouts.get(selection, 0) - book.staked.get(selection, 0) if book else 0

    def market(self, market: str) -> int:
        book = self._markets.get(market)
        return book.loss if book else 0

    def event(self, event: str) -> int:
        return self._events.get(event, 0)

    def markets(self) -> list[str]:
        """Every market with bets."""
        return list(self._markets)

    def forget(self, market: str) -> None:
        """Nothing of this market counts any more, for its event either."""
        book = self._markets.pop(market, None)
        event = _event(market)
        if book is not None and event in self._events:
            self._events[event] -= book.loss
            if not self._events[event]:
                del self._events[event]

    def room(self, leg: Leg, terms: Terms) -> Room:
        """The tightest of the three limits for one more bet on this leg. `profit` is below 0 where a limit is passed already."""
        market, selection = leg
        book = self._markets.get(market) or _Market()
        # One more bet of profit p on this selection makes the market's worst case at least payouts + p - stakes.
        standing = book.payouts.get(selection, 0) - book.stakes
        others = self.event(_event(market)) - book.loss
        taken = self.selection(market, selection)
        rooms = (
            Room(terms.selection_limit - taken, "selection", terms.selection_limit, taken),
            Room(terms.market_limit - standing, "market", terms.market_limit, book.loss),
            Room(terms.event_limit - others - standing, "event", terms.event_limit, others + book.loss),
        )
        return min(rooms, key=lambda room: room.profit)

    def add(self, legs: Sequence[Leg], stake: int, payout: int) -> None:
        self._change(legs, stake, payout, 1)

    def remove(self, legs: Sequence[Leg], stake: int, payout: int) -> None:
        self._change(legs, stake, payout, -1)

    def _change(self, legs: Sequence[Leg], stake: int, payout: int, sign: int) -> None:
        single = len(legs) == 1
        paid, staked = (payout, stake) if single else (payout - stake, 0)
        for market, selection in legs:
            if sign < 0 and market not in self._markets:
                continue  # forgotten meanwhile
            book = self._markets.setdefault(market, _Market())
            event = _event(market)
            before = book.loss
            total = book.payouts.get(selection, 0) + sign * paid
            own = book.staked.get(selection, 0) + sign * staked
            if total or own:
                book.payouts[selection], book.staked[selection] = total, own
            else:
                book.payouts.pop(selection, None)
                book.staked.pop(selection, None)
            book.stakes += sign * staked
            if sign > 0:
                book.largest = max(book.largest, total)
            else:
                # Only bets that were never stored, or whose second check has failed, are taken back: rare enough to look again.
                book.largest = max(book.payouts.values(), default=0)
            self._events[event] = self._events.get(event, 0) + book.loss - before
            if not book.payouts:
                del self._markets[market]
            if not self._events[event]:
                del self._events[event]


def _event(market: str) -> str:
    return market.partition(":")[0]
