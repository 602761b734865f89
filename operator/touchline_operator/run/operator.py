"""One replica of the operator, from waiting for the Lease to giving it up."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable
from types import TracebackType
from typing import Any, Self

from touchline.bus.ending import end
from touchline_operator.errors import OperatorError, Transient
from touchline_operator.kube.access import Access, find_access
from touchline_operator.kube.api import Api
from touchline_operator.kube.authority import Authority
from touchline_operator.kube.children import Children
from touchline_operator.kube.events import Events
from touchline_operator.kube.pods import Pods
from touchline_operator.kube.secrets import Secrets
from touchline_operator.kube.statuses import Statuses
from touchline_operator.run.channels import Channels
from touchline_operator.run.clock import monotonic_us, wall_us
from touchline_operator.run.elector import Elector
from touchline_operator.run.metrics import Metrics
from touchline_operator.run.news import News
from touchline_operator.run.nudges import Nudges
from touchline_operator.run.observer import Observer
from touchline_operator.run.probes import Probes
from touchline_operator.run.reconciler import Reconciler
from touchline_operator.run.rollouts import Rollouts
from touchline_operator.run.sweep import EVERY_S, Sweep
from touchline_operator.run.watch_age import WatchAge
from touchline_operator.run.watches import Watches, WatchesEnded
from touchline_operator.run.worker import Workers
from touchline_operator.settings import OperatorSettings
from touchline_operator.world.index import World
from touchline_operator.world.keys import Key
from touchline_operator.world.observed import Defaults

log = logging.getLogger(__name__)

RETRY_S = 1.0
SOON_S = 5.0


class LeaseLost(OperatorError):
    """Another replica may write now: this process ends and is started again as a standby."""


async def run(
    settings: OperatorSettings,
    stop: asyncio.Event,
    *,
    ready: Callable[[int], None] | None = None,
) -> None:
    """Run one replica until `stop` is set. `ready` is told the port of probes and metrics.

    Raises:
        LeaseLost: the Lease was lost.
        Permanent: there is no way to an API server.
        OSError: the port is taken.
    """
    access = find_access(settings.kubeconfig)
    metrics, watch_age, clock = Metrics(), WatchAge(), monotonic_us
    authority = Authority(clock)
    async with Api(access, wrote=metrics.wrote) as api:
        elector = Elector(
            api,
            namespace=settings.lease_namespace,
            name=settings.lease_name,
            identity=settings.identity,
            authority=authority,
            clock=clock,
            wall=wall_us,
        )
        workers = Workers(clock, metrics)
        probes = Probes(elector=elector, queue=workers.queue, watch_age=watch_age, metrics=metrics, clock=clock)
        server = await probes.serve(settings.host, settings.port)
        if ready is not None:
            ready(probes.port)
        try:
            async with _Together(stop.wait(), elector.win()) as waiting:
                if await waiting.first() == 0:
                    return
            leader = Leader(settings, access, api, authority, workers, metrics, watch_age)
            await _lead(stop, elector, authority, leader)
        finally:
            await server.cleanup()


async def _lead(stop: asyncio.Event, elector: Elector, authority: Authority, leader: Leader) -> None:
    """Work as long as the Lease is ours. The next one may begin as soon as we write no more; the rest of the goodbye takes its time."""
    try:
        async with _Together(stop.wait(), elector.hold(), leader.run()) as working:
            try:
                ended = await working.first()
            finally:
                authority.until = 0
                await leader.stop_writing()
                await working.cancel(1)
                await elector.release()
    finally:
        await leader.close()
    if ended == 1:
        raise LeaseLost("the Lease was lost: ending, to be started again as a standby")


class Leader:
    """What only the holder of the Lease does."""

    def __init__(
        self,
        settings: OperatorSettings,
        access: Access,
        api: Api,
        authority: Authority,
        workers: Workers,
        metrics: Metrics,
        watch_age: WatchAge,
    ) -> None:
        self._settings = settings
        self._access = access
        self._working: asyncio.Task[None] | None = None
        self._workers = workers
        self._watch_age = watch_age
        self._api = api
        self._world = world = World()
        metrics.count = world.count
        self._doubt = asyncio.Event()
        workers.on_gone = self._doubt.set
        self._secrets = secrets = Secrets(api, monotonic_us)
        self._children = Children(api, world, secrets, authority, self._learned)
        self._channels = Channels(world, workers.add, monotonic_us, authority.remaining_s)
        defaults = Defaults(settings.image, settings.lease_namespace)
        self._observer = Observer(world, secrets, self._channels, defaults, wall_us)
        pods = Pods(api, authority)
        events = Events(api, authority, wall_us, settings.identity)
        self._reconciler = Reconciler(
            world=world,
            observer=self._observer,
            children=self._children,
            secrets=secrets,
            statuses=Statuses(api, world, events, authority, monotonic_us),
            channels=self._channels,
            nudges=Nudges(pods, monotonic_us),
            rollouts=Rollouts(pods, monotonic_us),
            enqueue=self._add,
        )
        self._sweep = Sweep(
            api=api,
            world=world,
            children=self._children,
            observer=self._observer,
            namespaces=settings.namespaces,
            enqueue=self._add,
            watch_age=watch_age,
            metrics=metrics,
            clock=monotonic_us,
        )

    def _learned(self, key: Key, version: int) -> None:
        self._watch_age.ahead(monotonic_us(), key, version)

    def _add(self, keys: Iterable[Key]) -> None:
        self._workers.add(keys)

    async def run(self) -> None:
        """Until cancelled.

        Raises:
            Exception: a bug in a worker.
        """
        await self._picture()
        workers = self._workers.run(self._reconciler.reconcile, count=self._settings.workers)
        self._working = asyncio.create_task(workers, name="workers")
        async with _Together(self._watch(), self._working, self._keep_sweeping()) as working:
            await working.first()

    async def stop_writing(self) -> None:
        """Let no worker finish what it began."""
        if self._working is not None:
            await end([self._working])

    async def close(self) -> None:
        """Hang up on all data planes."""
        await self._channels.close_all()

    async def _picture(self) -> None:
        """The whole picture, before anything is done with it."""
        while True:
            try:
                await self._sweep.run()
                return
            except Transient as error:
                log.warning("the API server cannot be listed yet: %s", error)
                await asyncio.sleep(RETRY_S)

    async def _keep_sweeping(self) -> None:
        """The first time soon: what went between the first picture and the beginning of the watches, nobody told."""
        wait_s = SOON_S
        while True:
            try:
                async with asyncio.timeout(wait_s):
                    await self._doubt.wait()
                await asyncio.sleep(SOON_S)  # what is going takes a moment, and is seldom alone
            except TimeoutError:
                pass  # the time has come
            self._doubt.clear()
            wait_s = EVERY_S
            try:
                await self._sweep.run()
            except Transient as error:
                log.warning("sweep: %s", error)

    async def _watch(self) -> None:
        """Watches that end (a server that has just started may refuse them) are begun anew; what they missed is looked for."""
        while True:
            watches = Watches(
                access=self._access,
                capabilities=self._observer.capabilities,
                namespaces=self._settings.namespaces,
                news=News(self._world, self._watch_age, self._add),
            )
            try:
                await watches.run()
            except WatchesEnded as error:
                log.error("%s; beginning anew", error)
            await asyncio.sleep(RETRY_S)
            self._doubt.set()


class _Together:
    """Works that run side by side; whatever still runs at the end of the `with` is cancelled."""

    def __init__(self, *works: Coroutine[Any, Any, Any] | asyncio.Task[Any]) -> None:
        self._tasks = [asyncio.ensure_future(work) for work in works]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await end(self._tasks)

    async def first(self) -> int:
        """The number of the work that ended first. Raises what it raised."""
        done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        number = min(self._tasks.index(task) for task in done)
        self._tasks[number].result()
        return number

    async def cancel(self, number: int) -> None:
        """End one of them."""
        self._tasks[number].cancel()
        await asyncio.gather(self._tasks[number], return_exceptions=True)
