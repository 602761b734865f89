"""The gateway as a process: start in an order that serves early, stop in an order that loses nobody."""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable

from touchline.bus.connection import connect_unless_stopped, hang_up
from touchline.bus.ending import end
from touchline.bus.health_port import bind
from touchline.bus.process import Fatal
from touchline.bus.settings import Settings
from touchline.bus.status import StatusWriter
from touchline.gateway.cache import LastValues
from touchline.gateway.declared import engines, first_engine
from touchline.gateway.server import OnePort
from touchline.gateway.service import Service
from touchline.gateway.tls import Certificate
from touchline.gateway.web import create_app

log = logging.getLogger(__name__)

STATUS_S = 1.0
UNREADY_S = 0.5
"""Between failing readiness and the first `drain`: new clients stop coming first."""
DRAIN_MOST_S = 20.0
"""What clients are given to leave by themselves, however long `spec.gateway.drainSpread` is: a pod's end is not waited for longer."""
GOODBYE_S = 2.0


async def run_gateway(
    settings: Settings,
    host: str,
    port: int,
    stop: asyncio.Event,
    *,
    tls_secret: str = "",
    drain_most_s: float = DRAIN_MOST_S,
    on_ready: Callable[[Service, OnePort, socket.socket], Awaitable[None]] | None = None,
) -> None:
    """Serve until `stop` is set.

    Raises:
        Fatal: the port is taken, the certificate cannot be used, or a part of it died.
        BrokerUnreachable: no broker.
    """
    certificate = Certificate(settings.secrets_dir / tls_secret) if tls_secret else None
    listener = bind(host, port, option="--port")
    try:
        nc = await connect_unless_stopped(settings, stop, name=f"gateway {settings.node}")
        if nc is None:
            raise Fatal(f"stopped while waiting for the broker at {settings.nats_url}")
    except BaseException:
        listener.close()
        raise
    cache = LastValues(settings.redis_url)
    tasks: list[asyncio.Task[None]] = []
    try:
        engine = await first_engine(nc, stop)
        service = Service(settings, engine, nc, cache)
        for shard in range(engine.spec.shards):
            service.turns.boot(await cache.read(shard))
        await service.intake.start()
        one_port = OnePort(service, create_app(service))
        await one_port.listen(listener, certificate.context if certificate else None)
        log.info("serving on %s:%d", *listener.getsockname()[:2])
        tasks = [
            asyncio.create_task(service.turns.keep_time(), name="clock"),
            asyncio.create_task(_follow(service), name="config"),
            asyncio.create_task(_report(service), name="status"),
            asyncio.create_task(one_port.keep_alive(), name="pings"),
        ]
        if certificate is not None:
            tasks.append(asyncio.create_task(certificate.follow(), name="certificate"))
        if settings.redis_url:
            tasks.append(asyncio.create_task(cache.watch(), name="cache"))
        if on_ready is not None:
            await on_ready(service, one_port, listener)
        await _until_stopped(stop, tasks)
        await _drain(service, one_port, drain_most_s)
    finally:
        await end(tasks)
        listener.close()
        await cache.close()
        await hang_up(nc)


async def _until_stopped(stop: asyncio.Event, tasks: list[asyncio.Task[None]]) -> None:
    stopped = asyncio.create_task(stop.wait())
    try:
        done, _ = await asyncio.wait([stopped, *tasks], return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopped.cancel()
    for task in done:
        if task is not stopped:
            raise Fatal(f"the gateway's {task.get_name()} ended") from task.exception()


async def _drain(service: Service, one_port: OnePort, most_s: float) -> None:
    """Readiness fails, clients are told, bets end, then everybody is closed."""
    service.draining = True
    log.info("draining %d connections", one_port.open)
    await asyncio.sleep(UNREADY_S if one_port.open else 0)
    one_port.stop_accepting()
    spread = min(service.engine.spec.gateway.drain_spread.micros / 1e6, most_s)
    service.turns.drain(int(spread * 1000))
    await one_port.empty(within_s=spread)
    await service.bets.finish(within_s=1.0)
    one_port.close()
    await one_port.empty(within_s=GOODBYE_S)
    await service.intake.stop()


async def _follow(service: Service) -> None:
    async for engine in engines(service.nc):
        if engine != service.engine:
            service.configure(engine)


async def _report(service: Service) -> None:
    writer = StatusWriter(service.nc, f"gateway.{service.settings.node}")
    while True:
        await writer.put(service.document())
        await asyncio.sleep(STATUS_S)
