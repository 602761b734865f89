"""The ingest process: config in, one feed running as declared, beats and status out.

Every part that can fail for outside reasons (no such FeedProvider, a Secret that is not mounted, an endpoint that refuses) ends in a
state that is beaten and written to the status, with what to do, and is tried again; only a bug ends the process.
"""

import asyncio
import contextlib
import logging
from collections.abc import Iterator
from secrets import token_hex
from typing import TYPE_CHECKING

import msgspec
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from touchline.bus import subjects
from touchline.bus.config import Change, watch_config
from touchline.bus.ending import end
from touchline.bus.messages import decode_probe, decode_resync_request
from touchline.bus.settings import Settings
from touchline.bus.status import StatusWriter
from touchline.domain.status import ProviderState
from touchline.ingest.capture import Capture
from touchline.ingest.clock import Clock
from touchline.ingest.declaration import Declarations, Declared
from touchline.ingest.durable import DurableSender
from touchline.ingest.feed import ProviderFeed
from touchline.ingest.figures import figures
from touchline.ingest.identities import Identities
from touchline.ingest.receiver import Receiver
from touchline.ingest.registry import Registry
from touchline.ingest.report import report
from touchline.ingest.turn import Turn

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
"""A reason for not being ready."""


class Service:
    """One provider's ingest on open broker connections: `nc` for all that it says, `control` for its lease alone."""

    def __init__(self, nc: Client, control: Client, settings: Settings, provider: str, clock: Clock) -> None:
        self._nc = nc
        self._control = control
        self._settings = settings
        self._provider = provider
        self._clock = clock
        self.run_id = token_hex(6)
        self._declarations = Declarations(provider)
        self._declared: Declared | None = None
        self._changed = asyncio.Event()
        self._report_now = asyncio.Event()
        self.turn = Turn(
            control,
            provider,
            node=settings.node,
            run_id=self.run_id,
            clock=clock,
            able=lambda: nc.is_connected,
            changed=self._turn_changed,
        )
        self.capture = Capture(nc, provider, run=self.run_id, clock=clock)
        self._quarantine = DurableSender(
            nc,
            what=f"quarantine of {provider}",
            run=f"{self.run_id}-q",
            clock=clock,
            max_messages=QUARANTINE_MESSAGES,
        )
        self._identities = Identities(nc, Registry(nc, clock, by=f"ingest {provider}"), provider)
        self._active_status = StatusWriter(nc, f"ingest.{provider}")
        self._standby_status = StatusWriter(nc, f"standby.{provider}")
        self.feed: ProviderFeed | None = None
        self._receiver = Receiver(settings, provider, self.capture, clock, run_id=self.run_id)
        self._whole = False
        self._had_turn = False
        """When it was asked to stop."""
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
        turning = asyncio.create_task(self.turn.run(), name="turn")
        stopping = asyncio.create_task(stop.wait(), name="stop")
        try:
            await asyncio.wait({*tasks, turning, stopping}, return_when=asyncio.FIRST_COMPLETED)
            for task in (*tasks, turning):
                if task.done():
                    task.result()
        finally:
            await end([*tasks, stopping])
            await self._hand_over()
            await end([turning])
            await self._close()

    async def _hand_over(self) -> None:
        """Say the last word and let another process begin, before anything that takes time."""
        log.info("stopping")
        self._had_turn = self.turn.valid()
        if self.feed is not None:
            self.feed.state.session(self._clock.now(), ProviderState.DISCONNECTED, "ingest is stopping")
            self.feed.beat()
            await self.feed.flush()
            with contextlib.suppress(NatsError, TimeoutError):
                # What the successor says is on another connection: ours must be there first.
                await self._nc.flush(timeout=1)
        await self.turn.release()

    async def _close(self) -> None:
        await self._receiver.stop()
        await self._identities.close()
        await self.capture.close(CLOSE_S)
        await self._quarantine.close(1.0)
        self.waiting = "stopped"
        # A successor's status is newer than ours.
        last = self._had_turn and await self.turn.nobody_has_it()
        await self._write_status(active=last)

    def unready(self) -> list[str]:
        """Why this process could not receive at this moment; empty: it could. A provider that is away is told in the status instead: a
        rollout must not wait for it."""
        reasons = [] if self._connected else [NO_BROKER]
        if not self._whole:
            reasons.append("the configuration is not read yet")
        if not self.turn.known:
            reasons.append("whose turn it is to receive is not known yet")
        return reasons

    @property
    def _connected(self) -> bool:
        return self._nc.is_connected and self._control.is_connected

    def figures(self) -> "Iterator[Metric]":
        """Its figures for a scrape."""
        return figures(
            self._clock.now(),
            ready=not self.unready(),
            broker=self._connected,
            active=self.turn.valid(),
            connected=self._receiver.connected,
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
                self._receiver.check()
                left = self.feed is not None and not self.turn.valid()
                if not self._receiver.retry and not left and not self._receiver.mended():
                    continue
            self._changed.clear()
            await self._agree()

    async def _agree(self) -> None:
        declared = self._declarations.read()
        if isinstance(declared, Declared):
            for problem in declared.problems:
                if self._declared is None or problem not in self._declared.problems:
                    log.warning("%s", problem)
            self._declared = declared
        if not self.turn.valid():
            await self._stand_by()
            return
        if self.feed is not None and self.feed.publisher.inc != self.turn.inc:
            self.feed.renew(self.turn.inc)
            await self.feed.flush()
        if isinstance(declared, str):
            await self._withdraw(declared)
        elif not self._declarations.shards:
            await self._withdraw(
                "there is no OddsEngine that says how many shards there are; waiting for it to be applied"
            )
        else:
            await self._receive(declared)

    async def _receive(self, declared: Declared) -> None:
        if self.feed is None:
            self.feed = ProviderFeed(
                self._nc,
                self._provider,
                inc=self.turn.inc,
                valid=self.turn.publishes,
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
        why_not = await self._receiver.agree(self.feed, declared)
        if why_not:
            await self._withdraw(why_not)
        else:
            self.waiting = ""

    async def _withdraw(self, why: str) -> None:
        """Nothing can run: say so, stop what runs, and withdraw what it told."""
        if why != self.waiting:
            log.warning("%s", why)
        self.waiting = why
        await self._receiver.stop()
        if self.feed is not None:
            self.feed.restart(ProviderState.DISCONNECTED, why)
            await self.feed.flush()

    async def _stand_by(self) -> None:
        """It is not our turn: nothing is published. What a lost turn has left goes once it is certain that it is over."""
        if self.feed is not None and not self.turn.over:
            return
        await self._receiver.stop()
        self.feed = None
        self._identities.detach()
        if self.turn.known and self.turn.standing_by != self.waiting:
            self.waiting = self.turn.standing_by
            self._report_now.set()
            log.info("%s", self.waiting)

    def _turn_changed(self) -> None:
        if self._whole:
            self._changed.set()
        self._report_now.set()

    # What is told

    async def _beats(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            if self.feed is not None:
                fault = self.capture.sender.fault
                self.feed.state.hold = f"raw capture: {fault}" if fault else self._receiver.stall
                self.feed.tick()
                if self.turn.publishes(self.feed.publisher.inc):
                    self.feed.beat()
                await self.feed.flush()
            due = max(due + BEAT_S, loop.time())
            await asyncio.sleep(due - loop.time())

    async def _statuses(self) -> None:
        while True:
            self._report_now.clear()
            await self._write_status(active=self.turn.valid())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STATUS_S):
                    await self._report_now.wait()

    async def _write_status(self, *, active: bool) -> None:
        if not self.turn.known:
            return  # whose status it would be is not known either
        writer = self._active_status if active else self._standby_status
        await writer.put(
            report(
                provider=self._provider,
                node=self._settings.node,
                inc=self.feed.publisher.inc if self.feed is not None else self.run_id,
                now=self._clock.now(),
                wall=self._clock.wall(),
                waiting=self.waiting,
                declared=self._declared,
                feed=self.feed,
                reception=self._receiver.reception,
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
        if self.feed is None or not self.turn.publishes(self.feed.publisher.inc):
            return
        try:
            request = decode_resync_request(msg.data)
        except msgspec.DecodeError as error:
            log.warning("%s: %s", msg.subject, error)
            return
        if self.feed.resync(request):
            log.info("resync of shard %d for %s", request.shard, request.node)
            await self.feed.flush()
