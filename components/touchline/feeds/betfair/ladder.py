"""The two kinds of price ladder, reduced to what a best price needs: which prices are there.

Invariant of `PriceLadder`: `_prices` is strictly ascending, so the best is one of its ends and a change costs one binary
search; nothing is ever sorted. Invariant of `LevelLadder`: at most one price a level; the best is at the lowest level.
Sizes are not kept: no rule of ours looks at them, only at whether they are 0 (removed).

Prices are micro: decimal odds x 1,000,000. What lies outside the range of odds is no price and is left out.
"""

from bisect import bisect_left
from collections.abc import Iterable

from touchline.domain.prices import MAX_MICRO, MIN_MICRO

NO_PRICE = 0
_LOWEST, _HIGHEST = MIN_MICRO / 1e6, MAX_MICRO / 1e6


class PriceLadder:
    """`[price, size]` levels keyed by price (`atb`, `atl`)."""

    __slots__ = ("_prices",)

    def __init__(self) -> None:
        self._prices: list[int] = []

    def update(self, levels: Iterable[tuple[float, float]]) -> None:
        """Set or, with size 0, remove prices. Removing one that is not there changes nothing."""
        prices = self._prices
        for price, size in levels:
            if not _LOWEST <= price <= _HIGHEST:
                continue
            micro = round(price * 1e6)
            at = bisect_left(prices, micro)
            there = at < len(prices) and prices[at] == micro
            if size <= 0:
                if there:
                    del prices[at]
            elif not there:
                prices.insert(at, micro)

    def highest(self) -> int:
        return self._prices[-1] if self._prices else NO_PRICE

    def lowest(self) -> int:
        return self._prices[0] if self._prices else NO_PRICE


class LevelLadder:
    """`[level, price, size]` levels keyed by level, 0 the best (`batb`, `batl`, `bdatb`, `bdatl`)."""

    __slots__ = ("_levels",)

    def __init__(self) -> None:
        self._levels: dict[int, int] = {}

    def update(self, levels: Iterable[tuple[int, float, float]]) -> None:
        """Set or, with size 0, remove levels."""
        for level, price, size in levels:
            if size <= 0:
                self._levels.pop(level, None)
            elif _LOWEST <= price <= _HIGHEST:
                self._levels[level] = round(price * 1e6)

    def best(self) -> int:
        return self._levels[min(self._levels)] if self._levels else NO_PRICE
