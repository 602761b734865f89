"""What a book node answers to those who run it: probes and figures, with a broker that comes and goes."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
from nats.aio.client import Client

from support.book_process import (
    BookProcess,
    bet_on,
    configure,
    engine,
    football,
    place_until_answered,
    policy,
    provider,
    wait_for_open,
)
from support.health_port import ANY_PORT, HealthClient, taken_port
from support.returning_broker import nats_server
from support.scripted_ingest import ScriptedIngest
from support.waiting import until_found
from touchline.domain.reasons import HoldReason
from touchline.local.servers import NatsServer, ValkeyServer, free_port

__all__ = ["nats_server"]

pytestmark = pytest.mark.servers

SHARDS = 2
MARKET = "e1:MatchWinner"
PRICES = {"home": 2_000_000, "draw": 3_400_000, "away": 3_750_000}


@pytest.fixture
def node(nats_server: NatsServer, valkey_server: ValkeyServer) -> Iterator[BookProcess]:
    env = {"TOUCHLINE_NATS_URL": nats_server.url, "TOUCHLINE_REDIS_URL": valkey_server.url}
    started = BookProcess("b1", env, *ANY_PORT)
    yield started
    started.end()


async def test_a_node_is_ready_once_an_engine_is_known_and_every_decision_is_read(
    nats: Client, node: BookProcess
) -> None:
    health = await HealthClient(lambda: node.output).start()
    await health.until_unready("there is no OddsEngine")
    assert await health.alive()
    await configure(nats, engine(shards=SHARDS), provider(), football(), policy())
    await health.until_ready()
    assert node.terminate() == 0, node.output


async def test_a_broker_that_is_away_makes_a_node_unready_and_never_unhealthy(
    nats: Client, nats_server: NatsServer, node: BookProcess
) -> None:
    await configure(nats, engine(shards=SHARDS), provider(), football(), policy())
    health = await HealthClient(lambda: node.output).start()
    await health.until_ready()
    nats_server.stop()
    await health.until_unready("the broker is not connected")
    assert await health.alive()
    await health.until_unready("decisions of shards 0, 1 are not read to their end")
    assert (await health.figures())["touchline_book_broker_connected"] == 0
    nats_server.start()
    await health.until_ready()
    assert node.process.poll() is None


async def test_a_node_answers_before_there_is_a_broker_and_ends_when_told(node: BookProcess) -> None:
    lonely = BookProcess("b2", {"TOUCHLINE_NATS_URL": f"nats://127.0.0.1:{free_port()}"}, *ANY_PORT)
    try:
        health = await HealthClient(lambda: lonely.output).start()
        assert await health.reasons() == [
            "the broker is not connected",
            "there is no OddsEngine in the config bucket yet",
        ]
        assert await health.alive()
        assert (await health.figures())["touchline_book_ready"] == 0
        assert lonely.terminate() == 0
    finally:
        lonely.end()


async def test_the_figures_tell_who_leads_what_is_held_and_what_was_decided(nats: Client, node: BookProcess) -> None:
    await configure(nats, engine(shards=SHARDS), provider(), football(), policy())
    async with ScriptedIngest(nats, shards=SHARDS) as ingest:
        health = await HealthClient(lambda: node.output).start()
        await ingest.market(MARKET, prices=PRICES)
        await ingest.market("e2:MatchWinner", prices=PRICES, sport="Curling")
        detail = await wait_for_open(nats, MARKET, shards=SHARDS)
        await place_until_answered(nats, bet_on(MARKET, key="k1", version=detail["version"]), shards=SHARDS)

        async def told() -> bool:
            found = await health.figures()
            return (
                found["touchline_book_ready"] == 1
                and found["touchline_book_leading{shard=0}"] == found["touchline_book_leading{shard=1}"] == 1
                and found["touchline_book_markets{status=Open}"] == 1
                and found["touchline_book_bets_total{decision=Accepted}"] == 1
            )

        await until_found(told, within=10)
        found = await health.figures()
        held = {name for name in found if name.startswith("touchline_book_holds")}
        assert held == {f"touchline_book_holds{{reason={reason.value}}}" for reason in HoldReason}
        assert sum(found[name] for name in held) >= 1, "the market that no Market resource selects is held"
        assert found["touchline_book_pauses_total"] == 0


async def test_decisions_of_an_earlier_life_are_not_counted_again(
    nats: Client, nats_server: NatsServer, node: BookProcess
) -> None:
    await configure(nats, engine(shards=SHARDS), provider(), football(), policy())
    async with ScriptedIngest(nats, shards=SHARDS) as ingest:
        await ingest.market(MARKET, prices=PRICES)
        detail = await wait_for_open(nats, MARKET, shards=SHARDS)
        await place_until_answered(nats, bet_on(MARKET, key="k1", version=detail["version"]), shards=SHARDS)
        second = BookProcess("b2", {"TOUCHLINE_NATS_URL": nats_server.url}, *ANY_PORT)
        try:
            health = await HealthClient(lambda: second.output).start()
            await health.until_ready()
            assert (await health.figures())["touchline_book_bets_total{decision=Accepted}"] == 0
            await place_until_answered(nats, bet_on(MARKET, key="k2", version=detail["version"]), shards=SHARDS)

            async def followed() -> bool:
                return (await health.figures())["touchline_book_bets_total{decision=Accepted}"] == 1

            await until_found(followed)
        finally:
            second.end()


def test_a_health_port_that_is_taken_is_told_in_one_line(nats_server: NatsServer) -> None:
    with taken_port() as port:
        node = BookProcess("b1", {"TOUCHLINE_NATS_URL": nats_server.url}, "--health-port", str(port))
        try:
            assert node.process.wait(30) == 1
            (line,) = node.output.splitlines()
            assert f"cannot listen on 127.0.0.1:{port}" in line
            assert "choose another --health-port" in line
        finally:
            node.end()


@pytest.mark.parametrize("component", ["book", "ingest"])
def test_a_web_server_is_imported_by_those_who_answer_only(component: str) -> None:
    # (nats-py imports aiohttp's client where it is installed.)
    which = ("aiohttp.web", "prometheus_client")
    code = f"import sys, touchline.{component}.__main__; print([each for each in {which} if each in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
