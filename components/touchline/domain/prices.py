"""Prices: exactly what the provider sent, and exactly what it is worth.

Two representations, for two places. `Price` is the record: the provider's own text and format, and its exact value as a
rational; it is made once where a feed's message is read. *Micro* integers (`micro_odds`) are what travels and is
computed with from there on. This module is the one to import from; the rules stand in the modules beside it.
"""

from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache

from touchline.domain.fractional_ladder import nearest_fractional
from touchline.domain.micro_odds import (
    MAX_MICRO,
    MIN_MICRO,
    decimal_text,
    implied_ppm,
    micro_of,
    overround_ppm,
    parse_micro,
)
from touchline.domain.odds_formats import MAX_RATIO_TEXT, MAX_TEXT, read_value, write_value
from touchline.domain.price_format import PriceError, PriceFormat

__all__ = [
    "MAX_MICRO",
    "MAX_RATIO_TEXT",
    "MAX_TEXT",
    "MIN_MICRO",
    "Price",
    "PriceError",
    "PriceFormat",
    "decimal_text",
    "implied_ppm",
    "micro_of",
    "overround_ppm",
    "parse_micro",
]

_CACHED_PRICES = 1 << 15


@dataclass(frozen=True, slots=True)
class Price:
    """A price as it was sent: `text` in `format`, letter for letter. Making one checks it (`PriceError`).

    `value` is the exact decimal odds, above 1; `micro` the same x 1,000,000, rounded half-even. Two prices are equal if
    the same text was sent in the same format; to compare or sort what they are worth, use `value` ("2.10" and "2.1" are
    unequal prices of equal value).
    """

    text: str
    format: PriceFormat
    value: Fraction = field(init=False, compare=False)
    micro: int = field(init=False, compare=False)

    def __post_init__(self) -> None:
        value = read_value(self.text, self.format)
        object.__setattr__(self, "value", value)
        object.__setattr__(self, "micro", micro_of(value))

    @classmethod
    def parse(cls, text: str, price_format: PriceFormat) -> "Price":
        """Read a provider's text; the same text and format give the same (shared, immutable) object while it is cached.

        Raises:
            PriceError: naming the text, the format and the rule that it breaks.
        """
        return _parse(text, price_format)

    @classmethod
    def of_micro(cls, micro: int) -> "Price":
        """A price that we made ourselves, in canonical decimal text.

        Raises:
            PriceError: the number is not a price.
        """
        return _parse(decimal_text(micro), PriceFormat.DECIMAL)

    def to(self, price_format: PriceFormat) -> str:
        """The canonical text in a format (for what was sent, use `text`).

        Fractional odds are always exact. The others are rounded half-even where they have to be: American odds to a
        whole number, the rest to six decimals.
        """
        return write_value(self.value, price_format)

    def exact_in(self, price_format: PriceFormat) -> bool:
        """Whether `to` gives a text that is worth exactly this price."""
        return read_value(self.to(price_format), price_format) == self.value

    def nearest_fractional(self) -> str:
        """The traditional fraction nearest to this price ("10/11", "4/6"), for people to read."""
        return nearest_fractional(self.value)

    @property
    def implied_ppm(self) -> int:
        """The probability that the micro price implies, in parts per million."""
        return implied_ppm(self.micro)


@lru_cache(maxsize=_CACHED_PRICES)
def _parse(text: str, price_format: PriceFormat) -> Price:
    return Price(text, price_format)
