"""Real servers for tests: one NATS and one Valkey per test that asks, on free loopback ports, stopped by the fixture."""

from collections.abc import AsyncIterator, Iterator

import pytest
from nats.aio.client import Client

from touchline.bus.connection import connect
from touchline.bus.provision import provision, provision_audit
from touchline.bus.settings import Settings
from touchline.local.servers import NatsServer, ValkeyServer

SHARDS = 4


@pytest.fixture
def nats_server() -> Iterator[NatsServer]:
    with NatsServer() as server:
        yield server


@pytest.fixture
def valkey_server() -> Iterator[ValkeyServer]:
    with ValkeyServer() as server:
        yield server


@pytest.fixture
async def nats(nats_server: NatsServer) -> AsyncIterator[Client]:
    """A connection to a broker with the streams and buckets of an engine of `SHARDS` shards."""
    client = await connect(Settings(nats_url=nats_server.url), name="test")
    await provision(client, shards=SHARDS, providers=["betfair-a", "betfair-b"])
    await provision_audit(client)
    yield client
    await client.close()
