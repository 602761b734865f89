"""kubectl as a dashboard: a real book node's word on its markets, through the operator, into columns, conditions and events."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest
from nats.aio.client import Client

from support.book_process import BookProcess, book_nodes, wait_for_open
from support.kubectl_table import table
from support.observed_world import engine, market, policy, provider, resource
from support.operator_process import Operator, Server, calmly, eventually
from support.scripted_ingest import ScriptedIngest
from support.small_engine import CACHE
from touchline.bus.status import StatusWriter
from touchline.local.servers import NatsServer
from touchline.version import __version__

pytestmark = [pytest.mark.servers, pytest.mark.cluster]

SHARDS = 4
PRICES = {"home": 2_000_000, "draw": 3_400_000, "away": 3_750_000}
MARKETS = ("e1:MatchWinner", "e2:MatchWinner")
GOAL = {"name": "goal", "type": "EventStatus", "action": "SuspendAndReview", "eventStatus": {"incidents": ["Goal"]}}


@pytest.fixture
def book(operator: Operator, server: Server, tenant: str, broker: NatsServer) -> Iterator[BookProcess]:
    """A node of an engine whose broker is outside; no pod runs here, so the test plays the kubelet."""
    outside = engine(shards=SHARDS, nats={"external": {"urls": [broker.url]}}, redis=CACHE)
    strict = policy()
    strict["spec"] |= {"triggers": [GOAL], "reopening": {"coolDown": "0s"}}
    server.apply(tenant, outside, strict, provider("one"), provider("two"), market("m"))
    eventually(
        lambda: server.says(tenant, "market", "m", "Ready", "True", "Live"), "the class is told to the data plane"
    )
    with book_nodes("main-book-0", nats_url=broker.url) as nodes:
        yield nodes["main-book-0"]


@pytest.fixture
async def ingest(nc: Client, book: BookProcess) -> AsyncIterator[ScriptedIngest]:
    async with ScriptedIngest(nc, shards=SHARDS, provider="one") as scripted:
        for id in MARKETS:
            await scripted.market(id, prices=PRICES)
        for id in MARKETS:
            await wait_for_open(nc, id, shards=SHARDS)
        yield scripted


def rows(server: Server, tenant: str, kind: str) -> dict[str, dict[str, str]]:
    """`kubectl get` as people see it: each object's cells by column."""
    return {row["NAME"]: row for row in table(server.api.kubectl("get", kind, "-n", tenant))}


def status_of(server: Server, tenant: str, kind: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = (server.get(tenant, kind, name) or {}).get("status") or {}
    return found


async def shows(server: Server, tenant: str, right: Callable[[dict[str, str]], bool], what: str) -> None:
    """Wait until the class's row is right."""
    await calmly(lambda: right(rows(server, tenant, "markets")["m"]), what)


async def test_a_suspension_is_in_kubectl_get_and_described_and_an_event(
    server: Server, tenant: str, ingest: ScriptedIngest
) -> None:
    await shows(server, tenant, lambda row: row["OPEN"] == "2" and row["WHY"] == "NoHold", "both markets are open")
    row = rows(server, tenant, "markets")["m"]
    assert (row["READY"], row["REASON"], row["SUSPENDED"], row["PROVIDER"]) == ("True", "Live", "0", "one")

    await ingest.incident(MARKETS[0], "Goal")
    await shows(server, tenant, lambda row: row["SUSPENDED"] == "1", "one is suspended")
    row = rows(server, tenant, "markets")["m"]
    assert (row["OPEN"], row["WHY"]) == ("1", "EventStatus")
    described = server.api.kubectl("describe", "market", "m", "-n", tenant)
    assert f"1 of 2 markets are suspended; 1 EventStatus (trigger goal of strict), such as {MARKETS[0]}" in described
    assert "one reports Goal" in described
    events = server.api.kubectl("get", "events", "-n", tenant, "-o", "wide")
    assert "EventStatus" in events

    await calmly(lambda: rows(server, tenant, "suspensionpolicies")["strict"]["HOLDS"] == "1", "the policy counts")
    told = status_of(server, tenant, "suspensionpolicy", "strict")
    assert told["suspensionsLastHour"] == [{"type": "EventStatus", "count": 1}]


async def test_names_that_no_map_knows_are_shown_and_nothing_where_none_is_missing(
    server: Server, tenant: str, nc: Client, ingest: ScriptedIngest
) -> None:
    maps = [resource("EntityMap", name, {"sport": name.title()}) for name in ("football", "tennis")]
    named = provider("one", entityMapRefs=[{"name": "football"}, {"name": "tennis"}])
    await asyncio.to_thread(server.apply, tenant, *maps, named)
    missing = [{"sport": "Football", "what": "team", "name": "Nobody FC", "markets": 3}]
    said = {"state": "Connected", "connected": True, "endpoint": "feed:443", "unmatched": missing}
    status = StatusWriter(nc, "ingest.one")
    speaking = asyncio.create_task(_each_second(lambda: status.put(said)))
    try:
        await calmly(
            lambda: rows(server, tenant, "entitymaps")["football"]["MISSING"] == "team Nobody FC", "it is shown"
        )
        assert rows(server, tenant, "entitymaps")["tennis"]["MISSING"] == ""
    finally:
        speaking.cancel()


async def test_every_kind_has_columns_that_can_be_read(server: Server, tenant: str, ingest: ScriptedIngest) -> None:
    wide = server.api.kubectl("get", "touchline", "-n", tenant, "-o", "wide")
    for line in ("market.touchline.dev/m", "oddsengine.touchline.dev/main", "suspensionpolicy.touchline.dev/strict"):
        assert line in wide
    assert "<error" not in wide.lower()


async def _each_second(speak: Callable[[], Awaitable[object]]) -> None:
    while True:
        await speak()
        await asyncio.sleep(1)


async def test_a_halt_in_the_spec_is_shown_and_its_end_too(server: Server, tenant: str, ingest: ScriptedIngest) -> None:
    await shows(server, tenant, lambda row: row["OPEN"] == "2", "both markets are open")
    server.patch(tenant, "market", "m", {"spec": {"suspended": True}})
    await shows(server, tenant, lambda row: (row["SUSPENDED"], row["WHY"]) == ("2", "Manual"), "all are halted")
    assert "spec.suspended is true" in server.api.kubectl("describe", "market", "m", "-n", tenant)
    server.patch(tenant, "market", "m", {"spec": {"suspended": False}})
    await shows(server, tenant, lambda row: (row["OPEN"], row["WHY"]) == ("2", "NoHold"), "all are open again")


async def test_20_an_idle_engine_and_its_words_each_second_cause_no_write(
    server: Server, tenant: str, operator: Operator, ingest: ScriptedIngest
) -> None:
    await shows(server, tenant, lambda row: row["OPEN"] == "2" and row["WHY"] == "NoHold", "both markets are open")
    await calmly(lambda: status_of(server, tenant, "oddsengine", "main").get("events") == 2, "the engine counts")
    told = status_of(server, tenant, "oddsengine", "main")
    assert {"component": "book", "version": __version__, "ready": 1} in told["versions"]
    assert [each["leader"] for each in told["shardLeaders"]] == ["main-book-0"] * SHARDS
    await asyncio.to_thread(operator.look_again, "Market", 2)
    mark = server.api.audit.mark()
    await asyncio.to_thread(operator.look_again, "Market", 3)
    assert [each for each in server.writes(mark) if each.namespace == tenant] == []


async def test_a_book_that_falls_silent_is_no_longer_quoted(
    server: Server, tenant: str, ingest: ScriptedIngest, book: BookProcess
) -> None:
    await shows(server, tenant, lambda row: row["OPEN"] == "2", "both markets are open")
    book.kill()
    await shows(server, tenant, lambda row: row["WHY"] == "NoReport" and not row["OPEN"], "nothing is known any more")
    assert server.says(tenant, "market", "m", "Suspended", "Unknown", "NoReport")
