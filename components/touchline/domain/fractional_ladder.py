"""The fractions that British bookmakers traditionally show, in their traditional (not always reduced) spelling.

Exact conversion to fractional odds gives texts such as 909091/1000000 for a price that came as 1.909091; a person
expects 10/11. The steps below are the trade's customary board prices; they are for display, never for deciding a bet.
"""

from bisect import bisect_left
from fractions import Fraction

from touchline.domain.micro_odds import checked_value

_STEPS = """
    1/1000 1/500 1/250 1/200 1/100 1/80 1/66 1/50 1/40 1/33 1/28 1/25 1/22 1/20 1/18 1/16 1/14 1/12 1/11 1/10 1/9 1/8
    2/15 1/7 2/13 1/6 2/11 1/5 2/9 1/4 2/7 3/10 1/3 4/11 2/5 4/9 1/2 8/15 4/7 8/13 4/6 8/11 4/5 5/6 10/11
    1/1 11/10 6/5 5/4 11/8 7/5 6/4 8/5 13/8 7/4 15/8 2/1 85/40 9/4 5/2 11/4 3/1 100/30 7/2 4/1 9/2 5/1 11/2 6/1
    13/2 7/1 15/2 8/1 17/2 9/1 10/1 11/1 12/1 14/1 16/1 18/1 20/1 22/1 25/1 28/1 33/1 40/1 50/1 66/1 80/1 100/1
    125/1 150/1 200/1 250/1 300/1 400/1 500/1 1000/1
"""
TRADITIONAL = tuple(_STEPS.split())
"""Shortest price first."""

_PROFITS = tuple(Fraction(text) for text in TRADITIONAL)


def nearest_fractional(value: Fraction) -> str:
    """The traditional fraction whose profit is nearest to that of exact decimal odds; a tie goes to the lower price.

    Prices beyond the ends of the ladder give its first or last step.

    Raises:
        PriceError: the value is not a price.
    """
    profit = checked_value(value) - 1
    above = bisect_left(_PROFITS, profit)
    if above == 0:
        return TRADITIONAL[0]
    if above == len(_PROFITS):
        return TRADITIONAL[-1]
    nearer_above = _PROFITS[above] - profit < profit - _PROFITS[above - 1]
    return TRADITIONAL[above if nearer_above else above - 1]
