"""Messages that must be stored: kept here until the broker says that they are.

A message waits in `_queued`, is sent in a group (`_sent`) while the window allows, and leaves when the group's acknowledgement
comes. What has piled up goes out as one atomic batch (nats-server 2.12 and later, streams with `allow_atomic`): one write and one
sync for all of it instead of one each, which is five times as fast with `sync_interval: always`. Where that is not
allowed every message is a group of its own.

After a broker restart, or when an acknowledgement stays out, everything in `_sent` is sent again, in order and message by message, under
its `Nats-Msg-Id`, which the stream stores once.

When the buffer is full, `room()` blocks; whoever produces asks `full` and waits.
"""

import asyncio
import json
import logging
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import Error as NatsError

from touchline.bus.ending import end
from touchline.ingest.clock import SECOND, Clock

log = logging.getLogger(__name__)

MESSAGE_ID = "Nats-Msg-Id"
BATCH_ID, BATCH_SEQUENCE, BATCH_COMMIT = "Nats-Batch-Id", "Nats-Batch-Sequence", "Nats-Batch-Commit"
"""Headers of an atomic batch (NATS ADR-50)."""
DUPLICATE_IN_BATCH = 10201
"""Error code: a message of the batch is stored already."""
BATCH_DISABLED = 10174
"""Error code: the stream does not take atomic batches."""

GROUP_MESSAGES = 128
GROUP_BYTES = 1 << 20
WINDOW_BATCHES = 16
"""Below the broker's limit of batches begun in one stream (50)."""
WINDOW_MESSAGES = 1024
"""Where every message is a group of its own."""
WINDOW_BYTES = 16 << 20
ACK_TIMEOUT = 5 * SECOND
RETRY = SECOND
WAKE_S = 0.2


class _Message(NamedTuple):
    subject: str
    payload: bytes
    headers: dict[str, str]
    stored: Callable[[], None] | None
    weight: int


_Group = list[_Message]


class DurableSender:
    """A bounded, ordered way into one stream. `run` is unique to this process start and purpose; `what` names it in the log."""

    def __init__(
        self, nc: Client, *, what: str, run: str, clock: Clock, max_messages: int = 20_000, max_bytes: int = 64 << 20
    ) -> None:
        self._nc = nc
        self._what = what
        self._run = run
        self._clock = clock
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self._queued: deque[_Message] = deque()
        self._sent: dict[int, _Group] = {}
        self._sent_bytes = 0
        self._bytes = 0
        self._waiting = 0
        self._messages = 0
        self._groups = 0
        self._batches = 0
        self._atomic = True
        self._progress_at = 0
        self._retry_at = 0
        self._reconnects = 0
        self._wake = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._inbox = ""
        self._subscription: Subscription | None = None
        self._pump: asyncio.Task[None] | None = None
        self.fault = ""
        """Why the broker refuses to store, or empty."""

    @property
    def waiting(self) -> int:
        """Weight of the messages not yet acknowledged as stored."""
        return self._waiting

    @property
    def full(self) -> bool:
        """Whether the producer has to stop."""
        return not self._room.is_set()

    async def start(self) -> None:
        """Listen for acknowledgements and begin to send."""
        self._inbox = self._nc.new_inbox()
        self._subscription = await self._nc.subscribe(f"{self._inbox}.*", cb=self._acknowledged)
        self._reconnects = self._nc.stats["reconnects"]
        self._pump = asyncio.create_task(self._run_pump(), name=self._what)

    async def close(self, timeout_s: float) -> bool:
        """Wait until all is stored, at most `timeout_s`; false where something was left behind."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._idle.wait()
        except TimeoutError:
            log.error("%s: %d messages were not confirmed as stored before the stop", self._what, self.waiting)
        if self._pump is not None:
            await end([self._pump])
        if self._subscription is not None and self._nc.is_connected:
            await self._subscription.unsubscribe()
        return not self.waiting

    def check(self) -> None:
        """Raises the error of a sender that has died of a bug."""
        if self._pump is not None and self._pump.done() and not self._pump.cancelled():
            self._pump.result()

    def send(
        self,
        subject: str,
        payload: bytes,
        headers: dict[str, str],
        stored: Callable[[], None] | None = None,
        *,
        weight: int = 1,
    ) -> None:
        """Take one message. Never blocks and never refuses; `stored` is called once, when it is stored.

        `weight`: how many messages of the bound it counts for.
        """
        self._messages += 1
        headers[MESSAGE_ID] = f"{self._run}-{self._messages}"
        self._queued.append(_Message(subject, payload, headers, stored, weight))
        self._bytes += len(payload)
        self._waiting += weight
        self._idle.clear()
        if self._waiting >= self._max_messages or self._bytes >= self._max_bytes:
            self._room.clear()
        self._wake.set()

    async def room(self) -> None:
        """Wait until the buffer has room again."""
        await self._room.wait()

    async def _run_pump(self) -> None:
        while True:
            try:
                async with asyncio.timeout(WAKE_S):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()
            if not self._nc.is_connected:
                continue
            try:
                await self._send(self._clock.now())
            except NatsError as error:  # the connection went away between two messages: they stay in `_sent`
                log.warning("%s: %r; sending again when the broker is back", self._what, error)

    async def _send(self, now: int) -> None:
        if self._must_repeat(now):
            self._progress_at = now
            # One by one: a batch with a single message that is stored already would be refused whole, and what follows
            # would overtake it.
            groups, self._sent = self._sent, {}
            repeat = [(self._enter([message]), message) for group in groups.values() for message in group]
            for number, message in repeat[: 1 if self.fault else None]:
                await self._publish(number, [message])
        window = WINDOW_BATCHES if self._atomic else WINDOW_MESSAGES
        while self._queued and not self.fault and len(self._sent) < window and self._sent_bytes < WINDOW_BYTES:
            if not self._sent:
                self._progress_at = now
            group = self._next_group()
            self._sent_bytes += sum(len(message.payload) for message in group)
            await self._publish(self._enter(group), group)

    def _next_group(self) -> _Group:
        group = [self._queued.popleft()]
        size = len(group[0].payload)
        while self._atomic and self._queued and len(group) < GROUP_MESSAGES:
            size += len(self._queued[0].payload)
            if size > GROUP_BYTES:
                break
            group.append(self._queued.popleft())
        return group

    def _enter(self, group: _Group) -> int:
        self._groups += 1
        self._sent[self._groups] = group
        return self._groups

    def _must_repeat(self, now: int) -> bool:
        reconnects = self._nc.stats["reconnects"]
        if reconnects != self._reconnects:
            self._reconnects = reconnects
            return bool(self._sent)
        if not self._sent:
            return False
        if self.fault:
            return now >= self._retry_at
        return now - self._progress_at >= ACK_TIMEOUT

    async def _publish(self, number: int, group: _Group) -> None:
        reply = f"{self._inbox}.{number}"
        if len(group) == 1:
            (message,) = group
            await self._nc.publish(message.subject, message.payload, reply=reply, headers=message.headers)
            return
        self._batches += 1
        batch = (
            f"{self._run}-{self._batches}"  # never used twice: the broker may still hold the beginning of a broken one
        )
        for index, message in enumerate(group, start=1):
            headers = message.headers | {BATCH_ID: batch, BATCH_SEQUENCE: str(index)}
            last = index == len(group)
            if last:
                headers[BATCH_COMMIT] = "1"
            await self._nc.publish(message.subject, message.payload, reply=reply if last else "", headers=headers)

    async def _acknowledged(self, msg: Msg) -> None:
        number = int(msg.subject.rpartition(".")[2])
        group = self._sent.get(number)
        if group is None:
            return  # sent twice, and acknowledged before
        problem, code, batched = _answer(msg)
        if len(group) > 1 and (code in {DUPLICATE_IN_BATCH, BATCH_DISABLED} or (not problem and not batched)):
            await self._send_singly(number, group, atomic=code == DUPLICATE_IN_BATCH)
        elif problem:
            self._refused(problem)
        else:
            self._settle(number, group)

    async def _send_singly(self, number: int, group: _Group, *, atomic: bool) -> None:
        """This group cannot be a batch: each of its messages becomes a group of its own, in its place."""
        self._atomic = self._atomic and atomic
        groups, self._sent = self._sent, {}
        singles: list[tuple[int, _Message]] = []
        for other, waiting in groups.items():
            if other == number:
                singles = [(self._enter([message]), message) for message in group]
            else:
                self._sent[other] = waiting
        for single, message in singles:
            if single in self._sent:
                await self._publish(single, [message])

    def _settle(self, number: int, group: _Group) -> None:
        """Stored: forget it."""
        del self._sent[number]
        for message in group:
            self._sent_bytes -= len(message.payload)
            self._bytes -= len(message.payload)
            self._waiting -= message.weight
            if message.stored is not None:
                message.stored()
        self._progress_at = self._clock.now()
        if self.fault:
            log.warning("%s: the broker stores again; %d messages had to wait", self._what, self.waiting)
            self.fault = ""
            self._progress_at = -ACK_TIMEOUT  # what was refused meanwhile goes out again at once
        if self._waiting <= self._max_messages // 2 and self._bytes <= self._max_bytes // 2:
            self._room.set()
        if not self._waiting:
            self._idle.set()
        self._wake.set()

    def _refused(self, problem: str) -> None:
        self._retry_at = self._clock.now() + RETRY
        if problem != self.fault:
            log.error(
                "%s: the broker does not store it: %s. %d messages wait here; free disk space or raise the stream's limit",
                self._what,
                problem,
                self.waiting,
            )
            self.fault = problem


def _answer(msg: Msg) -> tuple[str, int, bool]:
    """What a publish acknowledgement complains of (empty: stored), its error code, and whether it is that of a batch."""
    if msg.headers and msg.headers.get("Status") == "503":
        return "the stream does not exist", 0, False
    try:
        answer = json.loads(msg.data)
    except ValueError:
        return f"an answer that is not JSON: {msg.data[:80]!r}", 0, False
    error = answer.get("error")
    if error is None:
        return "", 0, "batch" in answer
    return str(error.get("description", error)), int(error.get("err_code", 0)), False
