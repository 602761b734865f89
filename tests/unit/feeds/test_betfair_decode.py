"""Reading single stream messages: what is accepted, what is left out, what is refused."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.betfair_messages import change, definition, line, mcm, runner
from touchline.feeds.betfair.decode import MalformedMessage, decode, publish_ms


def test_unknown_fields_are_passed_over() -> None:
    decoded = decode(mcm(change("1.1", runner(1, atb=[[2.0, 5]], newField={"a": [1]}), novelty=1), brandNew=True))
    assert decoded.refused == ()
    assert decoded.message.mc is not None
    assert decoded.message.mc[0].rc is not None
    assert decoded.message.mc[0].rc[0].atb == [(2.0, 5.0)]


def test_a_byte_order_mark_is_passed_over() -> None:
    assert decode(b"\xef\xbb\xbf" + mcm(clk="x")).message.clk == "x"
    assert publish_ms(b"\xef\xbb\xbf" + mcm(pt=7)) == 7


def test_a_null_clk_is_no_clk() -> None:
    assert decode(mcm(clk=None)).message.clk is None


def test_a_clk_that_is_a_number_is_read_as_text() -> None:
    assert decode(line(op="rcm", clk=12, pt=1)).message.clk == "12"


@pytest.mark.parametrize("nonsense", ["NaN", "Infinity", "-Infinity", None, {}, True])
def test_a_price_that_is_no_number_is_left_out_and_the_rest_is_kept(nonsense: object) -> None:
    decoded = decode(mcm(change("1.1", runner(1, atb=[[nonsense, 5], [2.0, 5]], batb=[[0, nonsense, 5], [1, 1.9, 5]]))))
    assert decoded.message.mc is not None
    assert decoded.message.mc[0].rc is not None
    kept = decoded.message.mc[0].rc[0]
    assert kept.atb == [(2.0, 5.0)]
    assert kept.batb == [(1, 1.9, 5.0)]
    assert len(decoded.refused) == 2
    assert not decoded.lost


def test_infinite_starting_prices_do_not_disturb_the_ladders() -> None:
    decoded = decode(mcm(change("1.1", runner(1, spn="NaN", spf="Infinity", atb=[[2.0, 5]]))))
    assert decoded.refused == ()
    assert decoded.message.mc is not None
    assert decoded.message.mc[0].rc is not None
    assert decoded.message.mc[0].rc[0].atb == [(2.0, 5.0)]


def test_numbers_that_came_as_text_are_read() -> None:
    decoded = decode(mcm(change("1.1", runner(1, atb=[["2.5", "10"]]) | {"id": "42153"})))
    assert decoded.message.mc is not None
    assert decoded.message.mc[0].rc is not None
    assert decoded.message.mc[0].rc[0].id == 42153
    assert decoded.message.mc[0].rc[0].atb == [(2.5, 10.0)]


def test_a_runner_without_an_id_is_lost_and_named() -> None:
    decoded = decode(mcm(change("1.1", {"atb": [[2.0, 1]]}, runner(2, atb=[[3.0, 1]]))))
    assert decoded.lost
    assert decoded.refused == ("1.1: a runner change without an id",)
    assert decoded.message.mc is not None
    assert decoded.message.mc[0].rc is not None
    assert [part.id for part in decoded.message.mc[0].rc] == [2]


def test_a_definition_of_another_shape_is_lost_and_the_prices_are_kept() -> None:
    decoded = decode(mcm(change("1.1", runner(1, atb=[[2.0, 1]]), definition={"runners": "none"})))
    assert decoded.lost
    assert decoded.message.mc is not None
    assert decoded.message.mc[0].market_definition is None
    assert decoded.message.mc[0].rc is not None


def test_a_market_change_without_an_id_is_lost_and_the_others_are_kept() -> None:
    decoded = decode(mcm({"rc": []}, "nonsense", change("1.2", runner(1, atb=[[2.0, 1]]))))  # type: ignore[arg-type]
    assert decoded.lost
    assert decoded.message.mc is not None
    assert [part.id for part in decoded.message.mc] == ["1.2"]


def test_only_the_first_refusals_are_named_and_the_rest_is_counted() -> None:
    decoded = decode(mcm(change("1.1", runner(1, atb=[["NaN", 1]] * 50))))
    assert len(decoded.refused) == 6
    assert decoded.refused[-1] == "and 45 more"


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b"{}",
        b'{"op": 1}',
        b'{"op":"mcm","pt":1',
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b'{"op":"mcm","mc":' + b"[" * 100_000,
        b'{"op":"mcm","mc":[{"id":"1.1","rc":[{"id":1,"atb":[[NaN,1]]}]}]}',
    ],
    ids=range(12),
)
def test_what_is_no_message_is_refused(frame: bytes) -> None:
    with pytest.raises(MalformedMessage):
        decode(frame)


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused_and_never_crash(frame: bytes) -> None:
    with suppress(MalformedMessage):
        decode(frame)
    publish_ms(frame)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["id", "rc", "mc", "atb", "hc", "op", "x"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(
    st.dictionaries(
        st.sampled_from(["op", "id", "clk", "pt", "ct", "mc", "status", "segmentType", "heartbeatMs"]), JSON
    )
)
def test_any_object_is_read_or_refused_and_never_crashes(message: dict[str, object]) -> None:
    with suppress(MalformedMessage):
        decode(json.dumps({"op": "mcm", **message}).encode())


def test_both_ways_of_reading_agree() -> None:
    """A message that is well-formed but for one text takes the lenient way; the rest must come out the same."""
    whole = change("1.1", runner(1, hc=-1.5, atb=[[2.0, 1]], bdatb=[[0, 2, 1]]), definition=definition(1, 2), img=True)
    fast = decode(mcm(whole, id=3)).message
    lenient = decode(mcm(whole, id="3")).message
    assert fast == lenient
