"""The ingest service on a real broker with the provider simulator: what it publishes, and what it says when something is wrong."""

import asyncio
import json
import statistics
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from nats.aio.client import Client

from support.ingest_scene import ACCEPT_ALL, betfair, declare, declare_engine, declare_provider, ingest
from support.ingest_service import connected, simulator, until_status
from support.servers import SHARDS
from support.waiting import until
from touchline.ingest.clock import system_clock
from touchline.ingest.corrections import split
from touchline.ingest.registry import Registry
from touchline.local.servers import NatsServer
from touchline.sim.clubs import CLUBS
from touchline.sim.faults import FaultKind

pytestmark = pytest.mark.servers


async def test_a_simulated_provider_is_published_without_holes_and_every_frame_is_filed(
    nats_server: NatsServer, nats: Client
) -> None:
    async with simulator() as served, connected(nats_server, nats, served) as scene:
        feed = scene.service.feed
        assert feed is not None
        await until(lambda: feed.frames.captured > 60, within=30)
        assert {shard for shard, _ in scene.reader.sets} == set(range(SHARDS))
        assert len(scene.reader.markets) > 10
        assert any(micro for sels in scene.reader.markets.values() for micro in sels.values())
    frames, updates = feed.frames, feed.pipeline.counts
    assert frames.captured == frames.accepted + frames.quarantined + frames.ignored
    filed = updates.accepted + updates.partial + updates.quarantined + updates.ignored + updates.waiting
    assert updates.received == filed
    assert scene.service.capture.stored == frames.captured
    assert len(await scene.raw_frames()) == frames.captured
    assert scene.reader.holes == []
    for shard in range(SHARDS):
        for image in feed.publisher.state.images(shard):
            assert scene.reader.markets[image.market] == {sel.id: sel.micro for sel in image.sels}
    assert scene.reader.state == "Disconnected"
    assert scene.reader.detail == "ingest is stopping"


async def test_beats_come_at_least_every_tenth_of_a_second(nats_server: NatsServer, nats: Client) -> None:
    async with simulator() as served, connected(nats_server, nats, served) as scene:
        start = len(scene.reader.beats)
        await until(lambda: len(scene.reader.beats) > start + 60, within=20)
        times = [at for at, _ in scene.reader.beats[start:]]
        gaps = [later - earlier for earlier, later in pairwise(times)]
        assert statistics.median(gaps) <= 0.1
        beat = scene.reader.beats[-1][1]
        assert 0 < beat.silence_us < 1_000_000
        assert beat.last_src > 0
        assert 0 <= beat.delay_us < 5_000_000


async def test_probes_are_echoed(nats_server: NatsServer, nats: Client) -> None:
    async with simulator() as served, connected(nats_server, nats, served) as scene:
        await nats.publish("probe.n1", b'["p","n1",4711]')
        await until(lambda: scene.reader.beats[-1][1].echo == {"n1": 4711})


async def test_a_book_node_that_asks_gets_a_set_that_equals_what_it_has(nats_server: NatsServer, nats: Client) -> None:
    async with simulator() as served, connected(nats_server, nats, served) as scene:
        known = set(scene.reader.markets)
        before = len(scene.reader.sets)
        for shard in range(SHARDS):
            await scene.ask_resync(shard)
        await scene.ask_resync(99)
        await nats.publish("control.resync.betfair-a", b"garbage")
        await until(lambda: len(scene.reader.sets) == before + SHARDS)
        assert known <= set(scene.reader.markets)
        assert scene.reader.holes == []


async def test_two_providers_of_one_event_publish_one_id(nats_server: NatsServer, nats: Client) -> None:
    football = {
        "sport": "Football", "unmatched": "Accept", "leagueWhenAbsent": "epl",
        "sportAliases": [{"id": "1", "protocol": "BetfairStream"}],
    }  # fmt: skip
    async with simulator("betfair-a", "betfair-b", fixtures=4) as served:
        await declare_engine(nats)
        await declare(nats, "EntityMap", "all", football | {"teams": _teams()})
        for name, port in served.ports.items():
            await declare(nats, "FeedProvider", name, betfair(port))
        async with ingest(nats_server, nats) as one, ingest(nats_server, nats, provider="betfair-b") as other:
            await until(lambda: one.reader.state == other.reader.state == "Connected", within=20)
            events = [{market.split(":")[0] for market in scene.reader.markets} for scene in (one, other)]
            assert len(events[0] & events[1]) >= 4


def _teams() -> list[dict[str, Any]]:
    """What both views call each club, from the simulator's own list."""
    return [{"id": f"club-{club.selection}", "name": club.full, "aliases": [{"name": club.short}]} for club in CLUBS]


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        (FaultKind.STATUS_503, "Unreliable"),
        (FaultKind.DISCONNECT, "Disconnected"),
        (FaultKind.SILENCE, "Disconnected"),
        (FaultKind.CORRUPT, "Recovering"),
    ],
)
async def test_a_fault_of_the_provider_shows_in_the_beats_and_ends_with_it(
    nats_server: NatsServer, nats: Client, kind: FaultKind, state: str
) -> None:
    async with simulator() as served, connected(nats_server, nats, served) as scene:
        before = len(scene.reader.beats)
        served.inject(kind, provider="betfair-a", for_us=3_000_000)
        await until(lambda: state in {beat.state for _, beat in scene.reader.beats[before:]}, within=15)
        served.faults.clear()
        await until(lambda: scene.reader.state == "Connected", within=20)
        assert scene.reader.holes == []
        if kind is FaultKind.CORRUPT:
            assert (await scene.first_quarantined())["reason"] == "MalformedFrame"


async def test_delay_and_silence_are_measured(nats_server: NatsServer, nats: Client) -> None:
    async with simulator() as served, connected(nats_server, nats, served) as scene:
        served.inject(FaultKind.DELAY, provider="betfair-a", by_us=900_000)
        await until(lambda: scene.reader.beats[-1][1].delay_us > 890_000, within=15)
        found = await until_status(nats, "maxDelay")
        assert found["health"]["delayP99Us"] > 890_000


async def test_a_killed_broker_loses_no_frame_and_the_feed_goes_on(nats_server: NatsServer, nats: Client) -> None:
    async with simulator() as served, connected(nats_server, nats, served) as scene:
        feed, capture = scene.service.feed, scene.service.capture
        assert feed is not None
        await until(lambda: capture.stored > 50, within=20)
        nats_server.kill()
        during = feed.frames.captured
        await until(lambda: feed.frames.captured > during + 20, within=20)
        nats_server.start()
        back = len(scene.reader.beats)
        await until(lambda: len(scene.reader.beats) > back + 5, within=20)
        after = feed.frames.captured
        await until(lambda: capture.stored > after, within=20)
        sets = len(scene.reader.sets)
        for shard in range(SHARDS):
            await scene.ask_resync(shard)
        await until(
            lambda: len(scene.reader.sets) == sets + SHARDS and scene.reader.seqs == feed.publisher.seqs, within=10
        )
        for shard in range(SHARDS):
            for image in feed.publisher.state.images(shard):
                assert scene.reader.markets[image.market] == {sel.id: sel.micro for sel in image.sels}
    found = [(one.connection, one.sequence) for one in await scene.raw_frames()]
    assert len(found) == len(set(found)) == feed.frames.captured
    assert sorted(sequence for _, sequence in found) == list(range(1, feed.frames.captured + 1))


async def test_a_full_capture_holds_the_provider_and_says_why_while_the_rest_runs(
    nats_server: NatsServer, nats: Client
) -> None:
    async with simulator() as served, connected(nats_server, nats, served) as scene:
        await _limit(nats, max_bytes=1, discard="new")
        await until(lambda: scene.reader.state == "Unreliable", within=15)
        assert scene.reader.detail.startswith("raw capture: ")
        found = await until_status(nats, '"fault": "maximum bytes')
        assert found["capture"]["waiting"] > 0
        seqs = list(scene.reader.seqs)
        await until(lambda: scene.reader.seqs > seqs)
        await _limit(nats, max_bytes=1 << 30)
        await until(lambda: scene.reader.state == "Connected", within=15)
        assert scene.reader.holes == []


async def _limit(nc: Client, **changes: Any) -> None:
    info = json.loads((await nc.request("$JS.API.STREAM.INFO.RAW_betfair-a", b"", timeout=5)).data)
    config = json.dumps(info["config"] | changes).encode()
    answer = await nc.request("$JS.API.STREAM.UPDATE.RAW_betfair-a", config, timeout=5)
    assert "error" not in json.loads(answer.data), answer.data


async def test_a_line_of_100_mb_is_quarantined_by_its_head_and_the_feed_reconnects(
    nats_server: NatsServer, nats: Client
) -> None:
    connections = 0

    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        writer.write(b'{"op":"mcm","junk":"')
        try:
            for _ in range(100):
                writer.write(b"x" * 1_000_000)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    await declare_provider(nats, port)
    async with server, ingest(nats_server, nats) as scene:
        await until(lambda: connections > 1, within=30)
        record = await scene.first_quarantined()
        assert record["reason"] == "FrameTooLong"
        assert "longer than" in record["detail"]
        assert record["head"].startswith("eyJvcCI6Im1jbSIsImp1bms")
        (_, headers, payload), *_ = await scene.stored("RAW_betfair-a")
        assert headers["Touchline-Truncated"] == "1"
        assert payload.startswith(b'{"op":"mcm","junk":"xxx')
        feed = scene.service.feed
        assert feed is not None
        assert feed.frames.captured == feed.frames.quarantined


async def test_a_person_who_splits_an_event_moves_its_markets_live(nats_server: NatsServer, nats: Client) -> None:
    async with simulator() as served, connected(nats_server, nats, served) as scene:
        feed = scene.service.feed
        assert feed is not None
        market = sorted(scene.reader.markets)[0]
        event = market.split(":")[0]
        record, _ = await Registry(nats, system_clock()).record(event)
        assert record is not None
        provider, _, native = next(iter(record.members)).partition("|")
        other = await split(Registry(nats, system_clock()), provider, native, by="ann", why="not this match")
        await until(lambda: any(name.startswith(f"{other}:") for name in scene.reader.markets))
        assert not any(name.startswith(f"{event}:") for name in scene.reader.markets)


async def test_a_whole_recording_is_filed_frame_by_frame(nats_server: NatsServer, nats: Client, tmp_path: Path) -> None:
    """A small recording of our own, with a line that nobody can read and a message that is not market data."""
    runners = [
        {"id": number, "name": name, "status": "ACTIVE", "sortPriority": number}
        for number, name in enumerate(("Home", "Away"), start=1)
    ]
    definition = {
        "eventId": "29", "eventTypeId": "1", "eventName": "Home v Away", "marketType": "MATCH_ODDS", "status": "OPEN",
        "inPlay": False, "betDelay": 0, "version": 1, "marketTime": "2026-03-01T15:00:00.000Z", "runners": runners,
    }  # fmt: skip

    def change(clk: str, pt: int, **changed: Any) -> dict[str, Any]:
        return {"op": "mcm", "clk": clk, "pt": 1772370000000 + pt, "mc": [{"id": "1.5", **changed}]}

    lines: list[Any] = [
        change("a", 0, marketDefinition=definition, rc=[{"id": 1, "batb": [[0, 2.5, 10]]}]),
        change("b", 1000, rc=[{"id": 2, "batb": [[0, 1.6, 10]]}]),
        {"op": "ccm", "pt": 1772370001500},
        '{"op":"mcm", broken',
        change("c", 2000, marketDefinition=definition | {"status": "SUSPENDED", "version": 2}),
    ]
    file = tmp_path / "recording"
    file.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    await declare_engine(nats)
    await declare(nats, "EntityMap", "all", ACCEPT_ALL)
    replay = {"protocol": "Replay", "replay": {"file": str(file), "speed": "Max"}, "entityMapRefs": [{"name": "all"}]}
    await declare(nats, "FeedProvider", "betfair-a", replay)
    async with ingest(nats_server, nats) as scene:
        await until(lambda: scene.service.capture.stored == 5, within=20)
        await until(lambda: scene.reader.state == "Connected")
        feed = scene.service.feed
        assert feed is not None
        assert (feed.frames.accepted, feed.frames.quarantined, feed.frames.ignored) == (3, 1, 1)
        assert feed.frames.ignored_by_rule == {"NotMarketData": 1}
        ((market, sels),) = scene.reader.markets.items()
        assert (sels, scene.reader.status[market]) == ({"home": 2_500_000, "away": 1_600_000}, 1)
        stored = [one.frame for one in await scene.raw_frames()]
        assert stored == file.read_bytes().splitlines()
