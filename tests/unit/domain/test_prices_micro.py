"""Micro prices: the integers of the hot path and the texts that clients see."""

from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchline.domain.prices import (
    MAX_MICRO,
    MIN_MICRO,
    PriceError,
    decimal_text,
    implied_ppm,
    micro_of,
    overround_ppm,
    parse_micro,
)
from touchline.domain.rounding import divide_half_even

micros = st.one_of(st.integers(MIN_MICRO, MAX_MICRO), st.integers(1_010_000, 20_000_000))


@pytest.mark.parametrize(
    ("micro", "text"),
    [
        (2_100_000, "2.10"),
        (3_400_000, "3.40"),
        (3_750_000, "3.75"),
        (2_375_000, "2.375"),
        (2_000_000, "2.00"),
        (1_000_000_000, "1000.00"),
        (1_909_091, "1.909091"),
        (1_000_001, "1.000001"),
        (1_010_000, "1.01"),
        (10_050_500, "10.0505"),
        (1_000_001_000_000, "1000001.00"),
    ],
)
def test_clients_see_the_shortest_exact_text_with_at_least_two_decimals(micro: int, text: str) -> None:
    assert decimal_text(micro) == text
    assert parse_micro(text) == micro


@pytest.mark.parametrize("micro", [0, -2_000_000, 1_000_000, 1_000_001_000_001])
def test_a_number_that_is_no_price_has_no_text(micro: int) -> None:
    with pytest.raises(PriceError, match=r"must be at least 1\.000001 and at most 1000001"):
        decimal_text(micro)
    with pytest.raises(PriceError):
        implied_ppm(micro)
    with pytest.raises(PriceError):
        overround_ppm([2_000_000, micro])


@pytest.mark.parametrize(("text", "micro"), [("2", 2_000_000), ("2.1", 2_100_000), ("2.100000", 2_100_000)])
def test_longer_and_shorter_spellings_of_a_price_are_read(text: str, micro: int) -> None:
    assert parse_micro(text) == micro


@pytest.mark.parametrize(
    "text",
    ["", "2.", ".5", "02.10", "+2.10", "-2.10", " 2.10", "2.10\n", "2,10", "2e0", "2.1000000", "NaN", "Infinity", "٢"],
)
def test_other_spellings_are_refused(text: str) -> None:
    with pytest.raises(PriceError, match="write decimal odds with at most six decimals"):
        parse_micro(text)


@pytest.mark.parametrize("text", ["1", "1.000000", "0.5", "0", "1000001.000001", "9999999"])
def test_well_formed_numbers_that_are_no_price_are_refused(text: str) -> None:
    with pytest.raises(PriceError, match=r"must be at least 1\.000001"):
        parse_micro(text)


@given(micros)
def test_text_and_micro_are_inverse(micro: int) -> None:
    text = decimal_text(micro)
    assert parse_micro(text) == micro
    assert Fraction(text) == Fraction(micro, 10**6)


@given(micros)
def test_text_is_the_shortest_with_two_decimals(micro: int) -> None:
    decimals = decimal_text(micro).partition(".")[2]
    assert 2 <= len(decimals) <= 6
    assert len(decimals) == 2 or decimals[-1] != "0"


@given(st.integers(1, 10**6), st.integers(0, 10**6 - 1), st.integers(1, 6))
def test_every_text_of_up_to_six_decimals_is_read_exactly(whole: int, part: int, decimals: int) -> None:
    digits = f"{part:06d}"[:decimals]
    text = f"{whole}.{digits}"
    if Fraction(text) <= 1:
        with pytest.raises(PriceError):
            parse_micro(text)
        return
    assert parse_micro(text) == Fraction(text) * 10**6


@given(st.fractions(min_value=Fraction(MIN_MICRO, 10**6), max_value=Fraction(MAX_MICRO, 10**6)))
def test_a_rational_is_rounded_half_even_once(value: Fraction) -> None:
    with localcontext() as context:
        context.prec = 200
        scaled = Decimal(value.numerator) * 10**6 / Decimal(value.denominator)
        assert micro_of(value) == int(scaled.to_integral_value(ROUND_HALF_EVEN))


@pytest.mark.parametrize(
    ("value", "micro"),
    [
        (Fraction(21, 11), 1_909_091),
        (Fraction(20_000_005, 10**7), 2_000_000),  # 2_000_000.5: to the even neighbour below
        (Fraction(20_000_015, 10**7), 2_000_002),  # 2_000_001.5: to the even neighbour above
    ],
)
def test_ties_go_to_the_even_neighbour(value: Fraction, micro: int) -> None:
    assert micro_of(value) == micro


@pytest.mark.parametrize("value", [Fraction(0), Fraction(1), Fraction(10_000_009, 10**7), Fraction(1_000_002)])
def test_a_rational_that_is_no_price_is_refused(value: Fraction) -> None:
    with pytest.raises(PriceError):
        micro_of(value)


@given(st.integers(-(10**30), 10**30), st.integers(1, 10**15))
def test_half_even_division_agrees_with_exact_rational_rounding(numerator: int, denominator: int) -> None:
    assert divide_half_even(numerator, denominator) == round(Fraction(numerator, denominator))


@pytest.mark.parametrize(
    ("micro", "ppm"), [(2_000_000, 500_000), (4_000_000, 250_000), (3_000_000, 333_333), (1_500_000, 666_667)]
)
def test_the_implied_probability_is_the_inverse_of_the_odds(micro: int, ppm: int) -> None:
    assert implied_ppm(micro) == ppm


@given(micros, micros)
def test_a_longer_price_never_implies_a_higher_probability(one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert implied_ppm(low) >= implied_ppm(high)


@pytest.mark.parametrize(
    ("texts", "ppm"),
    [
        (["2.00", "2.00"], 1_000_000),
        (["3.00", "3.00", "3.00"], 1_000_000),  # thirds add up: no rounding of the single terms shows
        (["1.909091", "1.909091"], 1_047_619),  # -110 on both sides
        (["2.10", "3.40", "3.75"], 1_036_975),  # 0.476190 + 0.294118 + 0.266667
        ([], 0),
    ],
)
def test_the_overround_adds_up_the_implied_probabilities(texts: list[str], ppm: int) -> None:
    assert overround_ppm(parse_micro(text) for text in texts) == ppm


@given(st.lists(micros, max_size=30), st.randoms(use_true_random=False))
def test_the_overround_is_near_exact_and_knows_no_order(prices: list[int], shuffler: Random) -> None:
    exact = sum((Fraction(10**12, micro) for micro in prices), Fraction(0))
    assert abs(overround_ppm(prices) - exact) <= Fraction(1, 2) + Fraction(len(prices), 10**6)
    shuffled = list(prices)
    shuffler.shuffle(shuffled)
    assert overround_ppm(shuffled) == overround_ppm(prices)
