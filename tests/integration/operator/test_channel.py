"""The operator's channel on a real broker: what it makes there, and that it asks for nothing twice."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from support.waiting import until, until_found
from touchline.bus import subjects
from touchline.bus.connection import connect, hang_up
from touchline.bus.settings import Settings
from touchline.local.servers import NatsServer, free_port
from touchline_operator.bus.channel import CONNECT_S, Broker, Channel
from touchline_operator.run.clock import monotonic_us

pytestmark = pytest.mark.servers

MIB = 1 << 20


class Asked:
    """Every request for a stream that anybody sends to the broker, as verb and stream; `streams` in order."""

    def __init__(self) -> None:
        self.streams: list[str] = []

    async def note(self, msg: Msg) -> None:
        self.streams.append(msg.subject.removeprefix("$JS.API.STREAM."))


@pytest.fixture
async def asked(nats: Client) -> Asked:
    made = Asked()
    for verb in ("CREATE", "UPDATE"):
        await nats.subscribe(f"$JS.API.STREAM.{verb}.>", cb=made.note)
    await nats.flush()
    return made


@pytest.fixture
async def channel() -> AsyncIterator[Channel]:
    made = Channel(
        "bets/main",
        news=lambda _: None,
        heard=lambda *_: None,
        clock=monotonic_us,
        authorise=lambda: None,
    )
    yield made
    await made.close()


async def connected(channel: Channel, broker: Broker) -> None:
    await channel.configure(broker)
    await until(lambda: channel.health().connected, within=10)


def broker_of(server: NatsServer, **captures: int) -> Broker:
    """One shard, and captures of so many mebibytes by provider."""
    return Broker(
        server.url, shards=1, capture=tuple((name, size * MIB, 60.0) for name, size in sorted(captures.items()))
    )


async def size_of(nats: Client, provider: str) -> int | None:
    reply = await nats.request(f"$JS.API.STREAM.INFO.{subjects.raw_stream(provider)}")
    config = json.loads(reply.data).get("config")
    return None if config is None else int(config["max_bytes"])


async def test_a_new_provider_costs_one_request_whatever_others_there_are(
    nats: Client, nats_server: NatsServer, asked: Asked, channel: Channel
) -> None:
    await connected(channel, broker_of(nats_server, a=1, b=2))
    assert [await size_of(nats, name) for name in ("a", "b", "c")] == [MIB, 2 * MIB, None]
    await nats.flush()
    asked.streams.clear()

    for captures, streams in (
        ({"a": 1, "b": 2}, []),
        ({"a": 1, "b": 2, "c": 3}, ["CREATE.RAW_c"]),
        ({"a": 1, "b": 4, "c": 3}, ["CREATE.RAW_b", "UPDATE.RAW_b"]),
        ({"b": 4, "c": 3}, []),
        ({"a": 1, "b": 4, "c": 3}, ["CREATE.RAW_a"]),
    ):
        asked.streams.clear()
        await channel.configure(broker_of(nats_server, **captures))
        await channel.agree({})
        await nats.flush()
        assert asked.streams == streams, captures
    assert [await size_of(nats, name) for name in ("a", "b", "c")] == [MIB, 4 * MIB, 3 * MIB]


async def test_a_capture_that_the_broker_refuses_holds_nothing_back_is_told_and_asked_for_again(
    nats: Client, nats_server: NatsServer, asked: Asked, channel: Channel
) -> None:
    await connected(channel, broker_of(nats_server, a=1))
    # An older stream that listens to the same subject: the broker takes no second one.
    await nats.jetstream().add_stream(name="MINE", subjects=[subjects.raw("b")])
    wanted = broker_of(nats_server, a=1, b=1, c=1)
    for _ in range(2):
        asked.streams.clear()
        await channel.configure(wanted)
        await channel.agree({"Market.m": {"spec": {}}})
        await nats.flush()
        refused = channel.health().refused_captures
        assert list(refused) == ["b"]
        assert "overlap" in refused["b"]
        assert "CREATE.RAW_b" in asked.streams
        assert await size_of(nats, "c") == MIB
        assert channel.told("Market.m", {"spec": {}}), "no spec is held back"
    assert asked.streams == ["CREATE.RAW_b"], "only what was refused is asked for again"

    await nats.jetstream().delete_stream("MINE")
    await channel.agree({"Market.m": {"spec": {}}})
    assert channel.health().refused_captures == {}
    assert await size_of(nats, "b") == MIB
    await channel.configure(replace(wanted, capture=wanted.capture[:1]))
    await channel.agree({})
    assert channel.told("Market.m", None), "what nobody declares is taken back"


async def test_a_channel_ends_at_whatever_moment_it_is_closed(nats_server: NatsServer) -> None:
    """Cancelled as an attempt ends, connecting goes on in Python 3.11, and who waits for the channel's end would wait for ever."""
    for url in (nats_server.url, f"nats://127.0.0.1:{free_port()}"):
        for moment in range(24):
            made = Channel(
                "bets/main", news=lambda _: None, heard=lambda *_: None, clock=monotonic_us, authorise=lambda: None
            )
            await made.configure(Broker(url, shards=1))
            for _ in range(moment):
                await asyncio.sleep(0)
            async with asyncio.timeout(CONNECT_S - 1):
                await made.close()


async def test_what_a_broker_had_in_memory_is_made_again_when_it_is_back(tmp_path: Path, channel: Channel) -> None:
    with NatsServer(tmp_path / "nats") as server:
        nc = await connect(Settings(nats_url=server.url), name="test")
        await connected(channel, broker_of(server, a=1))
        before = nc.stats["reconnects"]
        server.stop()
        server.start()
        await until(lambda: nc.stats["reconnects"] > before and nc.is_connected, within=10)

        async def there(stream: str) -> bool:
            return "error" not in json.loads((await nc.request(f"$JS.API.STREAM.INFO.{stream}")).data)

        assert not await there(subjects.BOOK_STREAM), "else this test tests nothing"
        assert await there(subjects.AUDIT_STREAM)

        # By itself: the engine's turn may be paused, or refused.
        await until_found(lambda: there(subjects.BOOK_STREAM), within=20)
        await hang_up(nc)


async def test_a_broker_that_refuses_the_logs_stream_holds_nothing_else_back(
    nats: Client, nats_server: NatsServer, channel: Channel
) -> None:
    js = nats.jetstream()
    await js.delete_stream(subjects.AUDIT_STREAM)
    await js.add_stream(name="MINE", subjects=["audit.>"])  # somebody's older one: the broker takes no second
    await connected(channel, broker_of(nats_server, a=1))
    await channel.agree({"Market.m": {"spec": {}}})
    assert channel.told("Market.m", {"spec": {}})
    assert await size_of(nats, "a") == MIB


async def test_how_long_and_how_much_is_recorded_follows_what_is_declared(
    nats: Client, nats_server: NatsServer, channel: Channel
) -> None:
    for octets, seconds in ((64 * MIB, 7200.0), (128 * MIB, 172_800.0)):
        await channel.configure(replace(broker_of(nats_server), audit=(octets, seconds)))
        await until(lambda: channel.health().connected, within=10)
        await channel.agree({})
        config = (await nats.jetstream().stream_info(subjects.AUDIT_STREAM)).config
        assert (config.max_bytes, config.max_age) == (octets, seconds)
