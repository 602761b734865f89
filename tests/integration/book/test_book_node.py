"""A book node as a process, against real servers: it leads, prices, decides, tells, and stops when told."""

import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import msgspec
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from redis import asyncio as redis

from support.book_process import (
    BookProcess,
    bet_on,
    book_nodes,
    configure,
    decisions,
    engine,
    football,
    leader_of,
    look_up,
    place,
    place_until_answered,
    policy,
    provider,
    status_of,
    wait_for_open,
)
from support.scripted_ingest import ScriptedIngest
from touchline.bus import subjects, wire
from touchline.bus.connection import connect
from touchline.bus.messages import BetReply, decode_decided, decode_shard_beat
from touchline.bus.provision import provision
from touchline.bus.settings import Settings
from touchline.domain.keys import shard_of
from touchline.domain.status import ProviderStatus
from touchline.domain.version import Version
from touchline.local import credentials
from touchline.local.servers import NatsServer, ValkeyServer, free_port
from touchline.version import __version__

pytestmark = pytest.mark.servers

SHARDS = 2
MARKET = "e1:MatchWinner"
SHARD = shard_of("e1", SHARDS)
PRICES = {"home": 2_000_000, "draw": 3_400_000, "away": 3_750_000}


def document(reply: BetReply) -> dict[str, Any]:
    decoded: dict[str, Any] = json.loads(bytes(reply.decision))
    return decoded


async def until(condition: Callable[[], Awaitable[bool]], within: float = 10.0) -> None:
    async with asyncio.timeout(within):
        while not await condition():  # noqa: ASYNC110 - the condition is in another process
            await asyncio.sleep(0.02)


@pytest.fixture
async def ingest(nats: Client) -> AsyncIterator[ScriptedIngest]:
    await configure(nats, engine(shards=SHARDS), provider(), football(), policy())
    async with ScriptedIngest(nats, shards=SHARDS) as scripted:
        yield scripted


@pytest.fixture
def node(nats_server: NatsServer, valkey_server: ValkeyServer) -> Iterator[BookProcess]:
    with book_nodes("b1", nats_url=nats_server.url, redis_url=valkey_server.url) as nodes:
        yield nodes["b1"]


async def test_a_node_leads_prices_decides_bets_and_gives_its_leases_back(
    nats: Client, ingest: ScriptedIngest, node: BookProcess
) -> None:
    await ingest.market(MARKET, prices=PRICES)
    detail = await wait_for_open(nats, MARKET, shards=SHARDS)
    request = bet_on(MARKET, key="k1", version=detail["version"])
    first = await place_until_answered(nats, request, shards=SHARDS)
    assert first.status == 201
    assert (document(first)["decision"], document(first)["durability"]) == ("Accepted", "Fsync")

    again = await place(nats, request, shards=SHARDS)
    assert (again.status, bytes(again.decision)) == (200, bytes(first.decision))
    found = await look_up(nats, request, shards=SHARDS)
    assert (found.status, bytes(found.decision)) == (200, bytes(first.decision))
    other = await place(nats, bet_on(MARKET, key="k1", version=detail["version"], stake=11_000_000), shards=SHARDS)
    assert (other.status, document(other)["reason"]) == (409, "Duplicate")

    records = await decisions(nats, SHARD)
    assert [record["record"] for record in records] == ["epoch", "bet"]
    assert msgspec.json.decode(first.decision) == records[1]["document"]

    assert node.terminate() == 0
    assert await leader_of(nats, SHARD) == ("", 1)


async def test_a_halted_class_and_a_suspending_provider_are_live_at_once(
    nats: Client, ingest: ScriptedIngest, node: BookProcess
) -> None:
    await ingest.market(MARKET, prices=PRICES)
    await wait_for_open(nats, MARKET, shards=SHARDS)

    async def reason(key: str) -> object:
        return document(await place_until_answered(nats, bet_on(MARKET, key=key, version="0.0"), shards=SHARDS))[
            "reason"
        ]

    assert await reason("open") is None
    await ingest.status(MARKET, ProviderStatus.SUSPENDED)
    await nats.flush()
    assert await reason("suspended") == "MarketSuspended"
    await ingest.status(MARKET, ProviderStatus.OPEN)
    await wait_for_open(nats, MARKET, shards=SHARDS)
    await configure(nats, football(suspended=True))
    tries = iter(range(1000))

    async def halted() -> bool:
        return await reason(f"halted{next(tries)}") == "MarketSuspended"

    await until(halted, within=10)
    await configure(nats, football(betting={"stake": {"min": "20.00", "max": "30.00"}}))

    async def limited() -> bool:
        return await reason(f"limited{next(tries)}") == "StakeBelowMinimum"

    await until(limited, within=10)


async def test_an_in_play_bet_is_pending_and_its_final_decision_is_announced(
    nats: Client, ingest: ScriptedIngest, node: BookProcess
) -> None:
    await configure(nats, football(betting={"delay": "1s"}))
    announced: asyncio.Queue[bytes] = asyncio.Queue()

    async def hear(msg: Msg) -> None:
        announced.put_nowait(msg.data)

    await nats.subscribe(subjects.all_decided(), cb=hear)
    await ingest.market(MARKET, prices=PRICES, in_play=True)
    await wait_for_open(nats, MARKET, shards=SHARDS)
    request = bet_on(MARKET, key="delayed", version="0.0")
    pending = await place_until_answered(nats, request, shards=SHARDS)
    assert (pending.status, document(pending)["decision"]) == (202, "Pending")
    await ingest.price(MARKET, "home", 2_100_000)
    async with asyncio.timeout(5):
        told = decode_decided(await announced.get())
    final = json.loads(bytes(told.decision))
    assert (told.customer, told.key) == ("c1", "delayed")
    assert (final["decision"], final["legs"][0]["acceptedPrice"]) == ("Accepted", "2.10")
    assert final["at"] - document(pending)["at"] >= 1_000_000
    assert document(await look_up(nats, request, shards=SHARDS)) == final


async def test_updates_leave_in_sequence_with_beats_behind_them_and_a_snapshot_joins_on(
    nats: Client, ingest: ScriptedIngest, node: BookProcess
) -> None:
    frames: list[wire.BookFrame] = []
    beats: list[Version] = []
    early: list[Version] = []

    async def book(msg: Msg) -> None:
        frames.append(wire.unpack(msg.data))

    async def beat(msg: Msg) -> None:
        seen = decode_shard_beat(msg.data)
        beats.append(Version(seen.epoch, seen.seq))
        if frames and Version(seen.epoch, seen.seq) > (frames[-1].epoch, frames[-1].seq):
            early.append(Version(seen.epoch, seen.seq))

    async def hear(msg: Msg) -> None:
        if msg.subject.startswith(f"book.{SHARD}."):
            await book(msg)
        elif msg.subject == subjects.shard_beat(SHARD):
            await beat(msg)

    # One subscription for both, as they are to be read: in the order in which they came.
    await nats.subscribe(">", cb=hear)
    await ingest.market(MARKET, prices=PRICES)
    await wait_for_open(nats, MARKET, shards=SHARDS)
    for n in range(200):
        await ingest.price(MARKET, "home", 2_000_000 + n * 1000)

    async def all_there() -> bool:
        return bool(frames) and b'"home":"2.199"' in frames[-1].body

    await until(all_there)
    assert [frame.seq for frame in frames] == list(range(frames[0].seq, frames[0].seq + len(frames)))
    assert all(frame.prev == before.seq for before, frame in itertools.pairwise(frames) if frame.kind == "D")

    async def beaten() -> bool:
        return bool(beats) and beats[-1] == (frames[-1].epoch, frames[-1].seq)

    await until(beaten)
    assert early == [], "a beat never names an update that was not read before it"
    reply = await nats.request(subjects.snapshot(SHARD), b"", timeout=1)
    states, end = wire.unpack_snapshot(reply.data)
    assert end == (frames[-1].epoch, frames[-1].seq)
    ((subject, state),) = states
    assert (subject, state.kind, state.market, state.seq) == (
        f"book.{SHARD}.Football.eng-premier-league.e1.MatchWinner", "S", MARKET, frames[-1].seq
    )  # fmt: skip
    assert b'"home":"2.199"' in state.body


async def test_last_values_are_written_and_survive_a_restart_of_the_cache(
    nats: Client, ingest: ScriptedIngest, node: BookProcess, valkey_server: ValkeyServer
) -> None:
    await ingest.market(MARKET, prices=PRICES)
    await wait_for_open(nats, MARKET, shards=SHARDS)
    client = redis.Redis.from_url(valkey_server.url)

    async def price() -> bytes:
        try:
            value = await client.hget(f"tl:lvc:{SHARD}", MARKET)
        except (redis.ConnectionError, OSError):
            return b""
        return wire.unpack(value.partition(b"\n")[2]).body if isinstance(value, bytes) else b""

    async def held(text: bytes) -> bool:
        return text in await price()

    await until(lambda: held(b'"home":"2.00"'))
    valkey_server.kill()
    await ingest.price(MARKET, "home", 2_500_000)
    answer = await place_until_answered(nats, bet_on(MARKET, key="meanwhile", version="0.0"), shards=SHARDS)
    assert document(answer)["decision"] == "Accepted"
    valkey_server.start()
    await until(lambda: held(b'"home":"2.50"'))
    await client.aclose()


async def test_bets_are_refused_while_the_store_keeps_less_than_declared(
    nats: Client, ingest: ScriptedIngest, node: BookProcess
) -> None:
    quorum = engine(shards=SHARDS, durability="Quorum")
    quorum["spec"]["nats"] = {"external": {"urls": ["nats://127.0.0.1:4222"]}}
    await configure(nats, quorum)
    await ingest.market(MARKET, prices=PRICES)
    await wait_for_open(nats, MARKET, shards=SHARDS)

    async def refused() -> bool:
        reply = await place(nats, bet_on(MARKET, key="k", version="0.0"), shards=SHARDS)
        return reply.status == 503 and "bets.durability is Quorum" in str(document(reply)["detail"])

    await until(refused)
    assert "only Fsync" in str(
        document(await place(nats, bet_on(MARKET, key="k", version="0.0"), shards=SHARDS))["detail"]
    )
    await configure(nats, engine(shards=SHARDS))
    taken = await place_until_answered(nats, bet_on(MARKET, key="k", version="0.0"), shards=SHARDS)
    assert document(taken)["decision"] == "Accepted"
    assert [record["record"] for record in await decisions(nats, SHARD)] == ["epoch", "bet"]


async def test_what_cannot_be_read_is_said_and_does_no_harm(
    nats: Client, ingest: ScriptedIngest, node: BookProcess
) -> None:
    await ingest.market(MARKET, prices=PRICES)
    await wait_for_open(nats, MARKET, shards=SHARDS)
    for subject in (f"odds.{SHARD}.betfair-a", "odds.beat.betfair-a", "odds.99.x", "odds.x.y"):
        await nats.publish(subject, b"{not a message")
    for subject in (subjects.bet(SHARD), subjects.bet_lookup(SHARD), subjects.market_detail(SHARD), subjects.bet(99)):
        await nats.publish(subject, b'{"key":1}', reply=nats.new_inbox())
    await nats.publish("$KV.config.Market.broken", b'{"kind":"Market"}')
    answer = await place_until_answered(nats, bet_on(MARKET, key="k", version="0.0"), shards=SHARDS)
    assert document(answer)["decision"] == "Accepted"

    async def said() -> bool:
        return "Market.broken" in node.output

    await until(said)
    assert f"a message on odds.{SHARD}.betfair-a cannot be read" in node.output
    assert "Traceback" not in node.output


async def test_the_status_says_what_is_led_and_how_it_stands(
    nats: Client, ingest: ScriptedIngest, node: BookProcess
) -> None:
    await ingest.market(MARKET, prices=PRICES)
    await ingest.market("e2:MatchWinner", prices=PRICES, sport="Curling")
    await wait_for_open(nats, MARKET, shards=SHARDS)
    await place_until_answered(nats, bet_on(MARKET, key="k", version="0.0"), shards=SHARDS)

    async def complete() -> bool:
        status = await status_of(nats, "b1")
        return bool(status.get("bets", {}).get("Accepted")) and status["cache"] == "connected"

    await until(complete)
    status = await status_of(nats, "b1")
    assert status["leads"] == [0, 1]
    assert status["markets"] == {"Open": 1, "Suspended": 1}
    assert status["holds"] == {"NoProvider": 1}
    assert status["providers"]["betfair-a"]["state"] == "Connected"
    assert status["providers"]["betfair-a"]["provenAgeMs"] < 1000
    assert status["shards"][str(SHARD)]["desk"]["deciding"] is True


async def test_a_suspended_market_is_told_under_its_class_with_the_trigger_that_holds_it(
    nats: Client, ingest: ScriptedIngest, node: BookProcess
) -> None:
    goal = {"name": "goal", "type": "EventStatus", "action": "SuspendAndReview", "eventStatus": {"incidents": ["Goal"]}}
    strict = policy()
    strict["spec"]["triggers"] = [goal]
    await configure(nats, strict)
    for market in (MARKET, "e2:MatchWinner"):
        await ingest.market(market, prices=PRICES)
        await wait_for_open(nats, market, shards=SHARDS)

    async def told(markets: dict[str, int]) -> bool:
        found = (await status_of(nats, "b1")).get("classes", {}).get("football", {})
        return bool(found.get("markets") == markets)

    await until(lambda: told({"Open": 2}))
    await ingest.incident(MARKET, "Goal")
    began = time.monotonic()
    await until(lambda: told({"Open": 1, "Suspended": 1}))
    assert time.monotonic() - began < 2, "within a report or two"
    status = await status_of(nats, "b1")
    (hold,) = status["classes"]["football"]["holds"]
    assert hold.pop("detail").startswith("betfair-a reports Goal")
    assert hold == {"cause": "policy/calm/goal", "reason": "EventStatus", "markets": 1, "example": MARKET}
    assert status["classes"]["football"]["providers"] == {"betfair-a": 2}
    assert status["policies"] == {"calm": {"holds": {"goal": 1}, "lastHour": {"EventStatus": 1}}}
    assert status["shards"][str(SHARD)]["events"] >= 1
    assert status["version"] == __version__


async def test_a_node_works_with_no_more_than_its_own_brokers_permissions() -> None:
    passwords = {name: f"secret-{name}" for name in (credentials.ADMIN, credentials.BOOK, "cli", "gateway", "recorder")}
    users = credentials.users(shards=SHARDS, providers=[], password=lambda name: passwords[name])
    with NatsServer(users=[user.entry() for user in users]) as server:
        admin = await connect(
            Settings(nats_url=server.url, nats_user="admin", nats_password=passwords["admin"]), name="test"
        )
        await provision(admin, shards=SHARDS)
        await configure(admin, engine(shards=SHARDS), provider(), football(), policy())
        async with ScriptedIngest(admin, shards=SHARDS) as ingest:
            user = {"TOUCHLINE_NATS_USER": "book", "TOUCHLINE_NATS_PASSWORD": passwords["book"]}
            with book_nodes("b1", nats_url=server.url, **user) as nodes:
                await ingest.market(MARKET, prices=PRICES)
                await wait_for_open(admin, MARKET, shards=SHARDS)
                answer = await place_until_answered(admin, bet_on(MARKET, key="k", version="0.0"), shards=SHARDS)
                assert document(answer)["decision"] == "Accepted"

                async def reported() -> bool:
                    return bool((await status_of(admin, "b1")).get("leads"))

                await until(reported)
                assert "refused a subject" not in nodes["b1"].output
        await admin.close()


async def test_a_node_without_an_engine_waits_and_says_so(nats: Client, nats_server: NatsServer) -> None:
    with book_nodes("b1", nats_url=nats_server.url) as nodes:

        async def waiting() -> bool:
            return "OddsEngine" in str((await status_of(nats, "b1")).get("waitingFor"))

        await configure(nats, football(), policy())
        await until(waiting, within=60)
        with pytest.raises((NatsError, TimeoutError)):
            await nats.request(subjects.bet(0), b"{}", timeout=0.1)
        await configure(nats, engine(shards=SHARDS))

        async def leads() -> bool:
            return (await status_of(nats, "b1")).get("leads") == [0, 1]

        await until(leads)
        assert nodes["b1"].terminate() == 0


async def test_a_node_that_is_told_to_stop_while_it_waits_for_its_broker_stops() -> None:
    with book_nodes("b1", nats_url=f"nats://127.0.0.1:{free_port()}") as nodes:

        async def tries() -> bool:
            return "broker" in nodes["b1"].output

        await until(tries, within=60)
        assert nodes["b1"].terminate() == 0
