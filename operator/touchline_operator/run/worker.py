"""The queue's shell: workers that take keys, reconcile them, and say how it went."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable

from touchline_operator.errors import Gone, Leaving, NotAuthorised, Permanent, Transient
from touchline_operator.run.metrics import Metrics
from touchline_operator.run.queue import Queue
from touchline_operator.world.keys import Key

log = logging.getLogger(__name__)

IDLE_S = 0.5


class Workers:
    """Run `run` beside; `add` from anywhere in the same loop. `clock` is monotonic, in microseconds."""

    def __init__(self, clock: Callable[[], int], metrics: Metrics) -> None:
        self._clock = clock
        self._metrics = metrics
        self.queue = Queue()
        self.on_gone: Callable[[], None] = _nothing
        """Called where an object that we know turns out not to be there."""
        self._news = asyncio.Event()

    def add(self, keys: Iterable[Key], delay_us: int = 0) -> None:
        """Look at these keys."""
        self.queue.add(self._clock(), keys, delay_us=delay_us)
        self._news.set()

    async def run(self, reconcile: Callable[[Key], Awaitable[int | None]], *, count: int) -> None:
        """Work until cancelled. An exception that is none of the operator's own is a bug and ends it.

        Raises:
            Exception: a bug.
        """
        async with asyncio.TaskGroup() as group:
            for number in range(count):
                group.create_task(self._work(reconcile), name=f"worker {number}")

    async def _work(self, reconcile: Callable[[Key], Awaitable[int | None]]) -> None:
        while True:
            key = self.queue.take(self._clock())
            if key is None:
                await self._wait()
                continue
            await self._handle(key, reconcile)

    async def _wait(self) -> None:
        due = self.queue.next_due()
        seconds = IDLE_S if due is None else min(IDLE_S, max(0.0, (due - self._clock()) / 1e6))
        self._news.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            pass  # something may be due by now

    async def _handle(self, key: Key, reconcile: Callable[[Key], Awaitable[int | None]]) -> None:
        began, result, again, failed = self._clock(), "ok", None, False
        try:
            again = await reconcile(key)
        except NotAuthorised:
            result, failed = "standby", True
        except Gone as error:
            result, failed = "gone", True
            log.info("%s: %s", key, error)
            self.on_gone()
        except Leaving as error:
            result, failed = "leaving", True
            log.info("%s: %s", key, error)
        except Transient as error:
            result, failed = "retry", True
            log.warning("%s: %s; trying again", key, error)
        except Permanent as error:
            # It will not help to try at once; but somebody may mend it without touching the object.
            result, failed = "refused", True
            log.error("%s: %s", key, error)
        finally:
            now = self._clock()
            self.queue.done(now, key, failed=failed, again_us=again)
            self._metrics.reconciles.labels(key.kind, result).inc()
            self._metrics.seconds.labels(key.kind).observe((now - began) / 1e6)


def _nothing() -> None:
    pass
