"""Everything that a node publishes, on one connection, in one order.

Inputs are taken in synchronously and put their outputs here; one task writes them, after each turn of the loop, in the order in which
they were made. So a shard's updates leave in sequence, its beats never overtake them, and many outputs share one system call.

What speaks for a shard is checked against its lease once more when it is written, with a fresh clock. Nothing is kept for a broker
that is away: prices of then are worth nothing later, and readers see the hole in the sequence.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from nats.aio.client import Client
from nats.errors import Error as NatsError

from touchline.desk.outputs import Append
from touchline.desk.store import BetStore

log = logging.getLogger(__name__)

CHECKED_FOR_US = 10_000
"""A lease that was valid is asked again after this time within one run of the writer."""
MAX_WAITING = 200_000

Valid = Callable[[int], bool]


class _Letter(NamedTuple):
    subject: str
    payload: bytes
    reply: str
    valid: Valid | None


class _Record(NamedTuple):
    store: BetStore
    append: Append


class Outbox:
    """One node's. `put` and `append` may be called at any time; `run` writes until it is cancelled."""

    def __init__(self, nc: Client, clock: Callable[[], int]) -> None:
        self._nc = nc
        self._clock = clock
        self._waiting: deque[_Letter | _Record] = deque()
        self._wake = asyncio.Event()
        self.dropped = 0
        """Messages that were not sent: the broker was away, or the lease had lapsed."""

    def put(self, subject: str, payload: bytes, *, reply: str = "", valid: Valid | None = None) -> None:
        """Publish; with `valid`, only if that says so at the time of writing."""
        if len(self._waiting) >= MAX_WAITING:
            self.dropped += 1
            return
        self._waiting.append(_Letter(subject, payload, reply, valid))
        self._wake.set()

    def append(self, store: BetStore, append: Append) -> None:
        """Hand a record to its store, in order with the rest."""
        self._waiting.append(_Record(store, append))
        self._wake.set()

    async def run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self.write()

    async def write(self) -> None:
        """Write what is waiting."""
        checked: dict[Valid, bool] = {}
        at = self._clock()
        while self._waiting:
            item = self._waiting.popleft()
            if isinstance(item, _Record):
                await item.store.send(item.append)
                continue
            if item.valid is not None:
                now = self._clock()
                if now - at > CHECKED_FOR_US:
                    checked.clear()
                    at = now
                valid = checked.get(item.valid)
                if valid is None:
                    valid = checked[item.valid] = item.valid(now)
                if not valid:
                    self.dropped += 1
                    continue
            if not self._nc.is_connected:
                self.dropped += 1
                continue
            try:
                await self._nc.publish(item.subject, item.payload, reply=item.reply)
            except NatsError as error:
                self.dropped += 1
                log.warning("cannot publish on %s: %r", item.subject, error)
