"""Decimal odds as integers: what the book and the gateway compute with.

A *micro* price is decimal odds x 1,000,000 (2.375 is 2_375_000), so comparing two prices is comparing two integers and
the text that clients see is exact. Prices that need more than six decimals (10/11) are rounded half-even once, where
they enter; `Price` keeps the exact value beside it.

Every price pays a profit between one millionth and one million per unit staked. The bound is symmetric so that rounding
to six decimals never leaves it, in any format, and micro prices stay far within 64 bits.
"""

import re
from collections.abc import Iterable
from fractions import Fraction
from functools import lru_cache

from touchline.domain.price_format import PriceError, PriceFormat
from touchline.domain.rounding import MILLION, divide_half_even, millionths_text

MIN_MICRO = MILLION + 1
"""The lowest price, 1.000001."""
MAX_MICRO = MILLION * MILLION + MILLION
"""The highest price, 1000001."""

RANGE_RULE = "decimal odds must be at least 1.000001 and at most 1000001"

_CACHED_PRICES = 1 << 16  # a feed with the finest steps in use has a few thousand; the rest is for odd ones
_DECIMAL_TEXT = re.compile(r"(0|[1-9][0-9]{0,6})(?:\.([0-9]{1,6}))?")
_LOWEST, _HIGHEST = Fraction(MIN_MICRO, MILLION), Fraction(MAX_MICRO, MILLION)
_PICO = MILLION * MILLION
# Divided by a micro price this gives a probability in units of 10^-12.
_FINE_PROBABILITY = _PICO * MILLION


@lru_cache(maxsize=_CACHED_PRICES)
def decimal_text(micro: int) -> str:
    """The canonical text of a micro price: shortest exact decimal odds with at least two decimals ("2.10", "2.375").

    Raises:
        PriceError: the number is not a price.
    """
    return millionths_text(checked_micro(micro), least_decimals=2)


@lru_cache(maxsize=_CACHED_PRICES)
def parse_micro(text: str) -> int:
    """Read decimal odds of at most six decimals exactly; the inverse of `decimal_text`.

    Plain digits and an optional point only: no sign, exponent, space, leading zero or leading point.

    Raises:
        PriceError: another form, or not a price.
    """
    match = _DECIMAL_TEXT.fullmatch(text)
    if match is None:
        raise PriceError(text, PriceFormat.DECIMAL, "write decimal odds with at most six decimals, such as 2.375")
    whole, decimals = match.groups(default="")
    micro = int(whole) * MILLION + int(decimals.ljust(6, "0"))
    if not MIN_MICRO <= micro <= MAX_MICRO:
        raise PriceError(text, PriceFormat.DECIMAL, RANGE_RULE)
    return micro


def micro_of(value: Fraction) -> int:
    """Exact decimal odds to micro, rounded half-even.

    Raises:
        PriceError: the value is not a price.
    """
    checked_value(value)
    return divide_half_even(value.numerator * MILLION, value.denominator)


def checked_value(value: Fraction) -> Fraction:
    """The same decimal odds, if they are a price.

    Raises:
        PriceError: they are not.
    """
    if not _LOWEST <= value <= _HIGHEST:
        raise PriceError(str(value), PriceFormat.DECIMAL, RANGE_RULE)
    return value


def checked_micro(micro: int) -> int:
    """The same number, if it is a price.

    Raises:
        PriceError: it is not.
    """
    if not MIN_MICRO <= micro <= MAX_MICRO:
        raise PriceError(f"{micro} micro", PriceFormat.DECIMAL, RANGE_RULE)
    return micro


def implied_ppm(micro: int) -> int:
    """The probability that a price implies, 1 / decimal odds, in parts per million, rounded half-even.

    Raises:
        PriceError: the number is not a price.
    """
    return divide_half_even(_PICO, checked_micro(micro))


def overround_ppm(micros: Iterable[int]) -> int:
    """The implied probabilities of a market's selections added up, in parts per million: 1,000,000 is a fair book.

    Each term is taken to 10^-12 before adding, so the rounding error of a market of n selections is below n x 10^-12
    and the order of the selections does not matter. No selections give 0.

    Raises:
        PriceError: one of the numbers is not a price.
    """
    return divide_half_even(sum(divide_half_even(_FINE_PROBABILITY, checked_micro(micro)) for micro in micros), MILLION)
