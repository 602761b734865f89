"""A seat's appends to the stream of decisions, with the rules of `touchline.desk.store`."""

from typing import TYPE_CHECKING

from touchline.bus import subjects
from touchline.desk.outputs import Append
from touchline.desk.records import EPOCH_WORD
from touchline.simulation.scheduler import MILLISECOND
from touchline.simulation.stores import Record, Refused, Stored

if TYPE_CHECKING:
    from touchline.simulation.seat import Seat

SETTLE_US = 500 * MILLISECOND
MAX_WAIT_US = 250 * MILLISECOND
"""A decision that could not be sent within this time of being made is not sent at all."""


class _Sent:
    __slots__ = ("append", "at", "times")

    def __init__(self, append: Append, at: int) -> None:
        self.append = append
        self.at = at
        self.times = 1


class Appends:
    """Sends, and finds out what became of what was not answered."""

    def __init__(self, seat: "Seat") -> None:
        self.seat = seat
        self.open: dict[int, _Sent] = {}
        self._settling_since: int | None = None

    def send(self, append: Append) -> None:
        """Send an append. Ask the lease once more: the process may have stood still since the decision."""
        seat = self.seat
        now = seat.node.clock()
        if not self.authorised(now):
            seat.refused(append.token, "the lease lapsed before the record was sent")
        elif now - append.at > MAX_WAIT_US:
            seat.refused(append.token, "it waited too long to be sent")
        else:
            sent = self.open[append.token] = _Sent(append, now)
            seat.node.pause_if_armed(sending=True)
            seat.node.effect(self.publish, sent)

    def authorised(self, now: int) -> bool:
        return self.seat.lease.valid(now)

    def publish(self, sent: _Sent) -> None:
        node = self.seat.node
        if not node.control.up:
            return  # settled when the broker is back
        append, stream = sent.append, self.seat.stream
        fence = (subjects.bets(EPOCH_WORD, self.seat.shard), append.fence_seq) if append.fence_seq else None

        def operation() -> Stored | Refused:
            return stream.append(
                append.subject, append.record, append.msg_id, expected_last=append.expected_seq, expected_of=fence
            )

        node.broker.ask(node.control, operation, lambda result: self.acknowledged(append.token, result))

    def acknowledged(self, token: int, result: Stored | Refused) -> None:
        sent = self.open.get(token)
        if sent is None:
            return
        self.seat.node.enter()
        if isinstance(result, Stored):
            del self.open[token]
            self.seat.stored(token, result.seq)
        elif sent.times == 1:
            del self.open[token]
            self.seat.refused(token, f"the store refused it: {result.why}")

    def settle(self) -> None:
        """Read the stream where an append should be that has been unanswered for too long."""
        node = self.seat.node
        if not self.open or not node.control.up:
            return
        now = node.clock()
        if self._settling_since is not None and now - self._settling_since < SETTLE_US:
            return
        oldest = next(iter(self.open.values()))
        if now - oldest.at < SETTLE_US:
            return
        self._settling_since = now
        first, stream = oldest.append.expected_seq, self.seat.stream
        node.broker.ask(node.control, lambda: stream.records[first:], self.settled)

    def settled(self, records: list[Record]) -> None:
        self._settling_since = None
        found = {record.seq: record.msg_id for record in records}
        again: list[_Sent] = []
        for token, sent in list(self.open.items()):
            place = sent.append.expected_seq + 1
            if place not in found:
                again.append(sent)
            elif self.open.pop(token, None) is None:
                continue
            elif found[place] == sent.append.msg_id:
                self.seat.stored(token, place)
            else:
                self.seat.refused(token, f"record {place} is somebody else's")
        now = self.seat.node.clock()
        if not self.authorised(now):
            return
        for sent in again:
            if sent.append.token in self.open:
                sent.at, sent.times = now, sent.times + 1
                self.seat.node.effect(self.publish, sent)

    def abandon(self) -> None:
        """This node does not lead any more, and follows the stream instead."""
        self.open.clear()
