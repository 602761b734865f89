"""How one shard's pending reviews and cool-downs pass from leader to leader, through one key beside the leases (ADR 0010).

    won     -> Read     nothing is published before the key was read …
    read    -> Write    … and claimed: the same content in the new epoch, which keeps every earlier leader's late write out
    claimed -> Begin    the term begins with what was found
    begun   -> Write    whenever something else is pending, and each `REFRESH_US` while cool-downs run, because what is left of them
                        shrinks

Written by compare-and-set on the revision that is known, one request at a time. What became of a write that was refused, or of which
nobody knows, is found out by reading; a read that shows the past only delays, as nothing can be written on it.
"""

from collections.abc import Callable
from enum import Enum
from typing import NamedTuple

from touchline.book.link import NEVER
from touchline.book.pending import NOTHING, Legacy, pack, unpack

AGAIN_US = 100_000
REFRESH_US = 1_000_000
SPARED_US = 50
"""Least time between two writes for each market that they name: ten thousand are written twice a second at most."""


class ReadPending(NamedTuple):
    """Read the key; its result goes to `read` or `unread`, with the number of the request."""

    ask: int


class WritePending(NamedTuple):
    """Write the key if `revision` is its newest; the result goes to `written`."""

    ask: int
    value: bytes
    revision: int


class Begin(NamedTuple):
    """Lead from here on, with what was left behind."""

    epoch: int
    legacy: Legacy


class Outdated(NamedTuple):
    """A later epoch than this leader's stands in the key: somebody else leads, or the leases were lost and began anew."""

    epoch: int


HandoverOutput = ReadPending | WritePending | Begin | Outdated


class _Phase(Enum):
    IDLE = 0
    READING = 1
    CLAIMING = 2
    LEADING = 3
    CHECKING = 4
    """Leads; what became of its last write is asked."""


class Handover:
    """One shard's on one node; idle while it does not lead. Times are microseconds of the node's clock."""

    def __init__(self) -> None:
        self.epoch = 0
        self.written_changes = -1
        """`PendingBoard.changes` as of what the key holds; -1: another write is due whatever that is."""
        self._phase = _Phase.IDLE
        self._ask = 0
        self._waiting = False
        self._again_at = 0
        self._revision = 0
        self._legacy = NOTHING
        self._payload = b""
        self._sent_changes = -1
        self._refresh_at = 0

    def won(self, now: int, epoch: int) -> list[HandoverOutput]:
        """The lease was won."""
        self.epoch, self.written_changes = epoch, -1
        return self._read(now, _Phase.READING)

    def lost(self) -> None:
        """The term is over. Answers to what was asked in it count no more."""
        self._phase, self._waiting = _Phase.IDLE, False

    def tick(self, now: int, changes: int, document: Callable[[], Legacy]) -> list[HandoverOutput]:
        """Several times a second: `document()` is what is pending now, `changes` grows whenever that is something else."""
        if self._phase is _Phase.IDLE or self._waiting or now < self._again_at:
            return []
        if self._phase is not _Phase.LEADING:
            return self._read(now, self._phase)
        if changes == self.written_changes and now < self._refresh_at:
            return []
        legacy = document()
        payload = pack(legacy)
        if changes == self.written_changes and payload == self._payload:
            self._refresh_at = NEVER  # no cool-down runs: until something changes it stays as it is
            return []
        self._payload, self._sent_changes = payload, changes
        self._refresh_at, self._again_at = now + REFRESH_US, now + SPARED_US * len(legacy.memos)
        return self._write(payload)

    def read(self, now: int, ask: int, revision: int, value: bytes | None) -> list[HandoverOutput]:
        """What the key holds: revision 0 is no key."""
        if ask != self._ask or not self._waiting:
            return []
        self._waiting = False
        legacy = NOTHING if value is None else unpack(value)
        mine = legacy.epoch == self.epoch
        if self._phase is _Phase.READING and legacy.epoch < self.epoch:
            self._revision, self._legacy, self._phase = revision, legacy, _Phase.CLAIMING
            return self._write(pack(Legacy(self.epoch, legacy.memos)))
        if self._phase is _Phase.READING and mine:
            self._legacy = legacy
            return self._claimed(revision)
        if mine:
            self._revision, self._phase = revision, _Phase.LEADING
        elif legacy.epoch > self.epoch:
            self._again_at = now + AGAIN_US
            return [Outdated(legacy.epoch)]
        else:  # the past
            self._again_at = now + AGAIN_US
        return []

    def unread(self, now: int, ask: int) -> list[HandoverOutput]:
        """The key could not be read: asked again soon, and nothing begins before that."""
        if ask == self._ask and self._waiting:
            self._waiting, self._again_at = False, now + AGAIN_US
        return []

    def written(self, now: int, ask: int, revision: int | None) -> list[HandoverOutput]:
        """The revision of what was written; None: refused, or nobody knows."""
        if ask != self._ask or not self._waiting:
            return []
        self._waiting = False
        claiming = self._phase is _Phase.CLAIMING
        if revision is None:
            self.written_changes = -1
            return self._read(now, _Phase.READING if claiming else _Phase.CHECKING)
        if claiming:
            return self._claimed(revision)
        self._revision, self.written_changes = revision, self._sent_changes
        return []

    def _claimed(self, revision: int) -> list[HandoverOutput]:
        self._revision, self._phase = revision, _Phase.LEADING
        return [Begin(self.epoch, self._legacy)]

    def _read(self, now: int, phase: _Phase) -> list[HandoverOutput]:
        self._phase, self._again_at = phase, now
        self._ask, self._waiting = self._ask + 1, True
        return [ReadPending(self._ask)]

    def _write(self, value: bytes) -> list[HandoverOutput]:
        self._ask, self._waiting = self._ask + 1, True
        return [WritePending(self._ask, value, self._revision)]
