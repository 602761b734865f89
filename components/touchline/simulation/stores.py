"""What the broker keeps: buckets with compare-and-set, streams with expected sequences, and how much of it survives a crash.

With `sync always` a write is on the disk before it is acknowledged or delivered. The same store can be told to acknowledge first
(`lazy`): then a crash takes what was not synced yet, which is what a default JetStream does.
"""

from collections.abc import Callable
from typing import NamedTuple

from touchline.simulation.scheduler import Scheduler

LAZY_SYNC_US = 2_000_000
"""How often a lazy store syncs (the default JetStream: two minutes)."""


class Stored(NamedTuple):
    """An append succeeded; `duplicate`: it had been stored before under the same id."""

    seq: int
    duplicate: bool = False


class Refused(NamedTuple):
    """An append is not in the stream and never will be."""

    why: str


class Record(NamedTuple):
    seq: int
    subject: str
    payload: bytes
    msg_id: str
    at: int


class Stream:
    """One stream. `on_stored` is told of each record once it is stored."""

    lazy = False

    def __init__(self, name: str, scheduler: Scheduler) -> None:
        self.name = name
        self.records: list[Record] = []
        self.on_stored: Callable[[Stream, Record], None] = _nobody
        self.on_lost: Callable[[Stream, list[Record]], None] = _nobody_lost
        self._scheduler = scheduler
        self._ids: dict[str, int] = {}
        self._last_of: dict[str, int] = {}
        self._synced = 0
        self._sync_at = LAZY_SYNC_US

    @property
    def last(self) -> int:
        return len(self.records)

    @property
    def durable(self) -> int:
        """How many records a crash at this instant would leave."""
        if not self.lazy:
            return len(self.records)
        self._sync()
        return self._synced

    def append(
        self,
        subject: str,
        payload: bytes,
        msg_id: str,
        *,
        expected_last: int | None = None,
        expected_of: tuple[str, int] | None = None,
    ) -> Stored | Refused:
        """Store a record if the stream's last sequence, and a subject's last sequence, are as its writer expects.

        The sequence is checked before the id (as nats-server 2.15 does), so a record that came twice is refused the second time.
        """
        if self.lazy:
            self._sync()
        if expected_last is not None and expected_last != len(self.records):
            return Refused(f"wrong last sequence: {len(self.records)}, not {expected_last}")
        if expected_of is not None and self._last_of.get(expected_of[0], 0) != expected_of[1]:
            last = self._last_of.get(expected_of[0], 0)
            return Refused(f"wrong last sequence of {expected_of[0]}: {last}, not {expected_of[1]}")
        known = self._ids.get(msg_id)
        if known is not None:
            return Stored(known, True)
        record = Record(len(self.records) + 1, subject, payload, msg_id, self._scheduler.now)
        self.records.append(record)
        self._ids[msg_id] = record.seq
        self._last_of[subject] = record.seq
        self.on_stored(self, record)
        return Stored(record.seq)

    def crash(self) -> int:
        """Lose what was not synced; how much."""
        kept = self.durable
        lost = self.records[kept:]
        if lost:
            del self.records[kept:]
            self._ids = {record.msg_id: record.seq for record in self.records}
            self._last_of = {record.subject: record.seq for record in self.records}
            self.on_lost(self, lost)
        return len(lost)

    def _sync(self) -> None:
        while self._sync_at <= self._scheduler.now:
            at = self._sync_at
            self._sync_at += LAZY_SYNC_US
            while self._synced < len(self.records) and self.records[self._synced].at <= at:
                self._synced += 1


def _nobody(_stream: Stream, _record: Record) -> None:
    """Nobody follows."""


def _nobody_lost(_stream: Stream, _records: list[Record]) -> None:
    """Nobody watches."""


class Entry(NamedTuple):
    """A key's value; `revision` 0 and no value: it was never written."""

    revision: int
    value: bytes | None


class Bucket:
    """One bucket. Writes are compare-and-set; reads may show a past that a lagging replica still has (`stale`)."""

    lazy = False

    def __init__(self, name: str, scheduler: Scheduler) -> None:
        self.name = name
        self.stale = 0.0
        """The chance that a read shows one of the last revisions before the newest."""
        self._scheduler = scheduler
        self._history: dict[str, list[Entry]] = {}
        self._revision = 0

    def read(self, key: str) -> Entry:
        history = self._history.get(key)
        if not history:
            return Entry(0, None)
        if self.stale and self._scheduler.chance(self.stale):
            back = self._scheduler.between(1, 4)
            return history[-1 - back] if back < len(history) else Entry(0, None)
        return history[-1]

    def write(self, key: str, value: bytes, revision: int) -> int | None:
        """The new revision, or None if `revision` is not the newest any more."""
        history = self._history.setdefault(key, [])
        newest = history[-1].revision if history else 0
        if newest != revision:
            return None
        return self._put(history, value)

    def put(self, key: str, value: bytes | None) -> int:
        """Write whatever stands there."""
        return self._put(self._history.setdefault(key, []), value)

    def newest(self, key: str) -> Entry:
        history = self._history.get(key)
        return history[-1] if history else Entry(0, None)

    def _put(self, history: list[Entry], value: bytes | None) -> int:
        self._revision += 1
        entry = Entry(self._revision, value)
        history.append(entry)
        return self._revision

    def crash(self) -> int:
        """A bucket with `sync always` loses nothing; a lazy one falls back to what it was before its last writes."""
        if not self.lazy:
            return 0
        lost = 0
        for history in self._history.values():
            while len(history) > 1 and self._scheduler.chance(0.5):
                history.pop()
                lost += 1
        return lost
