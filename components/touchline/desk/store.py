"""A shard's stream of decisions: appending to it under its fences, and reading it in order.

    append   Nats-Expected-Last-Sequence            the stream ends where the writer thinks
             Nats-Expected-Last-Subject-Sequence    … and its last epoch record is the writer's own (the fence: numbers alone
                                                    can fit by chance when several appends are on their way)
    unknown  no acknowledgement within `SETTLE_US`: the stream is read at that place; what is there decides. Only where nothing is
             there yet is the same record sent again, with the same fences, so that it is stored once or not at all.

The server checks the sequence before it looks for duplicates (2.15): a record that was sent twice may be refused although it is stored.
So a refusal counts only for what was sent once; else the stream is asked.

On a stream of one replica appends are sent without waiting for one another. A replicated stream refuses an append while another one
under the same fence is on its way to the replicas (2.15: "wrong last sequence"). There one group at a time is on its way, as one atomic
batch (NATS ADR-50) under the fences of its first; what is decided meanwhile makes up the next group.
"""

import json
import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from touchline.bus import subjects
from touchline.bus.stream_reader import StreamReader, Unreadable
from touchline.desk.outputs import Append
from touchline.desk.records import EPOCH_WORD

log = logging.getLogger(__name__)

SETTLE_US = 500_000
MAX_WAIT_US = 250_000
"""A decision that could not be sent within this time of being made is not sent at all: its price may be old."""
READ_BATCH = 256
MOST_IN_GROUP = 256
"""Records in one atomic batch; the broker takes up to 1,000."""

Stored = Callable[[int, int], None]
Refused = Callable[[int, str], None]


class _Error(msgspec.Struct):
    description: str = ""
    code: int = 0


class _Ack(msgspec.Struct):
    """JetStream's answer to a publish."""

    seq: int = 0
    error: _Error | None = None


_decode_ack = msgspec.json.Decoder(_Ack).decode


@dataclass(slots=True)
class _Sent:
    append: Append
    at: int
    group: tuple[int, ...]
    """Tokens that share its fate and its acknowledgement, in order."""
    times: int = 1


class BetStore:
    """One shard's appends. `stored(token, seq)` and `refused(token, why)` are called for each, once, unless it is abandoned."""

    def __init__(
        self,
        nc: Client,
        *,
        shard: int,
        clock: Callable[[], int],
        authorised: Callable[[int], bool],
        reader: StreamReader,
        stored: Stored,
        refused: Refused,
    ) -> None:
        self._nc = nc
        self._shard = shard
        self._clock = clock
        self._authorised = authorised
        self._reader = reader
        self._stored, self._refused = stored, refused
        self._open: dict[int, _Sent] = {}
        self._queued: deque[Append] = deque()
        self._groups = 0
        self.one_at_a_time = True
        """Whether a group waits for the one before it. False only for a stream that is known not to be replicated."""
        self._stream = subjects.bets_stream(shard)
        self._fence_subject = subjects.bets(EPOCH_WORD, shard)
        self._inbox = ""
        self._settling = False

    @property
    def unsettled(self) -> int:
        """Appends whose fate is not known yet."""
        return len(self._open) + len(self._queued)

    async def start(self) -> None:
        """Listen for acknowledgements."""
        self._inbox = self._nc.new_inbox()
        await self._nc.subscribe(f"{self._inbox}.*", cb=self._acknowledged)

    async def send(self, append: Append) -> None:
        """Send an append, behind those that still wait for the stream."""
        self._queued.append(append)
        await self._send_queued()

    async def settle(self) -> None:
        """Find out what became of appends that are unanswered for too long. Call it often; it returns at once if there are none."""
        if self._settling or not self._open or not self._nc.is_connected:
            return
        oldest = next(iter(self._open.values()))
        if self._clock() - oldest.at < SETTLE_US:
            return
        self._settling = True
        try:
            await self._settle_from(oldest.append.expected_seq + 1)
        except Unreadable as error:
            log.warning("shard %d: cannot settle %d appends: %s", self._shard, len(self._open), error)
        finally:
            self._settling = False

    def abandon(self) -> None:
        """Forget what is open: this node does not lead any more, and follows the stream instead."""
        self._open.clear()
        self._queued.clear()

    async def _send_queued(self) -> None:
        """Ask the lease once more, with a fresh clock: the process may have stood still since the decision."""
        while self._queued and not (self.one_at_a_time and self._open):
            now, oldest = self._clock(), self._queued[0]
            if not self._authorised(now):
                self._queued.popleft()
                self._refused(oldest.token, "the lease lapsed before the record was sent")
            elif now - oldest.at > MAX_WAIT_US:
                self._queued.popleft()
                self._refused(oldest.token, f"the decision waited {(now - oldest.at) // 1000} ms to be sent")
            else:
                count = min(len(self._queued), MOST_IN_GROUP) if self.one_at_a_time else 1
                appends = [self._queued.popleft() for _ in range(count)]
                tokens = tuple(append.token for append in appends)
                group = [_Sent(append, now, tokens) for append in appends]
                self._open |= {sent.append.token: sent for sent in group}
                await self._publish(group)

    async def _publish(self, group: Sequence[_Sent]) -> None:
        """One record by itself, several as one atomic batch. The answer names the first one's token."""
        if not self._nc.is_connected:
            return  # settled when the broker is back: a buffered append would be sent whatever has happened since
        first = group[0].append
        reply = f"{self._inbox}.{first.token}"
        self._groups += 1
        for number, sent in enumerate(group, 1):
            append = sent.append
            headers = {"Nats-Msg-Id": append.msg_id}
            if append is first:
                headers["Nats-Expected-Last-Sequence"] = str(append.expected_seq)
                if append.fence_seq:
                    headers["Nats-Expected-Last-Subject-Sequence"] = str(append.fence_seq)
                    headers["Nats-Expected-Last-Subject-Sequence-Subject"] = self._fence_subject
            if len(group) > 1:
                headers |= {
                    "Nats-Batch-Id": f"{self._inbox[-22:]}.{self._groups}",
                    "Nats-Batch-Sequence": str(number),
                }
            if number == len(group) > 1:
                headers["Nats-Batch-Commit"] = "1"
            try:
                await self._nc.publish(
                    append.subject, append.record, reply=reply if number == len(group) else "", headers=headers
                )
            except NatsError as error:
                log.warning("shard %d: append %d was not sent: %r", self._shard, append.token, error)
                return

    async def _acknowledged(self, msg: Msg) -> None:
        token = int(msg.subject.rpartition(".")[2])
        sent = self._open.get(token)
        if sent is None:
            return
        if not msg.data:  # nobody listens on the subject: the broker is up, its stream is not (yet)
            return
        ack = _decode_ack(msg.data)
        first = sent.append.expected_seq + 1
        if ack.error is None and ack.seq == first + len(sent.group) - 1:
            for place, each in enumerate(sent.group, first):
                if self._open.pop(each, None) is not None:
                    self._stored(each, place)
        elif ack.error is not None and ack.error.code == 400 and sent.times == 1:
            for each in sent.group:
                if self._open.pop(each, None) is not None:
                    self._refused(each, f"the store refused it: {ack.error.description}")
        # Anything else (no leader, no resources, a second copy refused, the word on a group that was sent again as another one) says
        # nothing about what is stored: `settle` will.
        await self._send_queued()

    async def _settle_from(self, first: int) -> None:
        records, more = await self._reader.read(self._stream, first, READ_BATCH)
        found = {record.seq: record.msg_id for record in records}
        again: list[_Sent] = []
        for token, sent in list(self._open.items()):
            place = sent.append.expected_seq + 1
            if place in found:
                self._open.pop(token, None)
                if found[place] == sent.append.msg_id:
                    self._stored(token, place)
                else:
                    self._refused(token, f"record {place} of {self._stream} is somebody else's")
            elif not more:
                again.append(sent)
        now = self._clock()
        if not self._authorised(now):
            return  # what becomes of them is for whoever leads next, and stands in the stream
        again = [sent for sent in again if sent.append.token in self._open]
        for group in [again] if self.one_at_a_time and again else [[sent] for sent in again]:
            tokens = tuple(sent.append.token for sent in group)
            for sent in group:
                sent.at, sent.times, sent.group = now, sent.times + 1, tokens
            await self._publish(group)
        await self._send_queued()


async def stream_facts(nc: Client, shard: int) -> dict[str, Any]:
    """Storage and replicas of a shard's stream, as the broker has them: `{"storage", "replicas"}`.

    Raises:
        Unreadable: the broker did not say.
    """
    name = subjects.bets_stream(shard)
    try:
        reply = await nc.request(f"$JS.API.STREAM.INFO.{name}", b"", timeout=1.0)
    except (NatsError, TimeoutError) as error:
        raise Unreadable(f"no information about the stream {name}: {error!r}") from error
    answer = json.loads(reply.data)
    if "config" not in answer:
        raise Unreadable(f"no information about the stream {name}: {answer.get('error', answer)}")
    return {"storage": answer["config"]["storage"], "replicas": answer["config"]["num_replicas"]}


async def read_all(
    reader: StreamReader, shard: int, start: Callable[[], int], take: Callable[[int, str, bytes], None]
) -> int:
    """Read a shard's stream from `start()` to its end, in order; returns how many records were taken.

    Raises:
        Unreadable: the broker did not answer.
    """
    count, more = 0, True
    while more:
        records, more = await reader.read(subjects.bets_stream(shard), start(), READ_BATCH)
        for record in records:
            take(record.seq, record.subject, record.payload)
        count += len(records)
    return count
