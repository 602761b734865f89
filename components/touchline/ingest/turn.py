"""Whose turn it is to receive a provider: the lease `ingest.<provider>` as one process holds it or waits for it.

Several processes may serve one provider; one of them receives and publishes, the others are warm. The lease has a broker connection of its
own, so that a renewal never queues behind a flood of raw frames.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Iterable

from nats.aio.client import Client

from touchline.bus.lease import INGEST, LeaseBucket
from touchline.domain.incarnation import incarnation
from touchline.domain.lease import Lease, LeaseOutput, Lost, Read, Won, Write, holder_of
from touchline.ingest.clock import SECOND, Clock

log = logging.getLogger(__name__)

TICK_S = 0.05
POLL_US = 100_000
"""How late a standby notices that the lease was released."""
KEEP_US = 30 * SECOND
"""How long a lost turn's provider connection is kept while nobody else is known to have the turn: through a restart of the broker, no raw
frame is lost."""
GOODBYE_S = 0.5


class Turn:
    """See the module. `changed` is called, from the loop, whenever another answer may be due; `run_id` names this process.

    `able` says whether this process could use its turn: without a connection for its odds it lets the lease lapse.
    """

    def __init__(
        self,
        control: Client,
        provider: str,
        *,
        node: str,
        run_id: str,
        clock: Clock,
        able: Callable[[], bool],
        changed: Callable[[], None],
    ) -> None:
        self._bucket = LeaseBucket(control, INGEST)
        self._provider = provider
        self._run_id = run_id
        self._clock = clock
        self._able = able
        self._changed = changed
        self._lease = Lease(node=node, poll_us=POLL_US)
        self._lost_at = 0
        self._others = False
        self._leaving = False
        self.inc = ""
        """The name of what is published in the present term, or was in the last one."""

    def valid(self) -> bool:
        """Whether it is this process's turn at this instant."""
        return self._lease.valid(self._clock.now())

    def publishes(self, inc: str) -> bool:
        """Whether this process may publish as this incarnation at this instant: asked directly before it does. A term that has ended is
        never continued, not even in the next one of the same process."""
        return inc == self.inc and self.valid()

    @property
    def known(self) -> bool:
        """Whether the lease was read once: from then on this process receives or stands by."""
        return self._lease.known

    @property
    def over(self) -> bool:
        """Whether what a lost turn has left (the connection to the provider) must be put away."""
        return self._lease.taken or self._clock.now() - self._lost_at > KEEP_US

    @property
    def standing_by(self) -> str:
        """What there is to say while it is not this process's turn."""
        return f"standing by: {self._lease.holder or 'nobody'} receives {self._provider}"

    async def run(self) -> None:
        """Take the turn whenever it is free, and keep it; until cancelled."""
        while True:
            now = self._clock.now()
            await self._carry_out(self._lease.tick(now) if self._able() else self._lease.unread(now))
            if self._lease.taken is not self._others:
                self._others = self._lease.taken
                self._changed()
            await asyncio.sleep(TICK_S)

    async def release(self) -> None:
        """Let others have it at once. Bounded: if the broker does not answer, the lease expires."""
        self._leaving = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE_S):
                await self._carry_out(self._lease.release(self._clock.now()))
                while self._lease.asking:  # noqa: ASYNC110 - `run` carries out what was under way
                    await asyncio.sleep(0.005)

    async def nobody_has_it(self) -> bool:
        """Whether the lease is free at this moment."""
        seen = await self._bucket.read(self._provider)
        return seen is not None and not holder_of(seen.value)

    async def _carry_out(self, outputs: Iterable[LeaseOutput]) -> None:
        waiting = deque(outputs)
        while waiting:
            match waiting.popleft():
                case Read():
                    seen = await self._bucket.read(self._provider)
                    now = self._clock.now()
                    waiting += self._lease.unread(now) if seen is None else self._lease.read(now, *seen)
                case Write(value, revision):
                    written = await self._bucket.write(self._provider, value, revision)
                    waiting += self._lease.written(self._clock.now(), written)
                case Won(epoch):
                    self.inc = incarnation(epoch, self._run_id)
                    log.info("it is this process's turn to receive %s (epoch %d)", self._provider, epoch)
                    self._changed()
                case Lost(why):
                    level = logging.INFO if self._leaving else logging.WARNING
                    log.log(level, "it is no longer this process's turn to receive %s: %s", self._provider, why)
                    self._lost_at = self._clock.now()
                    self._changed()
