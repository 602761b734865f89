"""A book node: one process, candidate for every shard, leader of some.

Everything runs on one loop. Inputs (messages, time, answers of the store) are taken in one at a time and in the order of their
arrival; each asks for the time first (`_enter`), which is also where a pause of the process is noticed, before anything is
done with it.
"""

import asyncio
import contextlib
import logging
from collections.abc import Coroutine, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
from nats.aio.client import Client
from nats.errors import Error as NatsError

from touchline.book.lvc import LastValueCache, State
from touchline.book.shell import readiness
from touchline.book.shell.clock import monotonic_us, wall_us
from touchline.book.shell.configuration import Configuration, EngineFacts
from touchline.book.shell.durability_watch import watch_durability
from touchline.book.shell.health import node_health, shard_health
from touchline.book.shell.inbox import Inbox
from touchline.book.shell.outbox import Outbox
from touchline.book.shell.shard_node import ShardNode
from touchline.book.tally import Tally
from touchline.bus import subjects
from touchline.bus.connection import connect_unless_stopped, hang_up
from touchline.bus.ending import end
from touchline.bus.health_port import HealthPort, answering
from touchline.bus.lease import PENDING, LeaseBucket
from touchline.bus.messages import Probe, encode
from touchline.bus.process import Fatal
from touchline.bus.settings import Settings
from touchline.bus.status import StatusWriter
from touchline.bus.stream_reader import StreamReader
from touchline.desk.store import BetStore

if TYPE_CHECKING:
    from prometheus_client.core import Metric

log = logging.getLogger(__name__)

TICK_S = 0.05
BEAT_EVERY = 2
"""Ticks between two beats and probes: 100 ms."""
FOLLOW_S = 0.2
STATUS_S = 1.0
PAUSE_US = 1_000_000
"""A loop that did not turn for this long gives its authority up before it does anything else."""
GOODBYE_S = 0.5


class BookNode:
    """See the module. `run` returns when `stop` is set, with the leases released."""

    def __init__(self, settings: Settings, node: str) -> None:
        self._settings = settings
        self._node = node
        self._started = wall_us()
        self._last = monotonic_us()
        self._pauses = 0
        self._shards: list[ShardNode] = []
        self._config = Configuration(self._apply_config)
        self._tasks: set[asyncio.Task[None]] = set()
        self._document: dict[str, Any] = {}
        self._connections: list[Client] = []
        self._failed: asyncio.Future[None]
        self._nc: Client
        self._control: Client
        self._outbox: Outbox
        self._inbox: Inbox
        self._cache = LastValueCache(
            settings.redis_url,
            states=self._states,
            markets=lambda shard: self._shards[shard].book.markets(),
            outdated=self._outdated,
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop`.

        Raises:
            BrokerUnreachable: no broker at the start.
            Exception: a bug in any part ends the node; its leases then expire.
        """
        self._failed = asyncio.get_running_loop().create_future()
        nc = await connect_unless_stopped(self._settings, stop, name=f"book {self._node} prices")
        if nc is None:
            return
        self._nc = nc
        # Leases and decisions have a connection of their own: a broker's answer to a renewal must not queue behind a flood of odds.
        control = await connect_unless_stopped(self._settings, stop, name=f"book {self._node} leases")
        if control is None:
            await hang_up(nc)
            return
        self._control = control
        self._connections = [nc, control]
        self._outbox = Outbox(self._nc, monotonic_us)
        self._inbox = Inbox(self._shards, self._outbox, self._enter)
        try:
            self._spawn(self._outbox.run())
            self._spawn(self._config.follow(self._nc))
            self._spawn(self._report())
            await self._until_over(stop)
            await self._say_goodbye()
        finally:
            await end(self._tasks)
            await self._cache.close()
            await hang_up(self._control)
            await hang_up(self._nc)

    async def _until_over(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set or a part has failed."""
        stopping, serving = asyncio.ensure_future(stop.wait()), asyncio.ensure_future(self._serve())
        ends: list[asyncio.Future[Any]] = [stopping, serving, self._failed]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        for ended in (self._failed, serving):
            if ended.done():
                ended.result()
        serving.cancel()

    async def _serve(self) -> None:
        """Wait for an engine, then take part."""
        await self._config.known.wait()
        await self._make_shards(self._engine())
        await self._inbox.listen(self._nc)
        self._spawn(self._cache.run())
        self._spawn(self._follow())
        self._spawn(
            watch_durability(
                self._nc,
                self._shards,
                sync_interval=self._settings.bets_sync,
                declared=lambda: self._engine().durability,
            )
        )
        await self._tick_for_ever()

    async def _make_shards(self, facts: EngineFacts) -> None:
        bucket, pending = LeaseBucket(self._control), LeaseBucket(self._control, PENDING)
        reader = StreamReader(self._control)
        await reader.start()
        make_store = partial(BetStore, self._control, clock=monotonic_us)
        for shard in range(facts.shards):
            self._shards.append(
                ShardNode(
                    shard=shard,
                    shards=facts.shards,
                    node=self._node,
                    clock=monotonic_us,
                    wall=wall_us,
                    outbox=self._outbox,
                    bucket=bucket,
                    pending=pending,
                    reader=reader,
                    make_store=make_store,
                    spawn=self._spawn,
                    published=self._cache.changed,
                    led=self._cache.led,
                )
            )
        for each in self._shards:
            await each.store.start()
        self._apply_config()
        log.info("node %s is a candidate for %d shards of engine %s", self._node, facts.shards, facts.name)

    def _enter(self) -> int:
        """The time, for the input that begins. If the process stood still, authority goes before anything else is done."""
        now = monotonic_us()
        gap = now - self._last
        self._last = now
        if gap > PAUSE_US and self._shards:
            self._pauses += 1
            log.warning("this node stood still for %d ms: all its terms end", gap // 1000)
            for shard in self._shards:
                shard.paused(now, gap)
        return now

    # Time

    async def _tick_for_ever(self) -> None:
        loop = asyncio.get_running_loop()
        due, count = loop.time(), 0
        while True:
            now = self._enter()
            self._inbox.turn(now)
            for shard in self._shards:
                shard.tick(now)
            if count % BEAT_EVERY == 0:
                self._outbox.put(subjects.probe(self._node), encode(Probe(self._node, monotonic_us())))
                for shard in self._shards:
                    shard.proof_of_life()
            count += 1
            due = max(due + TICK_S, loop.time())
            await asyncio.sleep(due - loop.time())

    async def _follow(self) -> None:
        """Keep the desks that do not lead as knowing as the one that does."""
        while True:
            for shard in self._shards:
                await shard.follow()
                shard.forget_askers(monotonic_us())
            await asyncio.sleep(FOLLOW_S)

    # Configuration and status

    def _apply_config(self) -> None:
        now, engine = self._enter(), self._engine()
        for shard in self._shards:
            shard.configure(now, self._config.book)
            shard.desk.currency = engine.currency
            shard.desk.max_legs = engine.max_legs
            shard.desk.memory.keep_us = engine.remember_keys_us

    def _engine(self) -> EngineFacts:
        assert self._config.engine is not None, "there are no shards before there is an engine"
        return self._config.engine

    async def _report(self) -> None:
        writer = StatusWriter(self._nc, f"book.{self._node}")
        while True:
            details, total = {}, Tally()
            for shard in self._shards:
                details[shard.shard] = shard_health(shard, monotonic_us(), total)
                await asyncio.sleep(0)
            document = node_health(
                node=self._node,
                started=self._started,
                wall=wall_us(),
                now=monotonic_us(),
                shards=self._shards,
                details=details,
                total=total,
                beats=self._inbox.beats,
                cache=self._cache.detail,
                dropped=self._outbox.dropped,
                pauses=self._pauses,
                waiting_for="" if self._config.known.is_set() else "an OddsEngine in the config bucket",
            )
            self._document = document
            await writer.put(document)
            await asyncio.sleep(STATUS_S)

    @property
    def _connected(self) -> bool:
        return len(self._connections) == 2 and all(nc.is_connected for nc in self._connections)

    def unready(self) -> list[str]:
        """Why this node could not take over at this moment; empty: it could."""
        engine = self._config.known.is_set()
        return readiness.unready(monotonic_us(), broker=self._connected, engine=engine, shards=self._shards)

    def figures(self) -> "Iterator[Metric]":
        """Its figures for a scrape."""
        return readiness.figures(
            ready=not self.unready(),
            broker=self._connected,
            shards=self._shards,
            document=self._document,
            pauses=self._pauses,
        )

    def _states(self, shard: int, markets: Iterable[str]) -> dict[str, State | None]:
        return self._shards[shard].states(markets)

    def _outdated(self, shard: int, epoch: int) -> None:
        self._shards[shard].outdated(monotonic_us(), epoch)

    # Life and death

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run beside; a failure is a bug and ends the node."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None and not self._failed.done():
            self._failed.set_exception(error)

    async def _say_goodbye(self) -> None:
        """Release the leases, so that others need not wait for them to expire; bounded, because they will."""
        now = monotonic_us()
        for shard in self._shards:
            shard.release(now)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE_S):
                while any(shard.lease.asking for shard in self._shards):  # noqa: ASYNC110 - inputs of several machines
                    await asyncio.sleep(0.005)
        try:
            await self._nc.flush(timeout=1)
        except (NatsError, TimeoutError) as error:
            log.debug("last words were not written: %r", error)


async def run_node(settings: Settings, node: str, stop: asyncio.Event, *, health: HealthPort | None = None) -> None:
    """Run one book node until `stop` is set.

    Raises:
        Fatal: the health port is taken, or a part of the node failed in a way that leaves nothing to serve.
    """
    book = BookNode(settings, node)
    try:
        async with answering(health, book.unready, book.figures):
            await book.run(stop)
    except msgspec.DecodeError as error:
        raise Fatal(f"a stream of decisions holds a record that no node wrote: {error}") from error
