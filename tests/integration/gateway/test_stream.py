"""The WebSocket stream end to end, read by an independent client library."""

import asyncio
import json
import signal
import socket

import pytest
import websockets

from support.gateway_stage import Stage
from support.waiting import until

pytestmark = pytest.mark.servers

MARKET = "e0:MatchWinner"


async def test_a_subscriber_gets_the_states_and_then_each_change(stage: Stage) -> None:
    await stage.start_gateway()
    async with stage.socket() as client:
        assert client.connection.subprotocol == "touchline.v1"
        assert await client.subscribe("event:e0") == 2
        assert set(client.reader.markets) == {"e0:MatchWinner", "e0:TotalGoals:2.5"}
        leader = stage.leader(MARKET)
        await stage.publish(leader.price(MARKET, home="2.02"), leader.suspend(MARKET), leader.turn(MARKET))
        await client.shows(MARKET, **leader.markets[MARKET].document(1))
        assert client.reader.states == 2


async def test_a_market_that_appears_later_arrives_and_one_that_goes_is_gone(stage: Stage) -> None:
    await stage.start_gateway()
    async with stage.socket() as client:
        await client.subscribe("*")
        leader = stage.leader("e7:MatchWinner")
        await stage.publish(leader.open("e7:MatchWinner"))
        await client.shows("e7:MatchWinner", status="Open")
        await stage.publish(leader.remove("e7:MatchWinner"))
        await client.until(lambda: "e7:MatchWinner" not in client.reader.markets)


async def test_a_turns_updates_arrive_in_one_message_with_the_suspension_first(stage: Stage) -> None:
    await stage.start_gateway()
    messages: list[str] = []
    async with websockets.connect(f"ws://127.0.0.1:{stage.port}/v1/ws") as client:
        await client.send('{"id":1,"op":"subscribe","topics":["event:e0"]}')
        async for message in client:
            if "synced" in str(message):
                break
        leader = stage.leader(MARKET)
        frames = [leader.price(MARKET, home=f"2.{number}0") for number in range(1, 6)]
        frames.append(leader.suspend("e0:TotalGoals:2.5"))
        stage.beating = False  # nothing else may be waiting
        await stage.publish_at_once(*frames)
        seen: list[dict[str, object]] = []
        async with asyncio.timeout(5):
            while len(seen) < 6:
                messages.append(str(await client.recv()))
                content = json.loads(messages[-1])
                seen += content if isinstance(content, list) else [content]
    assert len(messages) == 1
    assert [item["m"] for item in seen] == ["e0:TotalGoals:2.5"] + [MARKET] * 5


async def test_a_missed_update_is_healed_by_a_snapshot_and_no_delta_passes_before(stage: Stage) -> None:
    await stage.start_gateway()
    async with stage.socket() as client:
        await client.subscribe("*")
        leader = stage.leader(MARKET)
        leader.price(MARKET, home="3.00")  # lost on its way
        stage.answering = False
        await stage.publish(leader.price(MARKET, home="3.10"))
        await client.shows(MARKET, status="Suspended")  # not healed within the silence: nobody vouches for it
        assert client.reader.markets[MARKET]["holds"][-1]["reason"] == "AuthorityLost"
        assert client.reader.markets[MARKET]["sel"]["home"] == "2.00"
        stage.answering = True
        await client.shows(MARKET, **leader.markets[MARKET].document(1))


async def test_an_update_lost_before_a_quiet_time_shows_in_the_beats(stage: Stage) -> None:
    await stage.start_gateway()
    async with stage.socket() as client:
        await client.subscribe("*")
        before = stage.snapshots
        leader = stage.leader(MARKET)
        leader.suspend(MARKET)  # never published: only the leader's beats tell of it
        await client.shows(MARKET, status="Suspended")
        assert stage.snapshots == before + 1
        assert client.reader.markets[MARKET]["holds"] == [{"reason": "Manual", "since": 5}]


async def test_a_new_leader_arrives_as_states_in_the_new_epoch(stage: Stage) -> None:
    await stage.start_gateway()
    async with stage.socket() as client:
        await client.subscribe("*")
        leader = stage.leader(MARKET)
        await stage.publish(*leader.take_over())
        await client.shows(MARKET, **leader.markets[MARKET].document(2))
        await stage.publish(leader.price(MARKET, home="4.00"))
        await client.shows(MARKET, **leader.markets[MARKET].document(2))


async def test_silent_leaders_are_shown_as_lost_authority_and_come_back(stage: Stage) -> None:
    await stage.start_gateway()
    async with stage.socket() as client:
        await client.subscribe("*")
        stage.beating = False
        for market in list(client.reader.markets):
            await client.shows(market, status="Suspended")
            assert client.reader.markets[market]["holds"][-1]["reason"] == "AuthorityLost"
        stage.beating = True
        for market in list(client.reader.markets):
            await client.shows(market, status="Open", holds=[])
        await stage.publish(stage.leader(MARKET).price(MARKET, home="2.30"))
        await client.shows(MARKET, **stage.leader(MARKET).markets[MARKET].document(1))


async def test_a_client_resumes_from_its_versions_with_deltas_only(stage: Stage) -> None:
    await stage.start_gateway()
    leader = stage.leader(MARKET)
    async with stage.socket() as client:
        await client.subscribe("event:e0")
        known = client.reader
    await stage.publish(*(leader.price(MARKET, home=f"2.{number}1") for number in range(1, 5)))
    async with stage.socket() as client:
        client.reader.markets, client.reader.versions = known.markets, known.versions
        await client.subscribe("event:e0", resume=known.resume())
        assert client.reader.states == 0
        assert client.reader.deltas == 4
        assert client.reader.markets[MARKET] == leader.markets[MARKET].document(1)


async def test_a_client_that_never_reads_gets_the_newest_when_it_reads_again(stage: Stage) -> None:
    await stage.start_gateway()
    leader = stage.leader(MARKET)
    async with stage.socket() as reader, _Deaf(stage.port) as deaf:
        await reader.subscribe("*")
        note = "x" * 20_000
        for number in range(1, 501):
            await stage.publish(leader.price(MARKET, home=f"2.{number:04d}", note=note))
            if number % 50 == 0:
                await reader.shows(MARKET, v=f"1.{leader.seq}")
        assert await figure(stage, "conflated_total") > 100
        # The queue of old prices, then the newest state, and little between: of 10 MB in all.
        seen = await asyncio.get_running_loop().run_in_executor(None, deaf.read_until, f'"v":"1.{leader.seq}"')
        assert len(seen) < 1_500_000
        assert seen.count('"op":"delta"') < 100


async def test_with_action_disconnect_a_slow_client_is_closed(stage: Stage) -> None:
    await stage.declare({"slowConsumer": {"maxPending": "64Ki", "action": "Disconnect"}})
    await stage.start_gateway()
    leader = stage.leader(MARKET)
    async with stage.socket() as reader, _Deaf(stage.port) as deaf:
        await reader.subscribe("*")
        await until_figure(stage, "connections", 2)
        note = "x" * 20_000
        for number in range(1, 201):
            await stage.publish(leader.price(MARKET, home=f"2.{number:04d}", note=note))
        await until_figure(stage, "connections", 1)
        await reader.shows(MARKET, v=f"1.{leader.seq}")
        assert await asyncio.get_running_loop().run_in_executor(None, deaf.ended)


async def figure(stage: Stage, name: str) -> float:
    """One of the gateway's metrics."""
    async with stage.http() as http:
        text = (await http.get("/metrics")).text
    return next(float(line.split()[1]) for line in text.splitlines() if line.startswith(f"touchline_gateway_{name} "))


async def until_figure(stage: Stage, name: str, value: float) -> None:
    """Wait until a metric has a value."""
    async with asyncio.timeout(20):
        while await figure(stage, name) != value:  # noqa: ASYNC110 - another process's figure
            await asyncio.sleep(0.02)


async def test_drain_tells_clients_and_closes_them_with_1012(stage: Stage) -> None:
    await stage.start_gateway()
    async with stage.socket() as client:
        await client.subscribe("*")
        assert stage.process is not None
        stage.process.send_signal(signal.SIGTERM)
        await client.until(lambda: client.reader.drains)
        assert client.reader.drains == [{"op": "drain", "after": 500}]
        code, _ = await client.closed()
        assert code == 1012
    assert await stage.stop_gateway() == 0


async def test_readiness_fails_before_the_drain(stage: Stage) -> None:
    await stage.start_gateway()
    async with stage.http() as http, stage.socket() as client:
        await client.subscribe("*")
        assert stage.process is not None
        stage.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(5):
            while (await http.get("/readyz")).status_code == 200:
                assert not client.reader.drains
        assert (await http.get("/readyz")).json()["reasons"] == ["draining"]


class _Deaf:
    """A subscriber on a bare socket that does not read."""

    def __init__(self, port: int) -> None:
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        self.socket.connect(("127.0.0.1", port))
        self.socket.sendall(
            b"GET /v1/ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        text = b'{"id":1,"op":"subscribe","topics":["*"]}'
        mask = b"\x00\x00\x00\x00"
        self.socket.sendall(bytes((0x81, 0x80 | len(text))) + mask + text)
        assert b"101" in self.socket.recv(512)

    def read_until(self, mark: str) -> str:
        self.socket.settimeout(5)
        seen = bytearray()
        while mark.encode() not in seen[-100_000:]:
            part = self.socket.recv(1 << 16)
            assert part, f"closed after {len(seen)} bytes"
            seen += part
        return seen.decode("utf-8", "replace")

    def ended(self) -> bool:
        """Read to the end: the server has closed, or cut, the connection."""
        self.socket.settimeout(10)
        try:
            while self.socket.recv(1 << 16):
                pass
        except ConnectionResetError:
            pass
        return True

    async def __aenter__(self) -> "_Deaf":
        return self

    async def __aexit__(self, *_: object) -> None:
        self.socket.close()


async def test_a_gateway_killed_and_started_again_serves_the_same_versions(stage: Stage) -> None:
    await stage.start_gateway()
    async with stage.socket() as client:
        await client.subscribe("*")
        known = client.reader
    await stage.stop_gateway(signal.SIGKILL)
    leader = stage.leader(MARKET)
    await stage.publish(leader.price(MARKET, home="5.00"))
    await stage.start_gateway()
    async with stage.socket() as client:
        client.reader.markets, client.reader.versions = known.markets, known.versions
        await client.subscribe("*", resume=known.resume())
        await client.shows(MARKET, **leader.markets[MARKET].document(1))


async def test_the_broker_killed_and_started_again_leaves_no_gap(stage: Stage) -> None:
    await stage.start_gateway()
    leader = stage.leader(MARKET)
    async with stage.socket() as client:
        await client.subscribe("*")
        stage.nats_server.kill()
        leader.price(MARKET, home="6.00")  # nobody hears it
        await client.shows(MARKET, status="Suspended")
        stage.nats_server.start()
        await until(lambda: stage.nc.is_connected, within=10)
        await client.shows(MARKET, **leader.markets[MARKET].document(1))
        await stage.publish(leader.price(MARKET, home="6.10"))
        await client.shows(MARKET, **leader.markets[MARKET].document(1))
