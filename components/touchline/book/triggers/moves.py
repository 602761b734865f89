"""How far two prices are apart, exactly, and how far a price may go without a closer look.

`percent_ppm` is 10^-6: of implied probability 150_000 is 15 percentage points, of the decimal price 15 percent of the older one.
Prices are micro odds; everything is decided by cross-multiplication of integers.
"""

from enum import StrEnum

from touchline.domain.prices import MAX_MICRO, MIN_MICRO

_PICO = 10**12


class Metric(StrEnum):
    """In what a difference of prices is measured (FEEDS, "naive", 3)."""

    IMPLIED_PROBABILITY = "ImpliedProbability"
    DECIMAL_PRICE = "DecimalPrice"


def moved(metric: Metric, percent_ppm: int, old: int, new: int) -> bool:
    """Whether the move from one price to another is at least the percentage."""
    distance = abs(new - old)
    if metric is Metric.DECIMAL_PRICE:
        return distance * 1_000_000 >= percent_ppm * old
    return distance * _PICO >= percent_ppm * old * new


def describe(metric: Metric, old: int, new: int) -> str:
    """The size of a move with its sign, in percent or percentage points, cut to two decimals."""
    distance = abs(new - old)
    if metric is Metric.DECIMAL_PRICE:
        hundredths, unit, up = distance * 10_000 // old, "%", new >= old
    else:
        hundredths, unit, up = _PICO * distance // (old * new) // 100, " points of implied probability", new <= old
    whole, part = divmod(hundredths, 100)
    return f"{'+' if up else '-'}{whole}.{part:02d}{unit}"


def band(metric: Metric, percent_ppm: int, lowest: int, highest: int) -> tuple[int, int]:
    """The widest range around `lowest` … `highest` (roughly centred) of which no two prices are as far apart as the percentage.

    While all prices of a window lie in it nothing can fire, so nothing has to be computed. `(1, 0)`, an empty range, where there is none.
    """
    if metric is Metric.DECIMAL_PRICE:
        least = highest * 1_000_000 // (1_000_000 + percent_ppm) + 1
        low = max((least + lowest) // 2, MIN_MICRO)
        high = low + (percent_ppm * low - 1) // 1_000_000
    else:
        most = _PICO // lowest + 1
        slack = percent_ppm - (most - _PICO // highest)
        low = max(-(-_PICO // (most + max(slack, 0) // 2)), MIN_MICRO)
        floor = _PICO // low + 1 - percent_ppm
        high = MAX_MICRO if floor <= 0 else _PICO // (floor + 1)
    if low > lowest or high < highest or moved(metric, percent_ppm, low, min(high, MAX_MICRO)):
        return 1, 0
    return low, min(high, MAX_MICRO)
