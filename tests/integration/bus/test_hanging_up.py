"""Hanging up on a broker that is there, that is away, and that was never there."""

import asyncio
from pathlib import Path

import pytest

from support.waiting import until
from touchline.bus.connection import BrokerUnreachable, connect, hang_up
from touchline.bus.settings import Settings
from touchline.local.servers import NatsServer, free_port

pytestmark = pytest.mark.servers


async def test_a_broker_that_is_there_gets_what_was_published(nats_server: NatsServer) -> None:
    heard = asyncio.Event()

    async def hear(_: object) -> None:
        heard.set()

    listener = await connect(Settings(nats_url=nats_server.url), name="listener")
    await listener.subscribe("news", cb=hear)
    await listener.flush()
    speaker = await connect(Settings(nats_url=nats_server.url), name="speaker")
    await speaker.publish("news", b"")
    await hang_up(speaker)
    async with asyncio.timeout(5):
        await heard.wait()
    await hang_up(listener)
    assert speaker.is_closed
    assert listener.is_closed


async def test_a_broker_that_is_away_keeps_nobody(tmp_path: Path) -> None:
    """With something unsent, nats-py's own `close` raises: then a task that was cancelled has another error to go on with."""
    with NatsServer(tmp_path / "nats") as server:
        client = await connect(Settings(nats_url=server.url), name="leaving")
    await until(lambda: not client.is_connected, within=5)
    await client.publish("news", b"nobody hears this")
    others = asyncio.all_tasks()
    task = asyncio.create_task(hang_up(client))
    async with asyncio.timeout(10):
        await task
    assert client.is_closed
    await until(lambda: asyncio.all_tasks() <= others, within=10)


async def test_a_broker_that_never_was_leaves_nothing_behind() -> None:
    before = asyncio.all_tasks()
    with pytest.raises(BrokerUnreachable):
        await connect(Settings(nats_url=f"nats://127.0.0.1:{free_port()}"), name="early", first_connect_s=0.3)
    assert asyncio.all_tasks() == before
