"""The chain: whatever is changed, left out or put in afterwards is found."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchline.recorder.draft import FULL_BYTES, FULL_ENTRIES, WAIT_US, Draft
from touchline.recorder.segments import NOTHING, Break, Damaged, Entry, Place, decode, faults, hash_of, unpack

PLACES = {"BOOK": Place(7, "2026-11-28T10:00:00Z", "2026-11-28T09:00:00Z")}
LIFE_US = 900_000_000


def entry(seq: int, size: int = 5) -> Entry:
    return Entry("BOOK", seq, "2026-11-28T10:00:00.5Z", "book.0.Football.epl.e1.MatchWinner", b"x" * size)


def chain(length: int) -> list[tuple[int, bytes]]:
    """A log of so many segments, from sequence 1 on."""
    found: list[tuple[int, bytes]] = []
    previous = NOTHING
    for number in range(length):
        draft = Draft(0, life_us=LIFE_US)
        draft.add(0, [entry(number)], [])
        stored = draft.sealed(previous, writer="node/run", wall=number, places=PLACES)
        found.append((number + 1, stored))
        previous = hash_of(stored)
    return found


def test_a_segment_holds_what_was_put_in() -> None:
    draft = Draft(0, life_us=LIFE_US)
    lost = Break("BOOK", 3, 9, "missing in the stream")
    draft.add(0, [entry(1), entry(2)], [lost])
    segment = decode(draft.sealed(b"h" * 32, writer="node/run", wall=5, places=PLACES))
    assert unpack(segment) == [entry(1), entry(2)]
    assert (segment.previous, segment.writer, segment.at) == (b"h" * 32, "node/run", 5)
    assert (segment.breaks, segment.places, segment.count) == ([lost], PLACES, 2)


def test_a_segment_is_due_when_it_has_waited_or_is_full_or_nothing_happened_for_long() -> None:
    draft = Draft(100, life_us=LIFE_US)
    assert not draft.due(100 + LIFE_US - 1)
    assert draft.due(100 + LIFE_US)
    draft.add(200, [entry(1)], [])
    draft.add(300, [entry(2)], [])
    assert not draft.due(199 + WAIT_US)
    assert draft.due(200 + WAIT_US)
    by_size, by_count, lost = (Draft(0, life_us=LIFE_US) for _ in range(3))
    by_size.add(0, [entry(1, FULL_BYTES)], [])
    by_count.add(0, [entry(seq) for seq in range(FULL_ENTRIES)], [])
    lost.add(0, [], [Break("BOOK", 1, 3, "why")])
    assert by_size.due(1)
    assert by_count.due(1)
    assert not lost.due(1)
    assert lost.due(WAIT_US)


@given(st.integers(2, 6), st.data())
def test_any_change_of_a_log_is_found(length: int, data: st.DataObject) -> None:
    log = chain(length)
    assert list(faults(log)) == []
    assert list(faults(log[1:])) == [], "what ran out is not missed"
    at = data.draw(st.integers(0, length - 1))
    seq, stored = log[at]
    place = data.draw(st.integers(0, len(stored) - 1))
    changed = stored[:place] + bytes([stored[place] ^ data.draw(st.integers(1, 255))]) + stored[place + 1 :]
    broken = [*log[:at], (seq, changed), *log[at + 1 :]]
    if at < length - 1:
        assert [where for where, _ in faults(broken) if where in {seq, seq + 1}], "by itself, or by the next one's hash"
    left_out = [*log[:at], *log[at + 1 :]]
    assert bool(list(faults(left_out))) is (0 < at < length - 1)


def test_a_segment_that_was_put_in_breaks_the_chain() -> None:
    log = chain(3)
    forged = chain(1)[0][1]
    assert [seq for seq, _ in faults([log[0], (2, forged), (3, log[2][1])])] == [2, 3]


def test_what_is_no_segment_is_refused() -> None:
    with pytest.raises(Damaged, match="no segment"):
        decode(b"nothing of the kind")
    segment = decode(chain(1)[0][1])
    with pytest.raises(Damaged, match="format 2"):
        decode(msgspec.msgpack.encode(msgspec.structs.replace(segment, format=2)))
    with pytest.raises(Damaged, match="says that it has 9"):
        unpack(msgspec.structs.replace(segment, count=9))
    with pytest.raises(Damaged, match="damaged"):
        unpack(msgspec.structs.replace(segment, entries=b"\0"))
