"""Reception with a scripted provider and a real broker: back-pressure, reconnects, frames that are too long."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from nats.aio.client import Client

from support.scripted_feed import ScriptedAdapter
from support.waiting import until
from touchline.bus.raw import TRUNCATED
from touchline.feeds.interface import Disposition, Frame, FrameTooLong, Output, State, TransportError
from touchline.ingest.capture import Capture
from touchline.ingest.clock import system_clock
from touchline.ingest.origin import Origin
from touchline.ingest.reception import Reception
from touchline.local.servers import NatsServer

pytestmark = pytest.mark.servers


class Notes:
    """A sink that writes down what it is given."""

    def __init__(self) -> None:
        self.frames: list[tuple[str, int, bytes, Disposition]] = []
        self.states: list[str] = []
        self.too_long: list[tuple[bytes, str]] = []
        self.flushes = 0

    def take(self, now: int, wall: int, origin: Origin, outputs: Sequence[Output]) -> None:
        for output in outputs:
            if isinstance(output, Frame):
                self.frames.append((origin.connection, origin.sequence, origin.frame, output.disposition))
            elif isinstance(output, State):
                self.states.append(output.state)

    def frame_too_long(self, now: int, wall: int, origin: Origin, detail: str) -> None:
        self.too_long.append((origin.frame, detail))

    async def flush(self) -> None:
        self.flushes += 1


class Bench:
    def __init__(self, adapter: ScriptedAdapter, capture: Capture, notes: Notes, reception: Reception) -> None:
        self.adapter = adapter
        self.capture = capture
        self.notes = notes
        self.reception = reception


@asynccontextmanager
async def receiving(nc: Client, *, max_messages: int = 20_000) -> AsyncIterator[Bench]:
    """A reception at work, with its first connection open."""
    clock = system_clock()
    capture = Capture(nc, "betfair-a", run="run", clock=clock, max_messages=max_messages)
    await capture.sender.start()
    adapter, notes, stop = ScriptedAdapter(), Notes(), asyncio.Event()
    reception = Reception(adapter, capture, notes, clock, run_id="run")
    running = asyncio.create_task(reception.run(stop))
    try:
        await asyncio.wait_for(adapter.opened.wait(), 5)
        yield Bench(adapter, capture, notes, reception)
    finally:
        stop.set()
        await asyncio.wait_for(running, 10)
        await capture.sender.close(1)


async def test_frames_are_captured_and_handed_on_in_order_with_their_names(nats: Client) -> None:
    async with receiving(nats) as bench:
        bench.adapter.transport.say("image", "ignore")
        bench.adapter.transport.say("nonsense")
        await until(lambda: len(bench.notes.frames) == 3)
        assert bench.notes.frames == [
            ("run.1", 1, b"image", Disposition.ACCEPTED),
            ("run.1", 2, b"ignore", Disposition.IGNORED),
            ("run.1", 3, b"nonsense", Disposition.QUARANTINED),
        ]
        await until(lambda: bench.capture.stored == 3)


async def test_what_the_session_says_is_sent(nats: Client) -> None:
    async with receiving(nats) as bench:
        bench.adapter.transport.say("send more")
        await until(lambda: bench.adapter.transport.sent == [b"hello", b"more"])


async def test_a_closed_connection_is_opened_again_and_the_sequence_goes_on(nats: Client) -> None:
    async with receiving(nats) as bench:
        bench.adapter.transport.say("image")
        bench.adapter.transport.reads.put_nowait(None)
        await until(lambda: len(bench.adapter.transports) == 2)
        assert bench.adapter.transports[0].closed
        bench.adapter.transport.say("image")
        await until(lambda: len(bench.notes.frames) == 2)
        assert [frame[:2] for frame in bench.notes.frames] == [("run.1", 1), ("run.2", 2)]
        assert "disconnected: the provider closed the connection" in bench.adapter.scripted.log


@pytest.mark.parametrize("how", ["received", "tick", "broken"])
async def test_the_connection_is_dropped_when_the_session_or_the_transport_says_so(nats: Client, how: str) -> None:
    async with receiving(nats) as bench:
        if how == "received":
            bench.adapter.transport.say("drop")
        elif how == "tick":
            bench.adapter.scripted.give_up = "no heartbeat"
        else:
            bench.adapter.transport.reads.put_nowait(TransportError("the cable was cut"))
        await until(lambda: len(bench.adapter.transports) == 2)
        assert bench.adapter.transports[0].closed


async def test_an_endpoint_that_refuses_is_tried_again_and_named(
    nats: Client, caplog: pytest.LogCaptureFixture
) -> None:
    async with receiving(nats) as bench:
        bench.adapter.refuse = "feed.example.com:443: cannot connect: Connection refused"
        bench.adapter.transport.reads.put_nowait(None)
        await until(lambda: bench.adapter.attempts > 4)
        assert any("feed.example.com:443" in record.message for record in caplog.records)
        assert not bench.reception.connected
        bench.adapter.refuse = ""
        await until(lambda: len(bench.adapter.transports) == 2)


async def test_a_permanent_refusal_is_remembered_until_it_works(nats: Client) -> None:
    async with receiving(nats) as bench:
        bench.adapter.scripted.permanent = True
        bench.adapter.transport.reads.put_nowait(TransportError("Secret betfair: wrong"))
        await until(lambda: bench.reception.permanent == "Secret betfair: wrong")
        bench.adapter.scripted.permanent = False
        await until(lambda: len(bench.adapter.transports) == 2)
        bench.adapter.transport.reads.put_nowait(None)
        await until(lambda: bench.reception.permanent == "")


async def test_the_head_of_a_frame_that_is_too_long_is_kept_and_the_connection_replaced(nats: Client) -> None:
    async with receiving(nats) as bench:
        bench.adapter.transport.reads.put_nowait(FrameTooLong("a line of 100 MB", b"head of it"))
        await until(lambda: len(bench.adapter.transports) == 2)
        assert bench.notes.too_long == [(b"head of it", "a line of 100 MB")]
        await until(lambda: bench.capture.stored == 1)
        message = await nats.jetstream().get_msg("RAW_betfair-a", 1)
        assert message.data == b"head of it"
        assert message.headers is not None
        assert message.headers[TRUNCATED] == "1"


async def test_nothing_is_read_while_the_capture_is_full_and_nothing_is_lost(
    nats_server: NatsServer, nats: Client
) -> None:
    async with receiving(nats, max_messages=50) as bench:
        nats_server.kill()
        for _ in range(20):
            bench.adapter.transport.say(*["image"] * 10)
        await until(lambda: bench.capture.sender.full)
        await until(lambda: "reading has stopped" in bench.reception.stall)
        taken = bench.adapter.transport.taken
        assert taken < 20
        nats_server.start()
        await until(lambda: bench.capture.stored == 200, within=30)
        assert bench.adapter.transport.taken == 20
        assert bench.reception.stall == ""
        assert len(bench.notes.frames) == 200


async def test_a_stop_closes_the_connection_and_tells_the_session(nats: Client) -> None:
    async with receiving(nats) as bench:
        adapter = bench.adapter
    assert adapter.transport.closed
    assert adapter.scripted.log[-1] == "disconnected: stopping"


async def test_a_stop_does_not_wait_for_the_back_off(nats: Client) -> None:
    async with receiving(nats) as bench:
        bench.adapter.scripted.reconnect_us = 3_600_000_000
        bench.adapter.transport.reads.put_nowait(None)
        await until(lambda: not bench.reception.connected)
