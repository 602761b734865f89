"""The ingest process: connections to the broker, the health port, and the service on them."""

import asyncio
from collections.abc import Iterable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from touchline.bus.connection import connect_unless_stopped, hang_up
from touchline.bus.health_port import HealthPort, answering
from touchline.bus.settings import Settings
from touchline.ingest.clock import Clock
from touchline.ingest.service import NO_BROKER, Service

if TYPE_CHECKING:
    from prometheus_client.core import Metric


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

    async with answering(health, unready, figures_now), AsyncExitStack() as connections:
        nc = await connect_unless_stopped(settings, stop, name=f"ingest-{provider}")
        if nc is None:
            return
        connections.push_async_callback(hang_up, nc)
        control = await connect_unless_stopped(settings, stop, name=f"ingest-{provider} lease")
        if control is None:
            return
        connections.push_async_callback(hang_up, control)
        service = Service(nc, control, settings, provider, clock)
        await service.run(stop)
