"""Bugs in what is stored, and in believing it."""

from touchline.simulation.appends import SETTLE_US, Appends
from touchline.simulation.bugs.bug import Bug
from touchline.simulation.patching import Patch
from touchline.simulation.stores import Bucket, Refused, Stored, Stream


def _no_fencing() -> list[Patch]:
    right = Stream.append

    def append(
        self: Stream,
        subject: str,
        payload: bytes,
        msg_id: str,
        *,
        expected_last: int | None = None,  # noqa: ARG001 - the bug
        expected_of: tuple[str, int] | None = None,  # noqa: ARG001 - the bug
    ) -> Stored | Refused:
        return right(self, subject, payload, msg_id)

    return [Patch(Stream, "append", append)]


def _acknowledged_before_sync() -> list[Patch]:
    return [Patch(Stream, "lazy", True)]


def _unknown_is_success() -> list[Patch]:
    def settle(self: Appends) -> None:
        now = self.seat.node.clock()
        for token, sent in list(self.open.items()):
            if now - sent.at >= SETTLE_US and self.open.pop(token, None) is not None:
                self.seat.stored(token, sent.append.expected_seq + 1)

    return [Patch(Appends, "settle", settle)]


def _lease_without_compare() -> list[Patch]:
    def write(self: Bucket, key: str, value: bytes, revision: int) -> int | None:  # noqa: ARG001 - the bug
        return self.put(key, value)

    return [Patch(Bucket, "write", write)]


STORE_BUGS = (
    Bug("no-fencing", "the store takes every append, whoever leads by now", _no_fencing),
    Bug(
        "acknowledged-before-sync",
        "the store acknowledges decisions that a crash still takes",
        _acknowledged_before_sync,
    ),
    Bug("unknown-is-success", "an append without an answer counts as stored", _unknown_is_success),
    Bug("lease-without-compare", "leases are written without compare-and-set", _lease_without_compare),
)
