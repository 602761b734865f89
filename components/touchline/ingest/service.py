"""The ingest process: config in, one feed running as declared, beats and status out.

Every part that can fail for outside reasons (no such FeedProvider, a Secret that is not mounted, an endpoint that refuses) ends in a
state that is beaten and written to the status, with what to do, and is tried again; only a bug ends the process.
"""

import asyncio
import logging
from collections.abc import Iterable, Iterator
from random import Random
from secrets import token_hex
from typing import TYPE_CHECKING

import msgspec
from nats.aio.client import Client
from nats.aio.msg import Msg

from touchline.bus import subjects
from touchline.bus.config import Change, watch_config
from touchline.bus.connection import connect_unless_stopped
from touchline.bus.ending import end
from touchline.bus.health_port import HealthPort, answering
from touchline.bus.messages import decode_probe, decode_resync_request
from touchline.bus.settings import Settings, SettingsError, read_secret
from touchline.bus.status import StatusWriter
from touchline.domain.status import ProviderState
from touchline.feeds.errors import FeedSetupError
from touchline.feeds.registry import adapter_for
from touchline.ingest.capture import Capture
from touchline.ingest.clock import Clock
from touchline.ingest.declaration import Declarations, Declared
from touchline.ingest.durable import DurableSender
from touchline.ingest.feed import ProviderFeed
from touchline.ingest.figures import figures
from touchline.ingest.identities import Identities
from touchline.ingest.reception import Reception
from touchline.ingest.registry import Registry
from touchline.ingest.report import report

if TYPE_CHECKING:
    from prometheus_client.core import Metric

log = logging.getLogger(__name__)

BEAT_S = 0.09
"""A little under the 100 ms that are promised: a late turn of the loop must not break the promise."""
STATUS_S = 1.0
SETUP_RETRY_S = 2.0
CLOSE_S = 5.0
QUARANTINE_MESSAGES = 5_000
NO_BROKER = "the broker is not connected"


class Service:
    """One provider's ingest on an open broker connection."""

    def __init__(self, nc: Client, settings: Settings, provider: str, clock: Clock) -> None:
        self._nc = nc
        self._settings = settings
        self._provider = provider
        self._clock = clock
        self.run_id = token_hex(6)
        self._declarations = Declarations(provider)
        self._declared: Declared | None = None
        self._changed = asyncio.Event()
        self.capture = Capture(nc, provider, run=self.run_id, clock=clock)
        self._quarantine = DurableSender(
            nc,
            what=f"quarantine of {provider}",
            run=f"{self.run_id}-q",
            clock=clock,
            max_messages=QUARANTINE_MESSAGES,
        )
        self._identities = Identities(nc, Registry(nc, clock, by=f"ingest {provider}"), provider)
        self.feed: ProviderFeed | None = None
        self._reception: Reception | None = None
        self._receiving: asyncio.Task[None] | None = None
        self._halt = asyncio.Event()
        self._connection = ""
        self._secret: dict[str, str] | None = None
        self._retry_setup = False
        self._whole = False
        self.waiting = f"reading the configuration of {provider}"
        """Why no feed runs; empty while one does."""

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set, then stop cleanly.

        Raises:
            Exception: a task died of a bug.
        """
        await self.capture.sender.start()
        await self._quarantine.start()
        self._identities.start()
        await self._nc.subscribe(subjects.all_probes(), cb=self._on_probe)
        await self._nc.subscribe(subjects.resync(self._provider), cb=self._on_resync)
        tasks = [
            asyncio.create_task(self._watch(), name="config"),
            asyncio.create_task(self._follow(), name="declaration"),
            asyncio.create_task(self._beats(), name="beats"),
            asyncio.create_task(self._statuses(), name="status"),
        ]
        stopping = asyncio.create_task(stop.wait(), name="stop")
        try:
            await asyncio.wait({*tasks, stopping}, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                if task.done():
                    task.result()
        finally:
            await end([*tasks, stopping])
            await self._close()

    async def _close(self) -> None:
        log.info("stopping")
        await self._stop_receiving()
        if self.feed is not None:
            self.feed.state.session(self._clock.now(), ProviderState.DISCONNECTED, "ingest is stopping")
            self.feed.beat()
            await self.feed.flush()
        await self._identities.close()
        await self.capture.close(CLOSE_S)
        await self._quarantine.close(1.0)
        self.waiting = "stopped"
        await self._write_status(StatusWriter(self._nc, f"ingest.{self._provider}"))

    def unready(self) -> list[str]:
        """Why this process could not receive at this moment; empty: it could. A provider that is away is told in the status instead: a
        rollout must not wait for it."""
        reasons = [] if self._nc.is_connected else [NO_BROKER]
        if not self._whole:
            reasons.append("the configuration is not read yet")
        return reasons

    def figures(self) -> "Iterator[Metric]":
        """Its figures for a scrape."""
        return figures(
            self._clock.now(),
            ready=not self.unready(),
            broker=self._nc.is_connected,
            connected=self._reception is not None and self._reception.connected,
            capture=self.capture,
            feed=self.feed,
        )

    # What is declared

    async def _watch(self) -> None:
        async for change in watch_config(self._nc):
            if isinstance(change, Change):
                # Before everything is there, a provider would be run without the maps that come after it.
                if self._declarations.change(change.key, change.value) and self._whole:
                    self._changed.set()
            else:
                self._whole = True
                self._declarations.keep(change.keys)
                self._changed.set()

    async def _follow(self) -> None:
        """Make what runs agree with what is declared, after each change and while something is missing."""
        while True:
            try:
                async with asyncio.timeout(SETUP_RETRY_S):
                    await self._changed.wait()
            except TimeoutError:
                self._identities.check()
                self.capture.sender.check()
                self._quarantine.check()
                if self._receiving is not None and self._receiving.done():
                    self._receiving.result()
                if not self._retry_setup and not self._secret_mended():
                    continue
            self._changed.clear()
            await self._agree()

    async def _agree(self) -> None:
        declared = self._declarations.read()
        if isinstance(declared, str):
            await self._withdraw(declared)
            return
        if not self._declarations.shards:
            await self._withdraw(
                "there is no OddsEngine that says how many shards there are; waiting for it to be applied"
            )
            return
        if self._declared is None or declared.problems != self._declared.problems:
            for problem in declared.problems:
                log.warning("%s", problem)
        self._declared = declared
        if self.feed is None:
            self.feed = ProviderFeed(
                self._nc,
                self._provider,
                run_id=self.run_id,
                shards=self._declarations.shards,
                clock=self._clock,
                entities=declared.entities,
                coverage=declared.coverage,
                thresholds=declared.thresholds,
                identities=self._identities,
                quarantine=self._quarantine,
            )
        else:
            self.feed.configure(declared.entities, declared.coverage, declared.thresholds)
            await self.feed.flush()
        if declared.connection != self._connection or self._secret_mended() or self._reception is None:
            await self._connect(self.feed, declared)

    async def _connect(self, feed: ProviderFeed, declared: Declared) -> None:
        """Start receiving, with a new adapter."""
        await self._stop_receiving()
        self._retry_setup = False
        reference = declared.spec.credentials_secret_ref
        try:
            self._secret = read_secret(self._settings, reference.name) if reference is not None else None
            adapter = adapter_for(declared.spec, lambda name: read_secret(self._settings, name), Random(self.run_id))
        except (FeedSetupError, SettingsError) as error:
            await self._withdraw(f"FeedProvider {self._provider!r} cannot run: {error}")
            self._retry_setup = True
            return
        self.waiting = ""
        self._connection = declared.connection
        feed.restart(ProviderState.DISCONNECTED, "connecting")
        self._halt = asyncio.Event()
        self._reception = Reception(adapter, self.capture, feed, self._clock, run_id=self.run_id)
        self._receiving = asyncio.create_task(self._reception.run(self._halt), name="reception")
        log.info("reception of %s begins (%s)", self._provider, declared.spec.protocol)

    async def _withdraw(self, why: str) -> None:
        """Nothing can run: say so, stop what runs, and withdraw what it told."""
        if why != self.waiting:
            log.warning("%s", why)
        self.waiting = why
        await self._stop_receiving()
        self._connection = ""
        if self.feed is not None:
            self.feed.restart(ProviderState.DISCONNECTED, why)
            await self.feed.flush()

    async def _stop_receiving(self) -> None:
        if self._receiving is not None:
            self._halt.set()
            await self._receiving
        self._receiving = self._reception = None

    def _secret_mended(self) -> bool:
        """Whether the provider refused us for good and the Secret has changed since."""
        if self._reception is None or not self._reception.permanent or self._declared is None:
            return False
        reference = self._declared.spec.credentials_secret_ref
        try:
            return reference is not None and read_secret(self._settings, reference.name) != self._secret
        except SettingsError:
            return False

    # What is told

    async def _beats(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            if self.feed is not None:
                fault, stall = self.capture.sender.fault, self._reception.stall if self._reception else ""
                self.feed.state.hold = f"raw capture: {fault}" if fault else stall
                self.feed.tick()
                self.feed.beat()
                await self.feed.flush()
            due = max(due + BEAT_S, loop.time())
            await asyncio.sleep(due - loop.time())

    async def _statuses(self) -> None:
        writer = StatusWriter(self._nc, f"ingest.{self._provider}")
        while True:
            await self._write_status(writer)
            await asyncio.sleep(STATUS_S)

    async def _write_status(self, writer: StatusWriter) -> None:
        await writer.put(
            report(
                provider=self._provider,
                node=self._settings.node,
                run_id=self.run_id,
                now=self._clock.now(),
                wall=self._clock.wall(),
                waiting=self.waiting,
                declared=self._declared,
                feed=self.feed,
                reception=self._reception,
                capture=self.capture,
                quarantine=self._quarantine,
            )
        )

    async def _on_probe(self, msg: Msg) -> None:
        if self.feed is not None:
            try:
                self.feed.probed(decode_probe(msg.data))
            except msgspec.DecodeError as error:
                log.warning("%s: %s", msg.subject, error)

    async def _on_resync(self, msg: Msg) -> None:
        if self.feed is None:
            return
        try:
            request = decode_resync_request(msg.data)
        except msgspec.DecodeError as error:
            log.warning("%s: %s", msg.subject, error)
            return
        if self.feed.resync(request):
            log.info("resync of shard %d for %s", request.shard, request.node)
            await self.feed.flush()


async def serve(
    settings: Settings, provider: str, clock: Clock, stop: asyncio.Event, *, health: HealthPort | None = None
) -> None:
    """Connect to the broker and serve one provider until `stop` is set.

    Raises:
        touchline.bus.connection.BrokerUnreachable: no broker.
        touchline.bus.process.Fatal: the health port is taken.
    """
    service: Service | None = None

    def unready() -> list[str]:
        return service.unready() if service is not None else [NO_BROKER]

    def figures_now() -> "Iterable[Metric]":
        return service.figures() if service is not None else ()

    async with answering(health, unready, figures_now):
        nc = await connect_unless_stopped(settings, stop, name=f"ingest-{provider}")
        if nc is None:
            return
        try:
            service = Service(nc, settings, provider, clock)
            await service.run(stop)
        finally:
            await nc.close()
