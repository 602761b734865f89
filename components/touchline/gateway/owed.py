"""Conflation: which markets' newest state a client, or a whole audience, must still be sent.

Whoever cannot be sent each delta (it is joining, it reads slowly, or too much changed at once) owes nothing but the newest state
of each market that changed; what lay between is skipped. Suspensions go first.
"""

from collections import OrderedDict
from collections.abc import Iterator


class Owed:
    """Market ids in the order in which they will be sent, each with whether the receiver was ever sent that market."""

    __slots__ = ("_plain", "_urgent")

    def __init__(self) -> None:
        # Ordered, because taking the first out of a plain dict again and again is quadratic.
        self._urgent: OrderedDict[str, bool] = OrderedDict()
        self._plain: OrderedDict[str, bool] = OrderedDict()

    def __len__(self) -> int:
        return len(self._urgent) + len(self._plain)

    def __contains__(self, market: str) -> bool:
        return market in self._plain or market in self._urgent

    def __iter__(self) -> Iterator[str]:
        yield from self._urgent
        yield from self._plain

    def add(self, market: str, *, known: bool, urgent: bool = False) -> None:
        """Owe a market's state. What is owed already keeps its place, unless this is urgent."""
        if market in self._urgent:
            return
        if urgent:
            self._urgent[market] = self._plain.pop(market, known)
        else:
            self._plain.setdefault(market, known)

    def add_gone(self, market: str) -> None:
        """The market went: owed to those who know it, forgotten by the others."""
        known = self._urgent.get(market, self._plain.get(market, True))
        if known:
            self.add(market, known=True)
        else:
            self.discard(market)

    def discard(self, market: str) -> None:
        self._urgent.pop(market, None)
        self._plain.pop(market, None)

    def take(self) -> tuple[str, bool]:
        """The next market and whether the receiver knows it."""
        return (self._urgent or self._plain).popitem(last=False)

    def copy(self) -> "Owed":
        other = Owed()
        other._urgent = self._urgent.copy()
        other._plain = self._plain.copy()
        return other
