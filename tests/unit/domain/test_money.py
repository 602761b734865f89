"""Money: exact amounts in each currency's own decimals, and payouts that never promise too much."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchline.domain.money import MoneyError, floor_to_minor, minor_digits, money_text, parse_money, payout_micro
from touchline.domain.prices import MAX_MICRO, MIN_MICRO, PriceError, parse_micro

currencies = st.sampled_from(["USD", "EUR", "JPY", "KWD", "CLF"])
stakes = st.integers(0, 10**15)
odds = st.one_of(st.integers(MIN_MICRO, MAX_MICRO), st.integers(1_010_000, 20_000_000))


@pytest.mark.parametrize(
    ("currency", "digits"), [("USD", 2), ("EUR", 2), ("JPY", 0), ("KRW", 0), ("KWD", 3), ("TND", 3), ("CLF", 4)]
)
def test_currencies_have_their_own_decimals(currency: str, digits: int) -> None:
    assert minor_digits(currency) == digits


@pytest.mark.parametrize("currency", ["", "usd", "US", "USDT", "U$D", "USD\n", "ＵＳＤ"])
def test_a_malformed_currency_is_refused(currency: str) -> None:
    with pytest.raises(MoneyError, match="three capital letters"):
        parse_money("10", currency)


@pytest.mark.parametrize(
    ("text", "currency", "micro", "canonical"),
    [
        ("10.00", "USD", 10_000_000, "10.00"),
        ("10", "USD", 10_000_000, "10.00"),
        ("0.5", "EUR", 500_000, "0.50"),
        ("0", "USD", 0, "0.00"),
        ("1000", "JPY", 1_000_000_000, "1000"),
        ("1.234", "KWD", 1_234_000, "1.234"),
        ("1.5", "KWD", 1_500_000, "1.500"),
        ("999999999999.99", "USD", 999_999_999_999_990_000, "999999999999.99"),
    ],
)
def test_amounts_are_read_exactly_and_written_canonically(text: str, currency: str, micro: int, canonical: str) -> None:
    assert parse_money(text, currency) == micro
    assert money_text(micro, currency) == canonical


@pytest.mark.parametrize(
    ("text", "currency", "message"),
    [
        ("10.001", "USD", "USD has at most 2 decimals"),
        ("10.000", "USD", "USD has at most 2 decimals"),
        ("10.0", "JPY", "JPY has no decimals"),
        ("1.2345", "KWD", "KWD has at most 3 decimals"),
        ("-10.00", "USD", "must not be negative"),
        ("-0", "USD", "must not be negative"),
        ("+10.00", "USD", "plain digits"),
        ("1e3", "USD", "plain digits"),
        ("1,000.00", "USD", "plain digits"),
        ("1_000", "USD", "plain digits"),
        ("010", "USD", "plain digits"),
        (".50", "USD", "plain digits"),
        ("10.", "USD", "plain digits"),
        ("", "USD", "plain digits"),
        (" 10", "USD", "plain digits"),
        ("10\n", "USD", "plain digits"),
        ("NaN", "USD", "plain digits"),
        ("١٠", "USD", "plain digits"),
        ("$10", "USD", "plain digits"),
        ("1000000000000", "USD", r"below 10\^12"),
        ("9" * 100_000, "USD", "plain digits"),
    ],
)
def test_what_is_no_amount_is_refused_with_the_rule_that_it_breaks(text: str, currency: str, message: str) -> None:
    with pytest.raises(MoneyError, match=message) as refused:
        parse_money(text, currency)
    assert len(str(refused.value)) < 160


@given(st.integers(0, 10**12), currencies)
def test_amounts_and_texts_are_inverse(minor_units: int, currency: str) -> None:
    micro = minor_units * 10 ** (6 - minor_digits(currency))
    if micro >= 10**18:
        return
    assert parse_money(money_text(micro, currency), currency) == micro


def test_a_negative_amount_is_written_with_its_sign() -> None:
    assert money_text(-12_340_000, "USD") == "-12.34"


def test_an_amount_smaller_than_the_currency_can_say_is_not_silently_rounded() -> None:
    with pytest.raises(MoneyError, match=r"19\.09091 USD is not a whole number of its smallest unit"):
        money_text(19_090_910, "USD")
    assert money_text(floor_to_minor(19_090_910, "USD"), "USD") == "19.09"


@given(st.integers(-(10**18), 10**18), currencies)
def test_flooring_takes_less_than_one_smallest_unit(micro: int, currency: str) -> None:
    floored = floor_to_minor(micro, currency)
    assert 0 <= micro - floored < 10 ** (6 - minor_digits(currency))
    money_text(floored, currency)


@pytest.mark.parametrize(
    ("stake", "legs", "payout"),
    [
        ("10.00", ["2.10"], 21_000_000),
        ("10.00", ["1.909091"], 19_090_910),
        ("0.01", ["1.000001"], 10_000),  # 0.01000001: the hundredth of a millionth goes
        ("10.00", ["2.10", "3.40", "2.375"], 169_575_000),
        ("0.00", ["2.00"], 0),
    ],
)
def test_a_payout_is_stake_times_odds(stake: str, legs: list[str], payout: int) -> None:
    assert payout_micro(parse_money(stake, "USD"), *map(parse_micro, legs)) == payout


@given(stakes, st.lists(odds, min_size=1, max_size=12))
def test_a_payout_is_exact_but_for_one_rounding_down(stake: int, legs: list[int]) -> None:
    exact = Fraction(stake)
    for leg in legs:
        exact *= Fraction(leg, 10**6)
    assert 0 <= exact - payout_micro(stake, *legs) < 1


@given(stakes, odds, odds)
def test_a_longer_price_never_pays_less_and_no_price_less_than_the_stake(stake: int, one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert stake <= payout_micro(stake, low) <= payout_micro(stake, high)


def test_impossible_bets_have_no_payout() -> None:
    with pytest.raises(MoneyError, match="must not be negative"):
        payout_micro(-1, 2_000_000)
    with pytest.raises(MoneyError, match="at least one leg"):
        payout_micro(1)
    with pytest.raises(PriceError):
        payout_micro(1, 1_000_000)
