"""Betfair's CLASSIC price ladder: the 350 prices from 1.01 to 1000 at which most exchange markets trade.

The increment grows with the price (Betfair Exchange API, "Price Increments"): 0.01 up to 2, 0.02 to 3, 0.05 to 4,
0.1 to 6, 0.2 to 10, 0.5 to 20, 1 to 30, 2 to 50, 5 to 100, 10 to 1000. A *tick* is one step; tick 0 is 1.01. All prices
here are micro prices (decimal odds x 1,000,000).

This is for prices that we make. It must not be used to validate a feed: some markets trade on the FINEST ladder (every
0.01), and in recordings last traded prices lie between ticks even in CLASSIC markets.
"""

from bisect import bisect_left, bisect_right
from enum import StrEnum

from touchline.domain.micro_odds import checked_micro, decimal_text
from touchline.domain.price_format import PriceError, PriceFormat

_BANDS = (
    # from (inclusive), to (exclusive), increment
    (1_010_000, 2_000_000, 10_000),
    (2_000_000, 3_000_000, 20_000),
    (3_000_000, 4_000_000, 50_000),
    (4_000_000, 6_000_000, 100_000),
    (6_000_000, 10_000_000, 200_000),
    (10_000_000, 20_000_000, 500_000),
    (20_000_000, 30_000_000, 1_000_000),
    (30_000_000, 50_000_000, 2_000_000),
    (50_000_000, 100_000_000, 5_000_000),
    (100_000_000, 1_000_000_001, 10_000_000),
)

LADDER = tuple(micro for band in _BANDS for micro in range(*band))
"""All prices, lowest first."""

_TICKS = {micro: tick for tick, micro in enumerate(LADDER)}


class LadderRounding(StrEnum):
    """Which ladder price stands for one between two ticks."""

    DOWN = "Down"
    """The lower: the bettor is never paid more than the price says."""
    UP = "Up"
    """The higher."""
    NEAREST = "Nearest"
    """The nearer in decimal odds; a tie goes to the lower."""


def tick_index(micro: int) -> int:
    """The tick (0-349) of a price on the ladder.

    Raises:
        PriceError: the price is between two ticks or beyond the ends; round it first.
    """
    try:
        return _TICKS[micro]
    except KeyError:
        raise PriceError(decimal_text(micro), PriceFormat.DECIMAL, "not on the ladder from 1.01 to 1000") from None


def price_at(tick: int) -> int:
    """The price of a tick.

    Raises:
        PriceError: the tick is not one of 0-349.
    """
    if not 0 <= tick < len(LADDER):
        raise PriceError(f"tick {tick}", None, f"the ladder has ticks 0 to {len(LADDER) - 1}")
    return LADDER[tick]


def round_to_ladder(micro: int, rounding: LadderRounding) -> int:
    """The ladder price that stands for any price.

    Raises:
        PriceError: not a price, or there is no ladder price in that direction (down from below 1.01, up from above
            1000): to take the end of the ladder then would turn "never more than" into more.
    """
    checked_micro(micro)
    if rounding is LadderRounding.DOWN:
        below = bisect_right(LADDER, micro) - 1
        if below < 0:
            raise PriceError(decimal_text(micro), PriceFormat.DECIMAL, "no ladder price at or below it")
        return LADDER[below]
    above = bisect_left(LADDER, micro)
    if rounding is LadderRounding.UP:
        if above == len(LADDER):
            raise PriceError(decimal_text(micro), PriceFormat.DECIMAL, "no ladder price at or above it")
        return LADDER[above]
    neighbours = LADDER[max(above - 1, 0) : above + 1]
    return min(neighbours, key=lambda price: (abs(price - micro), price))
