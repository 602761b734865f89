"""Money as integers: *micro* units, an amount x 1,000,000, so 10.00 of any currency is 10_000_000.

One scale for every currency keeps stake x price exact in integers. The number of decimals that people may write is the
currency's own (ISO 4217). Amounts stay below 10^12 units, so a single amount fits 64 bits.
"""

import re

from touchline.domain.micro_odds import checked_micro
from touchline.domain.rounding import MILLION, millionths_text

DEFAULT_MINOR_DIGITS = 2
_NO_DECIMALS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE_DECIMALS = "BHD IQD JOD KWD LYD OMR TND"
_FOUR_DECIMALS = "CLF UYW"
MINOR_DIGITS = {
    **dict.fromkeys(_NO_DECIMALS.split(), 0),
    **dict.fromkeys(_THREE_DECIMALS.split(), 3),
    **dict.fromkeys(_FOUR_DECIMALS.split(), 4),
}
"""Decimals of the currencies that do not have two (ISO 4217, "minor unit")."""

MAX_WHOLE_DIGITS = 12
_AMOUNT = re.compile(r"(0|[1-9][0-9]*)(?:\.([0-9]+))?")
_CURRENCY = re.compile(r"[A-Z]{3}")
_SHOWN_CHARACTERS = 40


class MoneyError(ValueError):
    """A text or number that is not an amount of money; permanent: the same input never becomes one."""


def minor_digits(currency: str) -> int:
    """How many decimals amounts of a currency have.

    Raises:
        MoneyError: not a three-letter upper-case currency code.
    """
    if not _CURRENCY.fullmatch(currency):
        raise MoneyError(f"currency {_shown(currency)} must be three capital letters such as USD")
    return MINOR_DIGITS.get(currency, DEFAULT_MINOR_DIGITS)


def parse_money(text: str, currency: str) -> int:
    """Read an amount, zero or more, such as "10.00"; the result is in micro units.

    Plain digits and an optional point: no sign, exponent, separators or space. Fewer decimals than the currency has are
    fine; more are refused even where they are zeros, because they mean that the sender has another currency in mind.

    Raises:
        MoneyError: naming the amount and the rule that it breaks.
    """
    digits = minor_digits(currency)
    match = _AMOUNT.fullmatch(text) if len(text) <= _SHOWN_CHARACTERS else None
    if match is None:
        if text[:1] == "-":
            raise MoneyError(f"amount {_shown(text)} must not be negative")
        raise MoneyError(f"amount {_shown(text)} must be plain digits with an optional decimal point, such as 10.00")
    whole, decimals = match.groups(default="")
    if len(decimals) > digits:
        allowed = f"at most {digits} decimals" if digits else "no decimals"
        raise MoneyError(f"amount {_shown(text)}: {currency} has {allowed}")
    if len(whole) > MAX_WHOLE_DIGITS:
        raise MoneyError(f"amount {_shown(text)} must be below 10^{MAX_WHOLE_DIGITS}")
    return int(whole) * MILLION + int(decimals.ljust(6, "0"))


def money_text(micro: int, currency: str) -> str:
    """The canonical text of an amount, with all decimals of its currency; a negative amount gets a minus sign.

    Raises:
        MoneyError: the amount is not a whole number of minor units (see `floor_to_minor`), or a bad currency code.
    """
    digits = minor_digits(currency)
    if micro % _smallest_unit(digits):
        raise MoneyError(f"{millionths_text(micro)} {currency} is not a whole number of its smallest unit")
    return millionths_text(micro, least_decimals=digits)


def floor_to_minor(micro: int, currency: str) -> int:
    """The amount without what is smaller than the currency's smallest unit, rounded towards minus infinity.

    Raises:
        MoneyError: a bad currency code.
    """
    return micro - micro % _smallest_unit(minor_digits(currency))


def payout_micro(stake_micro: int, *odds_micro: int) -> int:
    """What a winning bet pays back, stake included: the stake times the odds of its legs, one or more, in micro units.

    The product is exact and rounded down once at its end, so a multiple loses less than one millionth of a unit in all
    and the house never promises more than the prices say. Round to what can be paid with `floor_to_minor`.

    Raises:
        MoneyError: a negative stake, or no leg.
        PriceError: one of the odds is not a price.
    """
    if stake_micro < 0:
        raise MoneyError(f"stake {millionths_text(stake_micro)} must not be negative")
    if not odds_micro:
        raise MoneyError("a bet has at least one leg")
    product, scale = stake_micro, 1
    for micro in odds_micro:
        product *= checked_micro(micro)
        scale *= MILLION
    return product // scale


def _smallest_unit(digits: int) -> int:
    """A currency's smallest unit, in micro units."""
    return int(10 ** (6 - digits))


def _shown(text: str) -> str:
    return repr(text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…")
