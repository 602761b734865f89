"""The ingest service beside the provider simulator, on a real broker."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from nats.aio.client import Client

from support.ingest_scene import Scene, declare_provider, ingest
from support.waiting import until
from touchline.bus.status import read_status
from touchline.local.servers import NatsServer
from touchline.sim.server import Simulator, SimulatorOptions


@asynccontextmanager
async def simulator(*providers: str, **options: Any) -> AsyncIterator[Simulator]:
    serve = dict.fromkeys(providers or ("betfair-a",), 0)
    async with Simulator(SimulatorOptions(serve=serve, tls=False, **options)) as served:
        yield served


@asynccontextmanager
async def connected(server: NatsServer, nc: Client, served: Simulator, **changes: Any) -> AsyncIterator[Scene]:
    """A service that has recovered from the simulator's image."""
    await declare_provider(nc, served.ports["betfair-a"], **changes)
    async with ingest(server, nc) as scene:
        await until(lambda: scene.reader.state == "Connected", within=20)
        yield scene


async def status(nc: Client) -> dict[str, Any]:
    return (await read_status(nc)).get("ingest.betfair-a", {})


async def until_status(nc: Client, what: str, within: float = 15.0) -> dict[str, Any]:
    """The status once its text contains `what`."""
    end = time.monotonic() + within
    while True:
        found = await status(nc)
        if what in json.dumps(found):
            return found
        assert time.monotonic() < end, f"{what!r} is not in {found}"
        await asyncio.sleep(0.05)
