"""The broker plumbing against a real server: provisioning repeats, configuration is watched over a restart, status is kept."""

import asyncio

import pytest
from nats.aio.client import Client

from support.servers import SHARDS
from touchline.bus.config import Change, Ready, put_config, watch_config
from touchline.bus.connection import BrokerUnreachable, connect
from touchline.bus.listing import keys_of
from touchline.bus.provision import provision
from touchline.bus.settings import Settings
from touchline.bus.status import StatusWriter, read_status
from touchline.local.servers import NatsServer, ValkeyServer, free_port

pytestmark = pytest.mark.servers


async def test_provisioning_twice_changes_nothing(nats: Client) -> None:
    before = await nats.jetstream().streams_info()
    await provision(nats, shards=SHARDS, providers=["betfair-a", "betfair-b"])
    after = await nats.jetstream().streams_info()
    assert sorted(s.config.name or "" for s in after) == sorted(s.config.name or "" for s in before)
    assert {f"BETS_{n}" for n in range(SHARDS)} <= {s.config.name for s in after}


async def test_a_watcher_sees_the_content_then_ready_then_changes(nats: Client) -> None:
    await put_config(nats, "Market.a", {"n": 1})
    changes = watch_config(nats)
    assert await anext(changes) == Change("Market.a", {"n": 1})
    assert await anext(changes) == Ready(frozenset({"Market.a"}))
    await put_config(nats, "Market.a", {"n": 2})
    assert await anext(changes) == Change("Market.a", {"n": 2})
    await put_config(nats, "Market.a", None)
    assert await anext(changes) == Change("Market.a", None)
    await changes.aclose()


async def test_a_watch_gives_everything_again_after_the_broker_was_killed(
    nats: Client, nats_server: NatsServer
) -> None:
    await put_config(nats, "Market.a", {"n": 1})
    changes = watch_config(nats)
    assert await anext(changes) == Change("Market.a", {"n": 1})
    assert isinstance(await anext(changes), Ready)
    nats_server.kill()
    nats_server.start()
    async with asyncio.timeout(10):
        assert await anext(changes) == Change("Market.a", {"n": 1})
        assert await anext(changes) == Ready(frozenset({"Market.a"}))
    await changes.aclose()


async def test_the_same_configuration_is_not_written_twice(nats: Client) -> None:
    await put_config(nats, "Market.a", {"n": 1})
    await put_config(nats, "Market.a", {"n": 1})
    bucket = await nats.jetstream().key_value("config")
    assert (await bucket.get("Market.a")).revision == 1


async def test_status_is_written_and_read(nats: Client) -> None:
    assert await read_status(nats) == {}
    assert await StatusWriter(nats, "book.a").put({"led": 3})
    assert await read_status(nats) == {"book.a": {"led": 3}}


async def test_a_bucket_that_holds_something_is_never_listed_as_empty(nats: Client) -> None:
    names = [f"book.{number}" for number in range(9)]
    for name in names:
        assert await StatusWriter(nats, name).put({"led": 3})
    js = nats.jetstream()

    async def ask() -> None:
        for _ in range(100):
            assert await keys_of(js, "status") == names
            assert await keys_of(js, "status", "gateway.") == []

    await asyncio.gather(*(ask() for _ in range(8)))


async def test_no_broker_is_one_clear_error() -> None:
    port = free_port()
    with pytest.raises(BrokerUnreachable, match=str(port)):
        await connect(Settings(nats_url=f"nats://127.0.0.1:{port}"), name="test", first_connect_s=0.5)


def test_valkey_keeps_its_port_over_a_crash(valkey_server: ValkeyServer) -> None:
    port = valkey_server.port
    valkey_server.kill()
    valkey_server.start()
    assert valkey_server.port == port
    assert valkey_server.answers()
