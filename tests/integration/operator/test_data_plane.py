"""Specs on their way into a real broker, health on its way out. The numbers are OPERATOR-CHECKLIST's lines."""

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from nats.aio.client import Client
from nats.js.errors import NotFoundError
from nats.js.kv import KeyValue

from support.observed_world import engine, market, policy, provider
from support.operator_process import Operator, Server, calmly
from support.small_engine import CACHE, SECRET
from support.waiting import kept, until
from touchline.local.servers import NatsServer

pytestmark = [pytest.mark.servers, pytest.mark.cluster]


def declared(broker: NatsServer) -> list[dict[str, Any]]:
    outside = engine(nats={"external": {"urls": [broker.url]}}, redis=CACHE)
    providers = [provider(name, capture={"maxBytes": "10Mi"}) for name in ("one", "two")]
    return [SECRET, outside, policy(), *providers, market("m")]


async def bucket_of(nc: Client, name: str) -> KeyValue:
    for _ in range(300):
        try:
            return await nc.jetstream().key_value(name)
        except NotFoundError:
            await asyncio.sleep(0.1)
    raise AssertionError(f"the operator made no bucket {name}")


async def value(bucket: KeyValue, key: str) -> dict[str, Any] | None:
    try:
        entry = await bucket.get(key)
    except NotFoundError:
        return None
    found: dict[str, Any] = json.loads(entry.value or b"null")
    return found


async def told(bucket: KeyValue, key: str, right: Callable[[Any], bool], *, within: float = 30.0) -> float:
    """Seconds until a document is right."""
    began = time.monotonic()
    while not right(await value(bucket, key)):
        assert time.monotonic() - began < within, f"{key} was not told within {within} s: {await value(bucket, key)}"
        await asyncio.sleep(0.01)
    return time.monotonic() - began


async def test_specs_reach_the_data_plane_a_change_within_a_second_and_a_deletion_too(
    server: Server, tenant: str, operator: Operator, broker: NatsServer, nc: Client
) -> None:
    await asyncio.to_thread(server.apply, tenant, *declared(broker))
    config = await bucket_of(nc, "config")
    await told(config, "Market.m", lambda found: found is not None)
    await calmly(lambda: server.says(tenant, "market", "m", "Ready", "True", "Live"), "the market says that it is live")
    names = sorted(await config.keys())
    assert names == ["FeedProvider.one", "FeedProvider.two", "Market.m", "OddsEngine.main", "SuspensionPolicy.strict"]
    streams = {info.config.name for info in await nc.jetstream().streams_info()}
    assert {"BETS_0", "BETS_3", "RAW_one", "RAW_two", "KV_status", "KV_lease", "KV_events"} <= streams

    await asyncio.to_thread(operator.settle)
    pods = server.names(tenant, "statefulsets,deployments")
    versions = [(server.get(tenant, *name.split("/")) or {})["metadata"]["generation"] for name in pods]

    async def changed(attempt: int) -> float:
        """Measured from the API server's answer to kubectl."""
        age = f"{650 + attempt}ms"
        await asyncio.to_thread(server.apply, tenant, market("m", freshness={"maxAge": age}))
        return await told(config, "Market.m", lambda found: found["spec"]["freshness"]["maxAge"] == age)

    await kept(1.0, changed)
    assert [(server.get(tenant, *name.split("/")) or {})["metadata"]["generation"] for name in pods] == versions

    await asyncio.to_thread(server.delete, tenant, "market", "m")
    await told(config, "Market.m", lambda found: found is None)


async def test_21_a_document_that_somebody_changed_or_deleted_is_told_again_and_traders_orders_stay(
    server: Server, tenant: str, operator: Operator, broker: NatsServer, nc: Client
) -> None:
    await asyncio.to_thread(server.apply, tenant, *declared(broker))
    config = await bucket_of(nc, "config")
    await told(config, "Market.m", lambda found: found is not None)
    halt = {"scope": "all", "id": "", "by": "trader", "note": "", "at": 1}
    await config.put("Halt.all.00", json.dumps(halt).encode())
    await config.put("Market.m", b'{"forged": true}')
    await told(config, "Market.m", lambda found: found is not None and "forged" not in found)
    await config.delete("SuspensionPolicy.strict")
    await told(config, "SuspensionPolicy.strict", lambda found: found is not None)
    assert await value(config, "Halt.all.00") == halt


async def test_22_26_what_changed_while_no_operator_ran_is_told_when_one_runs(
    server: Server, tenant: str, broker: NatsServer, nc: Client, tmp_path: Path
) -> None:
    with Operator(server, namespaces=[tenant], lease="offline", log=tmp_path / "one.log"):
        await asyncio.to_thread(server.apply, tenant, *declared(broker))
        config = await bucket_of(nc, "config")
        await told(config, "Market.m", lambda found: found is not None)
    await config.put("Halt.market.00", b'{"scope": "market"}')
    await asyncio.to_thread(server.delete, tenant, "market", "m")
    await asyncio.to_thread(server.apply, tenant, market("later", freshness={"maxAge": "700ms"}))
    with Operator(server, namespaces=[tenant], lease="offline", log=tmp_path / "two.log"):
        await told(config, "Market.later", lambda found: found is not None)
        await told(config, "Market.m", lambda found: found is None)
    assert await value(config, "Halt.market.00") is not None


async def test_27_a_capture_that_the_broker_refuses_is_told_and_holds_nothing_back(
    server: Server, tenant: str, operator: Operator, broker: NatsServer, nc: Client
) -> None:
    greedy = provider("greedy", capture={"maxBytes": "100Ti"})
    await asyncio.to_thread(server.apply, tenant, *declared(broker), greedy)
    await told(await bucket_of(nc, "config"), "FeedProvider.greedy", lambda found: found is not None)
    await calmly(
        lambda: server.says(tenant, "feedprovider", "greedy", "Degraded", "True", "CaptureRefused"),
        "the condition says so",
    )
    assert server.says(tenant, "feedprovider", "one", "Degraded", "True", "NoEntityMap")


async def test_what_components_report_becomes_status_and_what_they_stop_reporting_does_not_stay(
    server: Server, tenant: str, operator: Operator, broker: NatsServer, nc: Client
) -> None:
    await asyncio.to_thread(server.apply, tenant, *declared(broker))
    status = await bucket_of(nc, "status")
    said = {
        "state": "Connected",
        "connected": True,
        "endpoint": "feed:443",
        "health": {"messagesPerSecond": 52, "delayP99Us": 81_000},
    }
    speaking = True

    async def speak() -> None:
        while speaking:
            await status.put("ingest.one", json.dumps(said).encode())
            await asyncio.sleep(0.5)

    voice = asyncio.create_task(speak())
    try:
        await calmly(
            lambda: server.says(tenant, "feedprovider", "one", "Connected", "True"),
            "the provider says that it is connected",
        )
        await calmly(
            lambda: ((server.get(tenant, "feedprovider", "one") or {}).get("status") or {}).get("delayP99") == "81ms",
            "and its delay",
        )
        said |= {"state": "Delayed", "detail": "2 s late"}
        await calmly(
            lambda: server.says(tenant, "feedprovider", "one", "Connected", "False", "Delayed"), "then that it is late"
        )
    finally:
        speaking = False
        await voice
    await calmly(
        lambda: server.says(tenant, "feedprovider", "one", "Connected", "Unknown", "NoReport"),
        "silence is told",
    )


async def test_a_broker_that_was_away_is_told_everything_again(
    server: Server, tenant: str, operator: Operator, broker: NatsServer, nc: Client
) -> None:
    await asyncio.to_thread(server.apply, tenant, *declared(broker))
    config = await bucket_of(nc, "config")
    await told(config, "Market.m", lambda found: found is not None)
    await calmly(lambda: server.says(tenant, "market", "m", "Ready", "True"), "it is live")
    broker.kill()
    await asyncio.to_thread(server.apply, tenant, market("m", freshness={"maxAge": "900ms"}))
    await calmly(
        lambda: server.says(tenant, "market", "m", "Ready", "Unknown", "BrokerAway"), "the new version is not told"
    )
    broker.start()
    await until(lambda: nc.is_connected, within=30)
    await told(config, "Market.m", lambda found: found["spec"]["freshness"]["maxAge"] == "900ms")
    await calmly(lambda: server.says(tenant, "market", "m", "Ready", "True", "Live"), "it is live again")
