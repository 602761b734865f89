"""Segmented messages are one message, or they are broken; there is nothing in between."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchline.feeds.betfair import segments
from touchline.feeds.betfair.decode import MarketChange, Message
from touchline.feeds.betfair.segments import BrokenSegment, Segments


def part(kind: str | None, *names: str, ct: str | None = None) -> Message:
    return Message("mcm", segment_type=kind, ct=ct, mc=[MarketChange(name) for name in names])


def names(changes: list[MarketChange] | None) -> list[str] | None:
    return None if changes is None else [change.id for change in changes]


@given(st.lists(st.lists(st.sampled_from("abc"), max_size=3), min_size=2, max_size=8))
def test_any_split_of_a_message_comes_out_as_the_whole(parts: list[list[str]]) -> None:
    collected = Segments()
    kinds = ["SEG_START", *["SEG"] * (len(parts) - 2), "SEG_END"]
    results = [collected.add(part(kind, *some, ct="SUB_IMAGE")) for kind, some in zip(kinds, parts, strict=True)]
    assert results[:-1] == [None] * (len(parts) - 1)
    assert names(results[-1]) == [name for some in parts for name in some]
    assert collected.kind == "SUB_IMAGE"
    assert not collected.open


def test_the_type_of_the_first_segment_is_that_of_the_message() -> None:
    collected = Segments()
    collected.add(part("SEG_START", "a", ct="SUB_IMAGE"))
    collected.add(part("SEG_END", "b"))
    assert collected.kind == "SUB_IMAGE"
    assert names(collected.add(part(None, "c"))) == ["c"]
    assert collected.kind == ""


def test_a_heartbeat_between_segments_belongs_to_neither() -> None:
    collected = Segments()
    collected.add(part("SEG_START", "a"))
    assert collected.add(part(None, ct="HEARTBEAT")) is None
    assert names(collected.add(part("SEG_END", "b"))) == ["a", "b"]


@pytest.mark.parametrize(
    "messages",
    [
        [part("SEG", "a")],
        [part("SEG_END", "a")],
        [part("SEG_START", "a"), part("SEG_START", "b")],
        [part("SEG_START", "a"), part(None, "b")],
        [part("SEG_MIDDLE", "a")],
    ],
    ids=["segment first", "end first", "two beginnings", "whole inside", "unknown type"],
)
def test_segments_that_do_not_fit_are_broken_and_forgotten(messages: list[Message]) -> None:
    collected = Segments()
    *fitting, broken = messages
    for message in fitting:
        assert collected.add(message) is None
    with pytest.raises(BrokenSegment):
        collected.add(broken)
    assert not collected.open


def test_a_message_without_an_end_does_not_grow_without_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "MAX_CHANGES", 10)
    collected = Segments()
    collected.add(part("SEG_START", "a"))
    for _ in range(9):
        collected.add(part("SEG", "b"))
    with pytest.raises(BrokenSegment, match="more than"):
        collected.add(part("SEG", "b"))
