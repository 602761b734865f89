"""The ingest service on a real broker: what is declared changes while it runs, and what it says when something declared is wrong."""

import pytest
from nats.aio.client import Client

from support.ingest_scene import ACCEPT_ALL, betfair, declare, declare_engine, declare_provider, ingest
from support.ingest_service import connected, simulator, until_status
from support.waiting import until
from touchline.local.servers import NatsServer, free_port
from touchline.sim.server import Simulator, SimulatorOptions
from touchline.sim.subscriber import Account

pytestmark = pytest.mark.servers


async def test_a_mapping_that_is_fixed_publishes_without_a_restart(nats_server: NatsServer, nats: Client) -> None:
    async with simulator() as served:
        await declare_engine(nats)
        await declare(nats, "EntityMap", "all", {"sport": "Curling"})
        await declare(nats, "FeedProvider", "betfair-a", betfair(served.ports["betfair-a"]))
        async with ingest(nats_server, nats) as scene:
            await until(lambda: scene.reader.state == "Connected", within=20)
            assert scene.reader.markets == {}
            record = await scene.first_quarantined()
            assert (record["provider"], record["reason"]) == ("betfair-a", "UnknownSport")
            assert record["candidates"] == ["Curling"]
            assert record["update"]["definition"]["event_id"]
            assert record["connection"]
            assert record["sequence"] > 0
            await declare(nats, "EntityMap", "all", ACCEPT_ALL | {"sport": "*"})
            await until(lambda: len(scene.reader.markets) > 10)
            assert scene.reader.holes == []


async def test_a_provider_that_is_unknown_deleted_and_back_is_said_so(nats_server: NatsServer, nats: Client) -> None:
    async with simulator() as served:
        await declare_engine(nats)
        await declare(nats, "EntityMap", "all", ACCEPT_ALL)
        async with ingest(nats_server, nats) as scene:
            await until_status(nats, "there is no FeedProvider 'betfair-a'")
            await declare(nats, "FeedProvider", "betfair-a", betfair(served.ports["betfair-a"]))
            await until(lambda: scene.reader.state == "Connected", within=20)
            await declare(nats, "FeedProvider", "betfair-a", None)
            await until(lambda: "there is no FeedProvider" in scene.reader.detail)
            assert scene.reader.state == "Disconnected"
            assert scene.reader.markets == {}
            await declare(nats, "FeedProvider", "betfair-a", betfair(served.ports["betfair-a"]))
            await until(lambda: scene.reader.state == "Connected", within=20)
            await until(lambda: len(scene.reader.markets) > 10)


async def test_a_changed_endpoint_is_connected_to_without_a_restart(nats_server: NatsServer, nats: Client) -> None:
    async with (
        simulator() as first,
        simulator(fixtures=2, seed=7) as second,
        connected(nats_server, nats, first) as scene,
    ):
        await declare(nats, "FeedProvider", "betfair-a", betfair(second.ports["betfair-a"]))
        await until(lambda: len(second.providers["betfair-a"].connections) == 1)
        await until(lambda: not first.providers["betfair-a"].connections)
        await until(lambda: scene.reader.state == "Connected" and len(scene.reader.markets) > 0, within=20)
        assert scene.reader.holes == []


async def test_an_unreachable_endpoint_is_named_with_its_error_and_tried_for_ever(
    nats_server: NatsServer, nats: Client
) -> None:
    port = free_port()
    await declare_provider(nats, port)
    async with ingest(nats_server, nats) as scene:
        found = await until_status(nats, f"127.0.0.1:{port}: cannot connect")
        assert found["state"] == "Disconnected"
        assert found["endpoint"] == f"127.0.0.1:{port}"
        async with Simulator(SimulatorOptions(serve={"betfair-a": port}, tls=False)):
            await until(lambda: scene.reader.state == "Connected", within=20)


async def test_wrong_credentials_name_the_secret_and_a_mended_secret_connects(
    nats_server: NatsServer, nats: Client
) -> None:
    async with simulator(account=Account("right", "token")) as served:
        await declare_provider(nats, served.ports["betfair-a"])
        async with ingest(nats_server, nats) as scene:
            found = await until_status(nats, "Secret")
            assert "betfair" in found["permanent"]
            assert found["state"] == "Disconnected"
            scene.write_secret(appKey="right")
            await until(lambda: scene.reader.state == "Connected", within=20)


async def test_a_missing_secret_is_named_and_waited_for(nats_server: NatsServer, nats: Client) -> None:
    async with simulator() as served:
        await declare_provider(nats, served.ports["betfair-a"], credentialsSecretRef={"name": "elsewhere"})
        async with ingest(nats_server, nats) as scene:
            await until_status(nats, "Secret 'elsewhere' is not mounted")
            scene.write_secret("elsewhere", appKey="key", sessionToken="token")
            await until(lambda: scene.reader.state == "Connected", within=20)


async def test_a_protocol_that_nobody_speaks_is_said_so(nats_server: NatsServer, nats: Client) -> None:
    await declare_engine(nats)
    await declare(
        nats,
        "FeedProvider",
        "betfair-a",
        {"protocol": "Pinnacle", "pinnacle": {"sportIds": ["29"]}, "credentialsSecretRef": {"name": "betfair"},
         "health": {"maxSilence": "10s"}},
    )  # fmt: skip
    async with ingest(nats_server, nats):
        await until_status(nats, "no adapter speaks Pinnacle")
