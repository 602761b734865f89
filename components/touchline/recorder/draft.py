"""The segment that is being filled: when it is due, and how it is sealed. Without clock or I/O; times are monotonic microseconds."""

from collections.abc import Iterable, Mapping

from touchline.recorder.segments import FORMAT, Break, Entry, Place, Segment, encode, pack

FULL_BYTES = 512 << 10
"""Before compression, and one batch may come on top: brokers take messages of a mebibyte unless they are told otherwise."""
FULL_ENTRIES = 4_000
WAIT_US = 1_000_000
"""How long an entry waits for others."""


class Draft:
    """`life_us`: after so long a segment is due even if nothing happened; the log then says so, and never runs out altogether."""

    def __init__(self, now: int, *, life_us: int) -> None:
        self._life_at = now + life_us
        self._since: int | None = None
        self._bytes = 0
        self.entries: list[Entry] = []
        self.breaks: list[Break] = []

    @property
    def full(self) -> bool:
        """Whether no more should be put in."""
        return self._bytes >= FULL_BYTES or len(self.entries) >= FULL_ENTRIES

    def add(self, now: int, entries: Iterable[Entry], breaks: Iterable[Break]) -> None:
        """Put more in."""
        for entry in entries:
            self.entries.append(entry)
            self._bytes += len(entry.data) + len(entry.subject)
        self.breaks += breaks
        if self._since is None and (self.entries or self.breaks):
            self._since = now

    def due(self, now: int) -> bool:
        """Whether it should be stored now."""
        return self.full or now >= self._life_at or (self._since is not None and now - self._since >= WAIT_US)

    def sealed(self, previous: bytes, *, writer: str, wall: int, places: Mapping[str, Place]) -> bytes:
        """The bytes to store. `wall`: epoch microseconds."""
        return encode(
            Segment(
                format=FORMAT,
                previous=previous,
                writer=writer,
                at=wall,
                places=dict(places),
                breaks=self.breaks,
                count=len(self.entries),
                entries=pack(self.entries),
            )
        )
