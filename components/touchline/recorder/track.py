"""Following one source stream: what is recorded of it, and what of it can never be.

A machine without clock or I/O. A broker that keeps prices in memory begins the stream anew when it restarts, with the same numbers for
other messages: the sequence alone would not show it.
"""

from collections.abc import Sequence
from typing import NamedTuple

from touchline.bus.stream_reader import Record
from touchline.recorder.segments import Break, Entry, Place


class State(NamedTuple):
    """A stream as the broker describes it: when it was made, and the sequences of its oldest and newest message (of an empty one, `first`
    is the next that it gives and `last` the one before)."""

    created: str
    first: int
    last: int


class Track:
    """`place` is from the log's last segment; None: nothing of this stream is recorded yet."""

    def __init__(self, stream: str, place: Place | None) -> None:
        self.stream = stream
        self._place = place
        self._last = 0

    @property
    def place(self) -> Place:
        """Up to where it is recorded, for the next segment."""
        return self._place or Place(0, "", "")

    @property
    def next(self) -> int:
        """The first sequence to read."""
        return self.place.seq + 1

    @property
    def behind(self) -> int:
        """Messages that were there at the last look and are not taken yet."""
        return max(0, self._last - self.place.seq)

    def goes_on(self, state: State) -> bool:
        """Whether the stream is still the one of the last look, as far as its description tells."""
        return state.created == self.place.created and state.last >= self.place.seq

    def look(self, state: State, at: str) -> Break | None:
        """The broker described the stream; returns what is lost of it, if anything is.

        `at` is when the broker stored the message `place.seq` that it has now, empty where it has none of that number.
        """
        before, self._last = self._place, state.last
        first = max(state.first, 1)
        if before is None:
            self._place = Place(first - 1, "", state.created)
            return None
        if not self.goes_on(state) or (first <= before.seq and before.at != at):
            self._place = Place(first - 1, "", state.created)
            return Break(
                self.stream, before.seq, first, "the stream began anew: what was not recorded of the old one is lost"
            )
        if first <= self.next:
            return None
        self._place = Place(first - 1, "", state.created)
        return Break(self.stream, before.seq, first, "removed from the stream before it could be recorded")

    def take(self, records: Sequence[Record]) -> tuple[list[Entry], list[Break]]:
        """Records that were read, in order; returns what to write, and the holes between."""
        entries, breaks = [], []
        for record in records:
            if record.seq < self.next:
                continue
            if record.seq > self.next:
                breaks.append(Break(self.stream, self.next - 1, record.seq, "missing in the stream"))
            self._place = Place(record.seq, record.at, self.place.created)
            entries.append(Entry(self.stream, record.seq, record.at, record.subject, record.payload))
        return entries, breaks
