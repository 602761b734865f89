"""Following a source: what is recorded once, what is missing, and another stream under the old one's name."""

from hypothesis import given
from hypothesis import strategies as st

from touchline.bus.stream_reader import Record
from touchline.recorder.segments import Break, Place
from touchline.recorder.track import State, Track

T0, T1 = "2026-11-28T10:00:00Z", "2026-11-28T11:00:00Z"


def records(*sequences: int) -> list[Record]:
    return [Record(seq, "book.0", b"price", "", T0) for seq in sequences]


def test_a_new_log_begins_where_the_stream_does_and_misses_nothing() -> None:
    track = Track("BOOK", None)
    assert track.look(State(first=11, last=14, first_at=T0)) is None
    assert (track.next, track.behind) == (11, 4)
    entries, breaks = track.take(records(11, 12))
    assert [entry.seq for entry in entries] == [11, 12]
    assert not breaks
    assert (track.place, track.behind) == (Place(12, 11, T0), 2)


def test_what_was_read_before_is_not_taken_again() -> None:
    track = Track("BOOK", Place(12, 11, T0))
    entries, breaks = track.take(records(11, 12, 13))
    assert [entry.seq for entry in entries] == [13]
    assert not breaks


def test_what_ran_out_before_it_was_read_is_told() -> None:
    track = Track("BOOK", Place(12, 1, T0))
    lost = track.look(State(first=20, last=30, first_at=T1))
    assert lost == Break("BOOK", 12, 20, "removed from the stream before it could be recorded")
    assert track.next == 20


def test_a_stream_that_ran_out_of_everything_recorded_is_whole() -> None:
    track = Track("BOOK", Place(12, 1, T0))
    assert track.look(State(first=13, last=12, first_at="")) is None
    assert track.look(State(first=13, last=15, first_at=T1)) is None
    assert track.next == 13


def test_a_hole_between_two_records_is_told() -> None:
    track = Track("BOOK", Place(12, 1, T0))
    entries, breaks = track.take(records(13, 16))
    assert [entry.seq for entry in entries] == [13, 16]
    assert breaks == [Break("BOOK", 13, 16, "missing in the stream")]


def test_a_broker_that_lost_its_memory_gives_the_same_numbers_to_other_messages() -> None:
    for again in (
        State(first=1, last=0, first_at=""),  # nothing is in it yet
        State(first=1, last=9, first_at=T1),  # fewer than there were
        State(first=1, last=99, first_at=T1),  # already more
        State(first=5, last=99, first_at=T1),  # and the oldest of them have run out
    ):
        track = Track("BOOK", Place(12, 7 if again.first == 5 else 1, T0))
        lost = track.look(again)
        assert lost is not None
        assert lost.after == 12
        assert "began anew" in lost.why
        assert track.next == again.first
        assert track.look(again) is None, "it is told once"


def test_a_stream_that_was_empty_when_it_was_first_seen_is_not_another() -> None:
    track = Track("BETS_0", None)
    assert track.look(State(first=1, last=0, first_at="")) is None
    assert track.look(State(first=1, last=3, first_at=T0)) is None
    assert track.next == 1
    assert track.look(State(first=1, last=3, first_at=T1)) is not None


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
    track.look(State(1, 0, ""))
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
            found = track.look(State(first, last, f"time of {first}" if first <= last else ""))
            note([found] if found is not None else [])
        there = list(range(max(first, track.next), last + 1))[: data.draw(st.integers(0, 6))]
        entries, breaks = track.take([Record(seq, "s", b"", "", "") for seq in there])
        seen += [entry.seq for entry in entries]
        note(breaks)
    assert seen == sorted(set(seen))
    assert sorted([*seen, *lost]) == list(range(1, track.next))
