"""Everything that a gateway does, as the broker user that local mode and a cluster give it: nothing that it needs is refused."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from support.gateway_stage import SHARDS, Stage
from support.waiting import until
from touchline.bus.status import read_status
from touchline.local import credentials
from touchline.local.servers import NatsServer, ValkeyServer

pytestmark = pytest.mark.servers

MARKET = "e0:MatchWinner"


def login(user: str) -> tuple[str, str]:
    return user, f"{user}!"


@pytest.fixture
def strict_broker() -> Iterator[NatsServer]:
    users = credentials.users(shards=SHARDS, providers=["betfair-a"], password=lambda name: login(name)[1])
    with NatsServer(users=[user.entry() for user in users]) as server:
        yield server


@pytest.fixture
async def strict_stage(strict_broker: NatsServer, valkey_server: ValkeyServer, tmp_path: Path) -> AsyncIterator[Stage]:
    """Every part as its own user: the gateway as `gateway`, the leaders as `book`."""
    stage = Stage(strict_broker, valkey_server, tmp_path)
    stage.admin_user = login(credentials.ADMIN)
    stage.leader_user = login(credentials.BOOK)
    stage.gateway_user = login(credentials.GATEWAY)
    for market in (MARKET, "e0:TotalGoals:2.5", "e1:MatchWinner", "e3:MatchWinner"):
        stage.leader(market).open(market)
    await stage.open()
    try:
        yield stage
    finally:
        await stage.close()


def bet(key: str) -> dict[str, object]:
    leg = {"market": MARKET, "selection": "home", "price": "2.00", "version": "1.1"}
    return {"key": key, "stake": "10.00", "type": "Single", "legs": [leg]}


async def test_the_gateways_user_may_do_all_that_a_gateway_does(strict_stage: Stage) -> None:
    stage = strict_stage
    decision = {"key": "k1", "id": "b1", "decision": "Accepted"}
    stage.decisions["k1"] = decision
    await stage.start_gateway()
    leader = stage.leader(MARKET)
    async with stage.http() as http, stage.socket() as client:
        ready = (await http.get("/readyz")).json()
        assert ready["ready"]
        assert [shard["whole"] for shard in ready["shards"]] == [True] * SHARDS  # snapshots were asked for and answered
        assert await client.subscribe("*") == 4
        await stage.publish(leader.price(MARKET, home="2.02"), leader.turn(MARKET))
        await client.shows(MARKET, **leader.markets[MARKET].document(1))
        explained = (await http.get(f"/v1/markets/{MARKET}")).json()
        assert explained["source"] == "Leader"
        assert explained["detail"]["providers"] == ["betfair-a"]
        placed = await http.post("/v1/bets", json=bet("k1"))
        assert (placed.status_code, placed.json()) == (201, decision)
        assert (await http.get("/v1/bets/k1")).json() == decision
        status = (await http.get("/v1/status")).json()
        assert status["markets"] == 4
    await until_reported(stage)
    await stage.declare({"limits": {"connections": 7}})
    await until(lambda: "took up a changed OddsEngine" in stage.log.read_text(), within=10)
    assert await stage.stop_gateway() == 0
    log = stage.log.read_text()
    assert "ermissions" not in log, log


async def until_reported(stage: Stage) -> None:
    """Wait for the gateway's own status in the bucket."""
    found: dict[str, object] = {}
    while "gateway.gateway-1" not in found:
        found = await read_status(stage.admin)


async def test_a_gateway_with_a_wrong_password_says_so_and_can_be_stopped(strict_stage: Stage) -> None:
    strict_stage.gateway_user = (credentials.GATEWAY, "wrong")
    await strict_stage.start_gateway(ready=False)
    assert strict_stage.process is not None
    said = f"broker {strict_stage.nats_server.url}: nats: 'Authorization Violation'"
    await until(lambda: said in strict_stage.log.read_text(), within=30, what=strict_stage.log.read_text)
    assert await strict_stage.stop_gateway() == 1
    assert "stopped while waiting for the broker" in strict_stage.log.read_text()


async def test_a_gateway_under_a_user_that_may_not_ask_for_books_serves_nothing_as_true(strict_stage: Stage) -> None:
    """The proof that the test above sees refusals: the command line's user cannot hear prices."""
    strict_stage.gateway_user = login(credentials.CLI)
    await strict_stage.start_gateway(ready=False)
    await until(lambda: "ermissions" in strict_stage.log.read_text(), within=60)
