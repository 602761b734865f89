"""Durations, decimals, sizes and times: exact text, integer amounts, clear refusals."""

from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from touchline.api import DecimalString, Duration, Quantity
from touchline.api.types.decimals import Money
from touchline.api.types.durations import Between
from touchline.api.types.moments import Moment

BOUNDED: TypeAdapter[Duration] = TypeAdapter(Annotated[Duration, Between("1s", "3s")])


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("0s", 0),
        ("500ms", 500_000),
        ("1m30s", 90_000_000),
        ("2160h", 7_776_000_000_000),
        ("7us", 7),
        ("1h1m1s1ms1us", 3_661_001_001),
    ],
)
def test_a_duration_is_its_text_and_whole_microseconds(text: str, micros: int) -> None:
    duration = Duration(text)
    assert (duration.text, str(duration), duration.micros) == (text, text, micros)


@pytest.mark.parametrize("text", ["", "5", "1.5s", "-1s", "s", "1 s", "1S", "1d", "1s\n", "1s" * 20])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        Duration(text)


@given(st.integers(0, 10**15))
def test_every_number_of_microseconds_has_a_duration_text(micros: int) -> None:
    assert Duration.of(micros).micros == micros


def test_durations_compare_by_length_and_not_by_text() -> None:
    assert Duration("1000ms") == Duration("1s")
    assert Duration("900ms") < Duration("1s")
    assert hash(Duration("60s")) == hash(Duration("1m"))
    assert Duration("1s") != "1s"


@given(st.decimals(min_value=-(10**11), max_value=10**11, places=6, allow_nan=False))
def test_a_decimal_keeps_its_text_and_counts_in_exact_millionths(value: Any) -> None:
    number = DecimalString(f"{value:f}")
    assert number.text == f"{value:f}"
    assert number.decimal == value
    assert number.micros == value * 1_000_000


def test_decimals_keep_the_zeros_that_were_written_but_compare_by_value() -> None:
    assert DecimalString("2.50").text == "2.50"
    assert DecimalString("2.50") == DecimalString("2.5")
    assert DecimalString("10") > DecimalString("9")


@pytest.mark.parametrize(
    "text", ["", "1e5", "1.", ".5", "+1", "1,000", "NaN", "Infinity", "0x1", "1.1234567", "1" * 13, "1\n"]
)
def test_what_is_no_plain_decimal_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a decimal"):
        DecimalString(text)


def test_a_number_where_a_decimal_belongs_is_told_to_be_put_in_quotes() -> None:
    with pytest.raises(ValidationError, match=r'decimal in quotes: "2.5"'):
        TypeAdapter(Money).validate_python(2.5)


@pytest.mark.parametrize(("text", "octets"), [("256Ki", 262_144), ("50Gi", 53_687_091_200), ("1k", 1000), ("7", 7)])
def test_a_quantity_is_its_text_and_a_number_of_bytes(text: str, octets: int) -> None:
    assert (Quantity(text).text, Quantity(text).octets) == (text, octets)


@pytest.mark.parametrize("text", ["", "0", "0Gi", "-1", "1.5Gi", "1GB", "1 Gi", "Gi"])
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a quantity"):
        Quantity(text)


def test_quantities_compare_by_amount() -> None:
    assert Quantity("1024Ki") == Quantity("1Mi")
    assert Quantity("1M") < Quantity("1Mi")


@pytest.mark.parametrize("value", [1_700_000_000, "2026-03-01", "2026-03-01T15:00:00", "2026-03-01 15:00:00Z", "now"])
def test_a_time_needs_a_date_a_time_and_a_zone(value: Any) -> None:
    with pytest.raises(ValidationError, match="time with a zone"):
        TypeAdapter(Moment).validate_python(value)


def test_a_time_is_read_with_its_zone() -> None:
    moment = TypeAdapter(Moment).validate_python("2026-03-01T15:00:00+02:00")
    assert moment.isoformat() == "2026-03-01T15:00:00+02:00"


@given(st.integers(0, 5_000_000))
def test_bounds_of_a_duration_are_inclusive(micros: int) -> None:
    inside = 1_000_000 <= micros <= 3_000_000
    try:
        BOUNDED.validate_python(str(Duration.of(micros)))
    except ValidationError:
        assert not inside
    else:
        assert inside
