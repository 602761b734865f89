"""The exchange's tick ladder and the bookmakers' traditional fractions."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchline.domain.fractional_ladder import TRADITIONAL, nearest_fractional
from touchline.domain.ladder import LADDER, LadderRounding, price_at, round_to_ladder, tick_index
from touchline.domain.prices import Price, PriceError, PriceFormat, decimal_text, parse_micro

DOWN, UP, NEAREST = LadderRounding.DOWN, LadderRounding.UP, LadderRounding.NEAREST
on_range = st.one_of(st.integers(LADDER[0], LADDER[-1]), st.integers(LADDER[0], 12_000_000))


# Ticks counted by hand: 99 steps of 0.01 to 2, then 50, 20, 20, 20, 20, 10, 10, 10 and 90 steps.
@pytest.mark.parametrize(
    ("text", "tick"),
    [
        ("1.01", 0),
        ("1.02", 1),
        ("1.99", 98),
        ("2.00", 99),
        ("2.02", 100),
        ("3.00", 149),
        ("3.05", 150),
        ("4.00", 169),
        ("4.10", 170),
        ("6.00", 189),
        ("6.20", 190),
        ("10.00", 209),
        ("10.50", 210),
        ("20.00", 229),
        ("21.00", 230),
        ("30.00", 239),
        ("32.00", 240),
        ("50.00", 249),
        ("55.00", 250),
        ("100.00", 259),
        ("110.00", 260),
        ("1000.00", 349),
    ],
)
def test_ticks_stand_where_the_exchange_puts_them(text: str, tick: int) -> None:
    assert tick_index(parse_micro(text)) == tick
    assert decimal_text(price_at(tick)) == text


def test_the_ladder_has_350_rising_prices() -> None:
    assert len(LADDER) == 350
    assert list(LADDER) == sorted(set(LADDER))


@given(st.integers(0, 349))
def test_tick_and_price_are_inverse(tick: int) -> None:
    assert tick_index(price_at(tick)) == tick


@pytest.mark.parametrize("text", ["2.01", "3.02", "4.05", "1.005", "1010.00"])
def test_a_price_between_ticks_has_no_index(text: str) -> None:
    with pytest.raises(PriceError, match="not on the ladder"):
        tick_index(parse_micro(text))


@pytest.mark.parametrize("tick", [-1, 350])
def test_a_tick_beyond_the_ends_has_no_price(tick: int) -> None:
    with pytest.raises(PriceError, match="ticks 0 to 349"):
        price_at(tick)


@pytest.mark.parametrize(
    ("text", "down", "up", "nearest"),
    [
        ("2.00", "2.00", "2.00", "2.00"),
        ("2.01", "2.00", "2.02", "2.00"),  # a tie goes to the lower
        ("2.011", "2.00", "2.02", "2.02"),
        ("3.02", "3.00", "3.05", "3.00"),
        ("1.996", "1.99", "2.00", "2.00"),
        ("104.9", "100.00", "110.00", "100.00"),
        ("1.909091", "1.90", "1.91", "1.91"),
    ],
)
def test_prices_are_rounded_to_the_ladder_in_the_declared_direction(
    text: str, down: str, up: str, nearest: str
) -> None:
    micro = parse_micro(text)
    assert [decimal_text(round_to_ladder(micro, way)) for way in (DOWN, UP, NEAREST)] == [down, up, nearest]


def test_beyond_the_ends_only_the_direction_towards_the_ladder_has_an_answer() -> None:
    assert round_to_ladder(1_005_000, UP) == round_to_ladder(1_005_000, NEAREST) == LADDER[0]
    assert round_to_ladder(2_000_000_000, DOWN) == round_to_ladder(2_000_000_000, NEAREST) == LADDER[-1]
    with pytest.raises(PriceError, match="no ladder price at or below"):
        round_to_ladder(1_005_000, DOWN)
    with pytest.raises(PriceError, match="no ladder price at or above"):
        round_to_ladder(2_000_000_000, UP)


@pytest.mark.parametrize("way", LadderRounding)
def test_what_is_no_price_is_not_rounded_to_one(way: LadderRounding) -> None:
    with pytest.raises(PriceError, match="decimal odds must be"):
        round_to_ladder(1_000_000, way)


@given(on_range)
def test_rounding_brackets_the_price_by_at_most_one_tick(micro: int) -> None:
    down, up, nearest = (round_to_ladder(micro, way) for way in (DOWN, UP, NEAREST))
    assert down <= micro <= up
    assert tick_index(up) - tick_index(down) == (down != micro)
    assert abs(nearest - micro) == min(micro - down, up - micro)


@given(on_range, on_range, st.sampled_from(LadderRounding))
def test_rounding_keeps_the_order_and_is_idempotent(one: int, other: int, way: LadderRounding) -> None:
    low, high = sorted((one, other))
    assert round_to_ladder(low, way) <= round_to_ladder(high, way)
    assert round_to_ladder(round_to_ladder(low, way), way) == round_to_ladder(low, way)


def test_the_traditional_fractions_rise() -> None:
    profits = [Fraction(text) for text in TRADITIONAL]
    assert profits == sorted(set(profits))


@pytest.mark.parametrize(
    ("text", "price_format", "fraction"),
    [
        ("-110", PriceFormat.AMERICAN, "10/11"),
        ("1.91", PriceFormat.DECIMAL, "10/11"),
        ("1.67", PriceFormat.DECIMAL, "4/6"),
        ("2.5", PriceFormat.DECIMAL, "6/4"),
        ("4.33", PriceFormat.DECIMAL, "100/30"),
        ("2.00", PriceFormat.DECIMAL, "1/1"),
        ("13.5", PriceFormat.DECIMAL, "12/1"),  # 12.5/1 lies between 12/1 and 14/1
        ("14.00", PriceFormat.DECIMAL, "12/1"),  # 13/1 is a tie: the lower price
        ("1.000001", PriceFormat.DECIMAL, "1/1000"),
        ("5000", PriceFormat.DECIMAL, "1000/1"),
    ],
)
def test_a_person_sees_the_nearest_traditional_fraction(text: str, price_format: PriceFormat, fraction: str) -> None:
    assert Price.parse(text, price_format).nearest_fractional() == fraction


@given(st.sampled_from(TRADITIONAL))
def test_a_traditional_fraction_is_nearest_to_itself(text: str) -> None:
    assert Price.parse(text, PriceFormat.FRACTIONAL).nearest_fractional() == text


@given(st.fractions(min_value=Fraction(1_000_001, 10**6), max_value=2000))
def test_no_other_traditional_fraction_is_nearer(value: Fraction) -> None:
    distance = abs(Fraction(nearest_fractional(value)) - (value - 1))
    assert distance == min(abs(Fraction(text) - (value - 1)) for text in TRADITIONAL)
