"""Prices in six formats: tables worked out by hand, and what is refused with which words."""

import pickle
from fractions import Fraction

import pytest

from touchline.domain.prices import Price, PriceError, PriceFormat

A, D, F, H, N, M = (
    PriceFormat.AMERICAN,
    PriceFormat.DECIMAL,
    PriceFormat.FRACTIONAL,
    PriceFormat.HONG_KONG,
    PriceFormat.INDONESIAN,
    PriceFormat.MALAY,
)

# profit b: American, decimal, fractional, Hong Kong, Indonesian, Malay; every row worked out by hand
SAME_PRICE = [
    (Fraction(10, 11), "-110", "1.909091", "10/11", "0.909091", "-1.1", "0.909091"),
    (Fraction(1), "+100", "2.00", "1/1", "1", "1", "1"),
    (Fraction(3, 2), "+150", "2.50", "3/2", "1.5", "1.5", "-0.666667"),
    (Fraction(1, 2), "-200", "1.50", "1/2", "0.5", "-2", "0.5"),
    (Fraction(11, 8), "+138", "2.375", "11/8", "1.375", "1.375", "-0.727273"),  # 137.5 is a tie: to the even 138
    (Fraction(21, 20), "+105", "2.05", "21/20", "1.05", "1.05", "-0.952381"),
    (Fraction(20, 21), "-105", "1.952381", "20/21", "0.952381", "-1.05", "0.952381"),
    (Fraction(1, 100), "-10000", "1.01", "1/100", "0.01", "-100", "0.01"),
    (Fraction(999), "+99900", "1000.00", "999/1", "999", "999", "-0.001001"),
    (Fraction(13, 4), "+325", "4.25", "13/4", "3.25", "3.25", "-0.307692"),
]


@pytest.mark.parametrize("row", SAME_PRICE, ids=lambda row: row[1])
def test_one_price_is_written_in_every_format_as_worked_out_by_hand(
    row: tuple[Fraction, str, str, str, str, str, str],
) -> None:
    profit, american, decimal, fractional, hong_kong, indonesian, malay = row
    price = Price.parse(fractional, F)
    assert price.value == 1 + profit
    assert {f: price.to(f) for f in PriceFormat} == {
        A: american,
        D: decimal,
        F: fractional,
        H: hong_kong,
        N: indonesian,
        M: malay,
    }


@pytest.mark.parametrize(
    ("text", "price_format", "value"),
    [
        ("-110", A, Fraction(21, 11)),
        ("110", A, Fraction(21, 10)),
        ("+110", A, Fraction(21, 10)),
        ("-110.0", A, Fraction(21, 11)),
        ("-100", A, Fraction(2)),
        ("+100", A, Fraction(2)),
        ("EVEN", A, Fraction(2)),
        ("2.10", D, Fraction(21, 10)),
        ("2", D, Fraction(2)),
        ("1.9090909091", D, Fraction(19090909091, 10**10)),
        ("85/40", F, Fraction(25, 8)),
        ("4/6", F, Fraction(5, 3)),
        ("Evs", F, Fraction(2)),
        (".95", H, Fraction(39, 20)),
        ("0.95", M, Fraction(39, 20)),
        ("-0.95", M, Fraction(39, 19)),
        ("-1", M, Fraction(2)),
        ("1", M, Fraction(2)),
        ("-1.1", N, Fraction(21, 11)),
        ("+1.1", N, Fraction(21, 10)),
        ("-1.00", N, Fraction(2)),
    ],
)
def test_a_text_is_worth_what_its_format_says(text: str, price_format: PriceFormat, value: Fraction) -> None:
    price = Price.parse(text, price_format)
    assert price.value == value
    assert (price.text, price.format) == (text, price_format)


NOT_BETWEEN = "must be at most -100 or at least +100"
NOT_PLAIN = "write plain digits with an optional sign and decimal point"
OUT_OF_RANGE = "decimal odds must be at least 1.000001 and at most 1000001"


@pytest.mark.parametrize(
    ("text", "price_format", "rule"),
    [
        ("-99", A, NOT_BETWEEN),
        ("+99.99", A, NOT_BETWEEN),
        ("0", A, NOT_BETWEEN),
        ("1", D, "must be above 1"),
        ("1.000", D, "must be above 1"),
        ("0.95", D, "must be above 1"),
        ("-2.5", D, "must be above 1"),
        ("5/0", F, "the denominator must not be 0"),
        ("0/5", F, "both numbers must be above 0"),
        ("-5/2", F, "both numbers must be above 0"),
        ("5/-2", F, "both numbers must be above 0"),
        ("5", F, "write two whole numbers as in 5/2"),
        ("5/2/1", F, "write two whole numbers as in 5/2"),
        ("2.5/1", F, "write two whole numbers as in 5/2"),
        ("0", H, "must be above 0"),
        ("-0.5", H, "must be above 0"),
        ("0", M, "must be between -1 and 1, and not 0"),
        ("-0.0", M, "must be between -1 and 1, and not 0"),
        ("1.01", M, "must be between -1 and 1, and not 0"),
        ("-1.01", M, "must be between -1 and 1, and not 0"),
        ("0.99", N, "must be at most -1 or at least 1"),
        ("-0.99", N, "must be at most -1 or at least 1"),
        ("", D, NOT_PLAIN),
        ("2,5", D, NOT_PLAIN),
        (" 2.5", D, NOT_PLAIN),
        ("2.5\n", D, NOT_PLAIN),
        ("2e1", D, NOT_PLAIN),
        ("2_0", D, NOT_PLAIN),
        ("0x10", D, NOT_PLAIN),
        ("2.", D, NOT_PLAIN),
        ("٢.٥", D, NOT_PLAIN),  # Arabic-Indic digits, which Python's int() would take
        ("−110", A, NOT_PLAIN),  # a typographic minus
        ("EVEN", D, NOT_PLAIN),
        ("+EVEN", A, NOT_PLAIN),
        ("1.0000001", D, OUT_OF_RANGE),
        ("1000001.1", D, OUT_OF_RANGE),
        ("-0.0000001", M, OUT_OF_RANGE),
        ("2." + "0" * 31, D, "longer than 32 characters"),
    ],
)
def test_a_text_that_is_no_price_is_refused_with_the_rule_that_it_breaks(
    text: str, price_format: PriceFormat, rule: str
) -> None:
    with pytest.raises(PriceError) as refused:
        Price.parse(text, price_format)
    assert (refused.value.text, refused.value.format, refused.value.rule) == (text, price_format, rule)
    assert str(refused.value) == f"{price_format} price {text!r}: {rule}"


@pytest.mark.parametrize("price_format", PriceFormat)
@pytest.mark.parametrize("text", ["NaN", "nan", "-NaN", "Infinity", "-Infinity", "+inf"])
def test_nan_and_infinity_strings_are_not_numbers_in_any_format(text: str, price_format: PriceFormat) -> None:
    with pytest.raises(PriceError, match="not a number"):
        Price.parse(text, price_format)


def test_an_error_repeats_only_the_start_of_a_huge_text() -> None:
    with pytest.raises(PriceError) as refused:
        Price.parse("9" * 1_000_000, D)
    assert len(str(refused.value)) < 120


def test_an_error_survives_a_trip_between_processes() -> None:
    error = PriceError("x", D, "must be above 1")
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.text, copy.format, copy.rule) == (str(error), "x", D, "must be above 1")


def test_a_price_cannot_be_made_without_the_check() -> None:
    with pytest.raises(PriceError):
        Price("0.5", D)


def test_a_price_cannot_be_changed() -> None:
    price = Price.parse("2.5", D)
    with pytest.raises(AttributeError):
        price.text = "3.5"  # type: ignore[misc]


def test_prices_are_equal_by_what_was_sent_and_comparable_by_what_they_are_worth() -> None:
    short, long = Price.parse("2.1", D), Price.parse("2.10", D)
    assert short != long
    assert short.value == long.value
    assert short == Price("2.1", D)
    assert hash(short) == hash(Price("2.1", D))
    assert Price.parse("1", M) != Price.parse("1", N)


def test_each_format_has_its_own_wire_letter() -> None:
    assert {f.code: f for f in PriceFormat} == {"A": A, "D": D, "F": F, "H": H, "I": N, "M": M}
    assert [PriceFormat.from_code(letter) for letter in "ADFHIM"] == [A, D, F, H, N, M]


@pytest.mark.parametrize("code", ["", "X", "a", "AD"])
def test_an_unknown_wire_letter_is_refused(code: str) -> None:
    with pytest.raises(PriceError, match="one of the letters A D F H I M"):
        PriceFormat.from_code(code)


def test_a_price_knows_where_it_can_be_written_exactly() -> None:
    price = Price.parse("-110", A)
    assert {f for f in PriceFormat if price.exact_in(f)} == {A, F, N}
    assert {f for f in PriceFormat if Price.parse("2.5", D).exact_in(f)} == {A, D, F, H, N}


def test_rounding_to_even_money_is_written_the_positive_way() -> None:
    just_below = Price.parse("1.9999999", D)
    assert [just_below.to(f) for f in (A, N, M)] == ["+100", "1", "1"]


def test_our_own_price_is_a_decimal_price() -> None:
    price = Price.of_micro(2_375_000)
    assert (price.text, price.format, price.micro, price.implied_ppm) == ("2.375", D, 2_375_000, 421_053)
