"""The gateway as a process: start in an order that serves early, stop in an order that loses nobody."""

import asyncio
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

from touchline.bus.connection import connect
from touchline.bus.process import Fatal
from touchline.bus.settings import Settings
from touchline.bus.status import StatusWriter
from touchline.gateway.cache import LastValues
from touchline.gateway.declared import engines, first_engine
from touchline.gateway.server import OnePort, bind
from touchline.gateway.service import Service
from touchline.gateway.web import create_app

log = logging.getLogger(__name__)

STATUS_S = 1.0
UNREADY_S = 0.5
"""Between failing readiness and the first `drain`: new clients stop coming first."""
DRAIN_MOST_S = 20.0
GOODBYE_S = 2.0


async def run_gateway(
    settings: Settings,
    host: str,
    port: int,
    stop: asyncio.Event,
    *,
    tls_secret: str = "",
    on_ready: Callable[[Service, OnePort, socket.socket], Awaitable[None]] | None = None,
) -> None:
    """Serve until `stop` is set.

    Raises:
        Fatal: the port is taken, the TLS files are missing, or a part of it died.
        BrokerUnreachable: no broker.
    """
    tls = tls_context(settings.secrets_dir / tls_secret) if tls_secret else None
    listener = bind(host, port)
    try:
        nc = await connect(settings, name=f"gateway {settings.node}")
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
        await one_port.listen(listener, tls)
        log.info("serving on %s:%d", *listener.getsockname()[:2])
        tasks = [
            asyncio.create_task(service.turns.keep_time(), name="clock"),
            asyncio.create_task(_follow(service), name="config"),
            asyncio.create_task(_report(service), name="status"),
            asyncio.create_task(one_port.keep_alive(), name="pings"),
        ]
        if settings.redis_url:
            tasks.append(asyncio.create_task(cache.watch(), name="cache"))
        if on_ready is not None:
            await on_ready(service, one_port, listener)
        await _until_stopped(stop, tasks)
        await _drain(service, one_port)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        listener.close()
        await cache.close()
        await nc.close()


async def _until_stopped(stop: asyncio.Event, tasks: list[asyncio.Task[None]]) -> None:
    stopped = asyncio.create_task(stop.wait())
    try:
        done, _ = await asyncio.wait([stopped, *tasks], return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopped.cancel()
    for task in done:
        if task is not stopped:
            raise Fatal(f"the gateway's {task.get_name()} ended") from task.exception()


async def _drain(service: Service, one_port: OnePort) -> None:
    """Readiness fails, clients are told, bets end, then everybody is closed."""
    service.draining = True
    log.info("draining %d connections", one_port.open)
    await asyncio.sleep(UNREADY_S if one_port.open else 0)
    one_port.stop_accepting()
    spread = service.engine.spec.gateway.drain_spread.micros / 1e6
    service.turns.drain(int(spread * 1000))
    await one_port.empty(within_s=min(spread, DRAIN_MOST_S))
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


def tls_context(folder: Path) -> ssl.SSLContext:
    """TLS from a mounted Secret of type kubernetes.io/tls.

    Raises:
        Fatal: a file is missing or unusable.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(folder / "tls.crt", folder / "tls.key")
    except (OSError, ssl.SSLError) as error:
        raise Fatal(f"TLS: {folder}/tls.crt and tls.key cannot be used: {error}") from error
    return context
