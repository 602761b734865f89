"""Following a source: what is recorded once, what is missing, and another stream under the old one's name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchline.bus.stream_reader import Record
from touchline.recorder.segments import Break, Place
from touchline.recorder.track import State, Track

MADE, MADE_AGAIN = "2026-11-28T09:00:00Z", "2026-11-28T09:30:00Z"
T0, T1 = "2026-11-28T10:00:00Z", "2026-11-28T11:00:00Z"


def records(*sequences: int) -> list[Record]:
    return [Record(seq, "book.0", b"price", "", T0) for seq in sequences]


def test_a_new_log_begins_where_the_stream_does_and_misses_nothing() -> None:
    track = Track("BOOK", None)
    assert track.look(State(MADE, first=11, last=14), "") is None
    assert (track.next, track.behind) == (11, 4)
    entries, breaks = track.take(records(11, 12))
    assert [entry.seq for entry in entries] == [11, 12]
    assert not breaks
    assert (track.place, track.behind) == (Place(12, T0, MADE), 2)


def test_what_was_read_before_is_not_taken_again() -> None:
    track = Track("BOOK", Place(12, T0, MADE))
    entries, breaks = track.take(records(11, 12, 13))
    assert [entry.seq for entry in entries] == [13]
    assert not breaks


def test_what_ran_out_before_it_was_read_is_told() -> None:
    track = Track("BOOK", Place(12, T0, MADE))
    lost = track.look(State(MADE, first=20, last=30), "")
    assert lost == Break("BOOK", 12, 20, "removed from the stream before it could be recorded")
    assert track.next == 20
    assert track.look(State(MADE, first=20, last=30), "") is None, "it is told once"


def test_a_stream_that_ran_out_of_everything_recorded_is_whole() -> None:
    track = Track("BOOK", Place(12, T0, MADE))
    assert track.look(State(MADE, first=13, last=12), "") is None
    assert track.look(State(MADE, first=13, last=15), "") is None
    assert track.next == 13


def test_a_hole_between_two_records_is_told() -> None:
    track = Track("BOOK", Place(12, T0, MADE))
    entries, breaks = track.take(records(13, 16))
    assert [entry.seq for entry in entries] == [13, 16]
    assert breaks == [Break("BOOK", 13, 16, "missing in the stream")]


@pytest.mark.parametrize(
    ("again", "at"),
    [
        (State(MADE_AGAIN, first=1, last=0), ""),  # nothing is in it yet
        (State(MADE_AGAIN, first=1, last=9), ""),  # fewer than there were
        (State(MADE_AGAIN, first=1, last=99), T1),  # already more
        (State(MADE_AGAIN, first=20, last=99), ""),  # and the oldest of them have run out
        (State(MADE, first=1, last=9), ""),  # three brokers lost their memory, and know when they made the stream
        (State(MADE, first=1, last=99), T1),
    ],
)
def test_a_broker_that_lost_its_memory_gives_the_same_numbers_to_other_messages(again: State, at: str) -> None:
    track = Track("BOOK", Place(12, T0, MADE))
    lost = track.look(again, at)
    assert lost is not None
    assert (lost.after, lost.until) == (12, again.first)
    assert "began anew" in lost.why
    assert track.next == again.first
    assert track.look(again, "") is None, "it is told once"


def test_what_was_read_of_another_stream_under_the_same_name_is_known_by_its_description() -> None:
    track = Track("BOOK", Place(12, T0, MADE))
    assert track.goes_on(State(MADE, first=1, last=12))
    assert not track.goes_on(State(MADE_AGAIN, first=1, last=40))
    assert not track.goes_on(State(MADE, first=1, last=11))


def test_a_stream_that_was_empty_when_it_was_first_seen_is_not_another() -> None:
    track = Track("BETS_0", None)
    assert track.look(State(MADE, first=1, last=0), "") is None
    assert track.look(State(MADE, first=1, last=3), "") is None
    assert track.next == 1


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 4), st.booleans()), max_size=40),
    st.data(),
)
def test_every_message_of_a_stream_is_recorded_once_or_stands_in_a_break(
    steps: list[tuple[int, int, bool]], data: st.DataObject
) -> None:
    """The stream grows and loses its oldest; reads come late and in parts, and the recorder is restarted from its last place."""
    first, last = 1, 0
    track = Track("BOOK", None)
    track.look(State(MADE, 1, 0), "")
    seen: list[int] = []
    lost: list[int] = []

    def note(breaks: list[Break]) -> None:
        for each in breaks:
            lost.extend(range(each.after + 1, each.until))

    for grown, gone, restart in steps:
        last += grown
        first = min(first + gone, last + 1)
        if restart:
            track = Track("BOOK", track.place)
        if restart or data.draw(st.booleans()):
            found = track.look(State(MADE, first, last), T0 if first <= track.place.seq else "")
            note([found] if found is not None else [])
        there = list(range(max(first, track.next), last + 1))[: data.draw(st.integers(0, 6))]
        entries, breaks = track.take([Record(seq, "s", b"", "", T0) for seq in there])
        seen += [entry.seq for entry in entries]
        note(breaks)
    assert seen == sorted(set(seen))
    assert sorted([*seen, *lost]) == list(range(1, track.next))
