"""Reading and writing a price in each of the six formats, exactly.

`value` is always decimal odds as a `Fraction`; `b` is the profit, `value - 1` (see `price_format` for the formulas).
Writing is exact for fractional odds and rounds half-even in the others: American to a whole number, the rest to six
decimals. Even money has two spellings in three formats (-100 and +100, -1 and 1): both are read, the positive one is
written.
"""

import re
from fractions import Fraction

from touchline.domain.micro_odds import RANGE_RULE, checked_value, decimal_text, micro_of
from touchline.domain.price_format import PriceError, PriceFormat
from touchline.domain.rounding import MILLION, divide_half_even, millionths_text

MAX_TEXT = 32
"""The longest text that is read as a price, in characters; fractional odds may have `MAX_RATIO_TEXT`."""
MAX_RATIO_TEXT = 80
"""Room for any price of the other formats written as an exact fraction."""

# ASCII digits only (`\d` also matches other scripts' digits), no exponent, no separators, no space.
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)")
_RATIO = re.compile(r"([+-]?[0-9]+)/([+-]?[0-9]+)")
_NOT_NUMBERS = frozenset({"nan", "inf", "infinity"})
_EVEN_MONEY = frozenset({"even", "evens", "evs"})
_NAMES_EVEN_MONEY = frozenset({PriceFormat.AMERICAN, PriceFormat.FRACTIONAL})
_EVEN = Fraction(2)


def read_value(text: str, price_format: PriceFormat) -> Fraction:
    """The decimal odds, above 1, that a provider's text stands for.

    American and fractional odds may also say `EVEN`, `EVENS` or `EVS`.

    Raises:
        PriceError: naming the text, the format and the rule that it breaks.
    """
    longest = MAX_RATIO_TEXT if price_format is PriceFormat.FRACTIONAL else MAX_TEXT
    if len(text) > longest:
        raise PriceError(text, price_format, f"longer than {longest} characters")
    word = text.lstrip("+-").lower()
    if word in _NOT_NUMBERS:
        raise PriceError(text, price_format, "not a number")
    if word in _EVEN_MONEY and price_format in _NAMES_EVEN_MONEY and text.isalpha():
        return _EVEN
    if price_format is PriceFormat.FRACTIONAL:
        value = 1 + _read_ratio(text)
    elif price_format is PriceFormat.DECIMAL:
        value = _read_number(text, price_format)
        if value <= 1:
            raise PriceError(text, price_format, "must be above 1")
    else:
        value = 1 + _read_profit(text, price_format)
    try:
        return checked_value(value)
    except PriceError:
        raise PriceError(text, price_format, RANGE_RULE) from None


def write_value(value: Fraction, price_format: PriceFormat) -> str:
    """The canonical text of decimal odds in a format.

    Raises:
        PriceError: the value is not a price.
    """
    profit = checked_value(value) - 1
    match price_format:
        case PriceFormat.AMERICAN:
            return _write_american(profit)
        case PriceFormat.DECIMAL:
            return decimal_text(micro_of(value))
        case PriceFormat.FRACTIONAL:
            return f"{profit.numerator}/{profit.denominator}"
        case PriceFormat.HONG_KONG:
            return millionths_text(_scaled(profit, MILLION))
        case PriceFormat.INDONESIAN:
            return _write_signed(profit, direct=profit >= 1)
        case PriceFormat.MALAY:
            return _write_signed(profit, direct=profit <= 1)


def _read_number(text: str, price_format: PriceFormat) -> Fraction:
    if not _NUMBER.fullmatch(text):
        raise PriceError(text, price_format, "write plain digits with an optional sign and decimal point")
    return Fraction(text)


def _read_ratio(text: str) -> Fraction:
    """The profit of fractional odds."""
    match = _RATIO.fullmatch(text)
    if match is None:
        raise PriceError(text, PriceFormat.FRACTIONAL, "write two whole numbers as in 5/2")
    numerator, denominator = int(match[1]), int(match[2])
    if denominator == 0:
        raise PriceError(text, PriceFormat.FRACTIONAL, "the denominator must not be 0")
    if numerator <= 0 or denominator < 0:
        raise PriceError(text, PriceFormat.FRACTIONAL, "both numbers must be above 0")
    return Fraction(numerator, denominator)


def _read_profit(text: str, price_format: PriceFormat) -> Fraction:
    """The profit of American odds and the three Asian formats, which are all one signed number."""
    number = _read_number(text, price_format)
    match price_format:
        case PriceFormat.AMERICAN:
            if abs(number) < 100:
                raise PriceError(text, price_format, "must be at most -100 or at least +100")
            return number / 100 if number > 0 else -100 / number
        case PriceFormat.INDONESIAN:
            if abs(number) < 1:
                raise PriceError(text, price_format, "must be at most -1 or at least 1")
            return number if number > 0 else -1 / number
        case PriceFormat.MALAY:
            if number == 0 or abs(number) > 1:
                raise PriceError(text, price_format, "must be between -1 and 1, and not 0")
            return number if number > 0 else -1 / number
        case _:
            if number <= 0:
                raise PriceError(text, price_format, "must be above 0")
            return number


def _scaled(number: Fraction, scale: int) -> int:
    return divide_half_even(number.numerator * scale, number.denominator)


def _write_american(profit: Fraction) -> str:
    if profit >= 1:
        return f"+{_scaled(profit, 100)}"
    against = _scaled(1 / profit, 100)
    return "+100" if against == 100 else f"-{against}"


def _write_signed(profit: Fraction, *, direct: bool) -> str:
    """Indonesian and Malay: the profit itself on one side of even money, minus its inverse on the other."""
    millionths = _scaled(profit, MILLION) if direct else -_scaled(1 / profit, MILLION)
    return millionths_text(MILLION if millionths == -MILLION else millionths)
