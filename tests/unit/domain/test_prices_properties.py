"""Rules that hold for every price: lossless, exact, canonical, ordered."""

from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from touchline.domain.prices import MAX_MICRO, MIN_MICRO, Price, PriceError, PriceFormat, decimal_text, micro_of

LOWEST, HIGHEST = Fraction(MIN_MICRO, 10**6), Fraction(MAX_MICRO, 10**6)

formats = st.sampled_from(PriceFormat)
micros = st.one_of(st.integers(MIN_MICRO, MAX_MICRO), st.integers(1_010_000, 20_000_000))
values = st.one_of(
    st.fractions(min_value=LOWEST, max_value=HIGHEST, max_denominator=10**9),
    st.fractions(min_value=Fraction(101, 100), max_value=20, max_denominator=1000),
    micros.map(lambda micro: Fraction(micro, 10**6)),
)


def _decimal(number: int, decimals: int) -> str:
    """An exact decimal text with a fixed number of decimals, trailing zeros kept, as providers send them."""
    sign, digits = "-" if number < 0 else "", f"{abs(number):0{decimals + 1}d}"
    return f"{sign}{digits[:-decimals]}.{digits[-decimals:]}" if decimals else f"{sign}{digits}"


@st.composite
def provider_numbers(draw: st.DrawFn, low: int, high: int) -> tuple[str, Fraction]:
    """A number in [low, high] as text with 0 to 4 decimals, and its exact value."""
    decimals = draw(st.integers(0, 4))
    number = draw(st.integers(low * 10**decimals, high * 10**decimals))
    return _decimal(number, decimals), Fraction(number, 10**decimals)


@given(provider_numbers(-50_000, 50_000), st.sampled_from(["", "+"]))
def test_american_odds_follow_the_formula_or_are_refused(sent: tuple[str, Fraction], plus: str) -> None:
    text, number = sent
    text = plus + text if number > 0 else text
    if abs(number) < 100:
        _assert_refused(text, PriceFormat.AMERICAN)
        return
    price = Price.parse(text, PriceFormat.AMERICAN)
    assert (price.text, price.value) == (text, 1 + (number / 100 if number > 0 else 100 / -number))


@given(provider_numbers(-2, 1000))
def test_decimal_odds_are_their_own_value_or_are_refused(sent: tuple[str, Fraction]) -> None:
    text, number = sent
    if number <= 1:
        _assert_refused(text, PriceFormat.DECIMAL)
        return
    price = Price.parse(text, PriceFormat.DECIMAL)
    assert (price.text, price.value) == (text, number)


@given(st.integers(-5, 2000), st.integers(-5, 2000))
def test_fractional_odds_are_one_more_than_the_fraction_or_are_refused(numerator: int, denominator: int) -> None:
    text = f"{numerator}/{denominator}"
    if numerator <= 0 or denominator <= 0:
        _assert_refused(text, PriceFormat.FRACTIONAL)
        return
    price = Price.parse(text, PriceFormat.FRACTIONAL)
    assert (price.text, price.value) == (text, 1 + Fraction(numerator, denominator))


@given(provider_numbers(-2, 1000))
def test_hong_kong_odds_are_one_less_than_decimal_or_are_refused(sent: tuple[str, Fraction]) -> None:
    text, number = sent
    if number <= 0:
        _assert_refused(text, PriceFormat.HONG_KONG)
        return
    price = Price.parse(text, PriceFormat.HONG_KONG)
    assert (price.text, price.value) == (text, 1 + number)


@given(provider_numbers(-2, 2))
def test_malay_odds_follow_the_formula_or_are_refused(sent: tuple[str, Fraction]) -> None:
    text, number = sent
    if number == 0 or abs(number) > 1:
        _assert_refused(text, PriceFormat.MALAY)
        return
    price = Price.parse(text, PriceFormat.MALAY)
    assert (price.text, price.value) == (text, 1 + (number if number > 0 else 1 / -number))


@given(provider_numbers(-500, 500))
def test_indonesian_odds_follow_the_formula_or_are_refused(sent: tuple[str, Fraction]) -> None:
    text, number = sent
    if abs(number) < 1:
        _assert_refused(text, PriceFormat.INDONESIAN)
        return
    price = Price.parse(text, PriceFormat.INDONESIAN)
    assert (price.text, price.value) == (text, 1 + (number if number > 0 else 1 / -number))


@given(st.text(max_size=40), formats)
def test_any_text_is_a_price_in_range_or_a_price_error(text: str, price_format: PriceFormat) -> None:
    try:
        price = Price.parse(text, price_format)
    except PriceError:
        return
    assert price.text == text
    assert LOWEST <= price.value <= HIGHEST


@given(values, formats)
def test_canonical_text_reads_back_to_itself(value: Fraction, price_format: PriceFormat) -> None:
    text = _written(value, price_format)
    assert Price.parse(text, price_format).to(price_format) == text


@given(values)
def test_fractional_text_is_always_exact(value: Fraction) -> None:
    price = Price.parse(_written(value, PriceFormat.FRACTIONAL), PriceFormat.FRACTIONAL)
    assert price.value == value
    assert price.exact_in(PriceFormat.FRACTIONAL)


@given(st.integers(1, 99), st.integers(1, 27), st.integers(0, 10**28 - 1), formats)
def test_the_longest_texts_of_every_format_convert_exactly(
    whole: int, decimals: int, part: int, sent: PriceFormat
) -> None:
    digits = f"{part:028d}"[:decimals]
    number = f"{whole}.{digits}"
    text = {
        PriceFormat.AMERICAN: f"-1{number}" if whole >= 10 else f"+30{number}",
        PriceFormat.DECIMAL: number,
        PriceFormat.FRACTIONAL: f"{whole}{part:028d}/{10**28 + decimals}",
        PriceFormat.HONG_KONG: number,
        PriceFormat.INDONESIAN: f"-{number}",
        PriceFormat.MALAY: f"-0.{whole}{part}"[:32],
    }[sent]
    if sent is PriceFormat.DECIMAL and Fraction(text) < LOWEST:
        return
    price = Price.parse(text, sent)
    assert price.exact_in(PriceFormat.FRACTIONAL)
    assert Price.parse(price.to(PriceFormat.FRACTIONAL), PriceFormat.FRACTIONAL).value == price.value


@given(values, formats, formats)
def test_conversion_through_fractional_odds_loses_nothing(
    value: Fraction, sent: PriceFormat, wanted: PriceFormat
) -> None:
    price = Price.parse(_written(value, sent), sent)
    ratio = price.to(PriceFormat.FRACTIONAL)
    assert Price.parse(ratio, PriceFormat.FRACTIONAL).to(wanted) == price.to(wanted)


@given(values, formats)
def test_written_odds_are_off_by_at_most_half_of_their_last_digit(value: Fraction, price_format: PriceFormat) -> None:
    text = _written(value, price_format)
    profit = value - 1
    exact = {
        PriceFormat.AMERICAN: 100 * profit if profit >= 1 else -100 / profit,
        PriceFormat.DECIMAL: value,
        PriceFormat.FRACTIONAL: profit,
        PriceFormat.HONG_KONG: profit,
        PriceFormat.INDONESIAN: profit if profit >= 1 else -1 / profit,
        PriceFormat.MALAY: profit if profit <= 1 else -1 / profit,
    }[price_format]
    half_digit = {PriceFormat.AMERICAN: Fraction(1, 2), PriceFormat.FRACTIONAL: Fraction(0)}.get(
        price_format, Fraction(1, 2 * 10**6)
    )
    shown = Fraction(text)
    if abs(shown) == abs(Fraction(100 if price_format is PriceFormat.AMERICAN else 1)) and exact < 0:
        shown = -shown  # even money, written the positive way
    assert abs(shown - exact) <= half_digit


@given(values, values, formats)
def test_a_better_price_is_never_written_as_a_worse_one(
    one: Fraction, other: Fraction, price_format: PriceFormat
) -> None:
    low, high = sorted((one, other))
    read = [Price.parse(_written(value, price_format), price_format).value for value in (low, high)]
    assert read[0] <= read[1]


@given(values, values)
def test_micro_prices_are_ordered_like_the_exact_ones(one: Fraction, other: Fraction) -> None:
    low, high = sorted((one, other))
    assert micro_of(low) <= micro_of(high)


# In American and Indonesian odds the numbers themselves are ordered like decimal odds; in Malay odds the negative numbers
# are the longer prices, and each sign is ordered by itself.
@given(values, values, formats)
def test_the_numbers_of_each_format_are_ordered_as_the_trade_reads_them(
    one: Fraction, other: Fraction, price_format: PriceFormat
) -> None:
    low, high = (Price.parse(_written(value, price_format), price_format) for value in sorted((one, other)))
    assume(low.value != high.value)
    low_number, high_number = Fraction(low.text), Fraction(high.text)
    if price_format is PriceFormat.MALAY:
        assert (low_number < 0, low_number) < (high_number < 0, high_number)
    else:
        assert low_number < high_number


@given(micros)
def test_our_own_micro_price_is_exact_in_decimal(micro: int) -> None:
    price = Price.of_micro(micro)
    assert price.micro == micro
    assert price.text == price.to(PriceFormat.DECIMAL) == decimal_text(micro)


def _written(value: Fraction, price_format: PriceFormat) -> str:
    """The canonical text of a value; reached through a fraction, the one format that any value can be sent in."""
    ratio = f"{(value - 1).numerator}/{(value - 1).denominator}"
    return Price.parse(ratio, PriceFormat.FRACTIONAL).to(price_format)


def _assert_refused(text: str, price_format: PriceFormat) -> None:
    with pytest.raises(PriceError) as refused:
        Price.parse(text, price_format)
    assert (refused.value.text, refused.value.format) == (text, price_format)
