"""The reception that runs for a feed: begun, and made anew whenever what it is made of has changed."""

import asyncio
import logging
from random import Random

from touchline.bus.settings import Settings, SettingsError, read_secret
from touchline.domain.status import ProviderState
from touchline.feeds.errors import FeedSetupError
from touchline.feeds.registry import adapter_for
from touchline.ingest.capture import Capture
from touchline.ingest.clock import Clock
from touchline.ingest.declaration import Declared
from touchline.ingest.feed import ProviderFeed
from touchline.ingest.reception import Reception

log = logging.getLogger(__name__)


class Receiver:
    """At most one reception at a time. `run_id` names the process; its receptions are numbered from the second on."""

    def __init__(self, settings: Settings, provider: str, capture: Capture, clock: Clock, *, run_id: str) -> None:
        self._settings = settings
        self._provider = provider
        self._capture = capture
        self._clock = clock
        self._run_id = run_id
        self._number = 0
        self._declared: Declared | None = None
        self._secret: dict[str, str] | None = None
        self._task: asyncio.Task[None] | None = None
        self._halt = asyncio.Event()
        self.reception: Reception | None = None
        self.retry = False
        """Whether it could not be begun for a reason that may go away by itself: try again."""

    async def agree(self, feed: ProviderFeed, declared: Declared) -> str:
        """Receive as declared. Returns why that cannot be; empty: it is so, or under way."""
        before = self._declared
        if (
            self.reception is not None
            and before is not None
            and declared.connection == before.connection
            and not self.mended()
        ):
            return ""
        await self.stop()
        self.retry = False
        self._declared, reference = declared, declared.spec.credentials_secret_ref
        try:
            self._secret = read_secret(self._settings, reference.name) if reference is not None else None
            adapter = adapter_for(declared.spec, lambda name: read_secret(self._settings, name), Random(self._run_id))
        except (FeedSetupError, SettingsError) as error:
            self.retry = True
            return f"FeedProvider {self._provider!r} cannot run: {error}"
        feed.restart(ProviderState.DISCONNECTED, "connecting")
        self._halt = asyncio.Event()
        # Connections of different receptions must not share a name: raw frames are told apart by it.
        self._number += 1
        name = self._run_id if self._number == 1 else f"{self._run_id}-{self._number}"
        self.reception = Reception(adapter, self._capture, feed, self._clock, run_id=name)
        self._task = asyncio.create_task(self.reception.run(self._halt), name="reception")
        log.info("reception of %s begins (%s)", self._provider, declared.spec.protocol)
        return ""

    async def stop(self) -> None:
        """End the reception that runs, if any, with its connection."""
        if self._task is not None:
            self._halt.set()
            await self._task
        self._task = self.reception = None

    def check(self) -> None:
        """Raises the error of a reception that has died of a bug."""
        if self._task is not None and self._task.done():
            self._task.result()

    def mended(self) -> bool:
        """Whether the provider refused us for good and the Secret has changed since."""
        if self.reception is None or not self.reception.permanent or self._declared is None:
            return False
        reference = self._declared.spec.credentials_secret_ref
        try:
            return reference is not None and read_secret(self._settings, reference.name) != self._secret
        except SettingsError:
            return False

    @property
    def connected(self) -> bool:
        """Whether the provider is connected."""
        return self.reception is not None and self.reception.connected

    @property
    def stall(self) -> str:
        """Why nothing has been read for more than a second; empty while all is well."""
        return self.reception.stall if self.reception is not None else ""
