"""Reading a whole log and judging it: what `python -m touchline.recorder --verify` prints."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from nats.aio.client import Client

from touchline.bus import subjects
from touchline.bus.stream_reader import Record, StreamReader
from touchline.recorder.segments import Break, Damaged, decode, faults, hash_of, unpack

BATCH = 50


@dataclass
class Findings:
    """What a log holds and what is wrong with it: `faults` by sequence, `breaks` in order, `entries` by stream."""

    first: Record | None = None
    last: Record | None = None
    segments: int = 0
    entries: Counter[str] = field(default_factory=Counter)
    breaks: list[Break] = field(default_factory=list)
    faults: list[tuple[int, str]] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """For a reader."""
        if self.first is None or self.last is None:
            yield "the log is empty"
            return
        yield f"segments {self.first.seq} to {self.last.seq}, stored {self.first.at} to {self.last.at}"
        for stream, count in sorted(self.entries.items()):
            yield f"  {stream:<12} {count:>10,} entries"
        for lost in self.breaks:
            yield f"  missing: {lost.stream} between {lost.after} and {lost.until}: {lost.why}"
        for seq, why in self.faults:
            yield f"  BROKEN at segment {seq}: {why}"
        yield f"newest segment {self.last.seq}, SHA-256 {hash_of(self.last.payload).hex()}"
        yield "the chain is broken" if self.faults else "the chain is whole"


async def verify(nc: Client) -> Findings:
    """Read the log of an engine from its oldest segment on.

    Raises:
        touchline.bus.stream_reader.Unreadable: the broker did not answer.
    """
    reader = StreamReader(nc, timeout_s=10.0)
    await reader.start()
    found = Findings()
    before: list[tuple[int, bytes]] = []
    first, more = 1, True
    while more:
        records, more = await reader.read(subjects.AUDIT_STREAM, first, BATCH)
        for record in records:
            _count(found, record)
        stored = [*before, *((record.seq, record.payload) for record in records)]
        found.faults += [fault for fault in faults(stored) if not before or fault[0] != before[0][0]]
        before = stored[-1:]
        first = records[-1].seq + 1 if records else first
    return found


def _count(found: Findings, record: Record) -> None:
    found.first = found.first or record
    found.last = record
    found.segments += 1
    try:
        segment = decode(record.payload)
        found.entries.update(entry.stream for entry in unpack(segment))
    except Damaged:
        return  # `faults` says so
    found.breaks += segment.breaks
