"""Bugs in who leads."""

from weakref import WeakKeyDictionary

import msgspec

from touchline.domain.lease import Lease, LeaseOutput, Write, _Asked, _encode
from touchline.simulation.book_node import BookNode
from touchline.simulation.bugs.bug import Bug
from touchline.simulation.patching import Patch

IMPATIENT_US = 400_000


def _taken_early() -> list[Patch]:
    right = Lease._may_take

    def may_take(self: Lease, now: int) -> bool:
        return right(self, now) or (self._known and now >= self._not_before and now - self._since >= IMPATIENT_US)

    return [Patch(Lease, "_may_take", may_take)]


def _holder_ignores_expiry() -> list[Patch]:
    def valid(self: Lease, now: int) -> bool:  # noqa: ARG001 - the bug
        return self._holding

    def lapse(self: Lease, now: int) -> list[LeaseOutput]:  # noqa: ARG001 - the bug
        return []

    return [Patch(Lease, "valid", valid), Patch(Lease, "_lapse", lapse)]


def _pause_not_noticed() -> list[Patch]:
    """Authority is judged by the time of the last tick, as a loop does that reads the clock once a turn."""
    right_tick, right_valid = Lease.tick, Lease.valid
    ticked: WeakKeyDictionary[Lease, int] = WeakKeyDictionary()

    def tick(self: Lease, now: int) -> list[LeaseOutput]:
        ticked[self] = now
        return right_tick(self, now)

    def valid(self: Lease, now: int) -> bool:
        return right_valid(self, ticked.get(self, now))

    def enter(self: BookNode) -> None:
        self.turned_at = self.clock()

    return [Patch(Lease, "tick", tick), Patch(Lease, "valid", valid), Patch(BookNode, "enter", enter)]


def _epoch_not_raised() -> list[Patch]:
    right = Lease._write

    def write(self: Lease, now: int, asked: _Asked) -> Write:
        output = right(self, now, asked)
        if asked is not _Asked.TAKE or self._written_value.epoch == 1:
            return output
        self._written_value = msgspec.structs.replace(self._written_value, epoch=self._written_value.epoch - 1)
        return Write(_encode(self._written_value), output.revision)

    return [Patch(Lease, "_write", write)]


def _released_but_leading() -> list[Patch]:
    def release(self: Lease, now: int) -> list[LeaseOutput]:
        self._not_before = now + self._ttl
        return [self._write(now, _Asked.RELEASE)] if self._holding and not self.asking else []

    return [Patch(Lease, "release", release)]


LEASE_BUGS = (
    Bug("lease-taken-early", "a candidate takes the lease before its holder must have stopped", _taken_early),
    Bug("holder-ignores-expiry", "a holder that cannot renew goes on leading", _holder_ignores_expiry),
    Bug("pause-not-noticed", "a paused leader acts on the time of its last tick when it wakes", _pause_not_noticed),
    Bug("epoch-not-raised", "a takeover continues the epoch of the leader before", _epoch_not_raised),
    Bug("released-but-leading", "a leader hands the lease over and goes on leading", _released_but_leading),
)
