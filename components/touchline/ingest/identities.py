"""Look-ups of events beside the hot path: a bounded number at a time, tried again until answered."""

import asyncio
import logging
from collections.abc import Callable

from nats.aio.client import Client
from nats.errors import Error as NatsError

from touchline.bus.ending import end
from touchline.bus.trouble import Trouble
from touchline.ingest.event_records import Resolved
from touchline.ingest.identity import Ambiguous
from touchline.ingest.registry import Registry, RegistryUnavailable, watch_pointers
from touchline.ingest.results import LookUp

log = logging.getLogger(__name__)

WORKERS = 16
RETRY_S = 0.5


def _nobody(*_: object) -> None:
    """Before a feed has taken its place."""


class Identities:
    """Asks the registry, and watches for what people change in it. Answers go to `answered` and `moved`."""

    def __init__(self, nc: Client, registry: Registry, provider: str) -> None:
        self._nc = nc
        self._registry = registry
        self._provider = provider
        self._queue: asyncio.Queue[LookUp] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []
        self._failing = False
        self.answered: Callable[[str, Resolved | Ambiguous | None], None] = _nobody
        self.moved: Callable[[str, str], None] = _nobody

    def start(self) -> None:
        """Begin to work."""
        self._tasks = [asyncio.create_task(self._work(), name=f"identity look-ups {n}") for n in range(WORKERS)]
        self._tasks.append(asyncio.create_task(self._watch(), name="identity changes"))

    async def close(self) -> None:
        """Stop; what is not answered stays unanswered."""
        await end(self._tasks)

    def detach(self) -> None:
        """Nobody waits for answers any more."""
        self.answered = self.moved = _nobody

    def ask(self, look_up: LookUp) -> None:
        """Queue a look-up. The pipeline has at most one under way for each event, which bounds the queue."""
        self._queue.put_nowait(look_up)

    def check(self) -> None:
        """Raises the error of a worker that has died of a bug."""
        for task in self._tasks:
            if task.done() and not task.cancelled():
                task.result()

    async def _work(self) -> None:
        while True:
            look_up = await self._queue.get()
            try:
                outcome = await self._registry.resolve(look_up.view)
            except RegistryUnavailable as error:
                if not self._failing:
                    log.warning("events cannot be identified: %s; trying again", error)
                self._failing = True
                await asyncio.sleep(RETRY_S)
                self.answered(look_up.key, None)
                continue
            self._failing = False
            self.answered(look_up.key, outcome)

    async def _watch(self) -> None:
        trouble = Trouble(log)
        while True:
            try:
                async for native_event, internal in watch_pointers(self._nc, self._provider):
                    trouble.over()
                    self.moved(native_event, internal)
            except (NatsError, TimeoutError, OSError) as error:
                trouble.tell(f"cannot watch the identities of events: {error!r}; trying again")
            await asyncio.sleep(RETRY_S)
