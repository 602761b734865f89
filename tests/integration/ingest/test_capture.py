"""Raw capture on a real broker: exact bytes, a crash of the broker, a stream that is full."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from nats.aio.client import Client

from support.ingest_scene import stored_messages
from support.waiting import until
from touchline.bus import subjects
from touchline.bus.connection import connect
from touchline.bus.provision import provision_provider
from touchline.bus.raw import CONNECTION, FRAMES, PART, RECEIVED, TRUNCATED, unpack
from touchline.bus.settings import Settings
from touchline.ingest.capture import PART_BYTES, Capture
from touchline.ingest.clock import system_clock
from touchline.local.servers import NatsServer

pytestmark = pytest.mark.servers
STREAM = subjects.raw_stream("alpha")


@pytest.fixture
async def nc(nats_server: NatsServer) -> AsyncIterator[Client]:
    client = await connect(Settings(nats_url=nats_server.url), name="test")
    await provision_provider(client, "alpha")
    yield client
    await client.close()


@pytest.fixture
async def capture(nc: Client) -> AsyncIterator[Capture]:
    made = Capture(nc, "alpha", run="run", clock=system_clock())
    await made.sender.start()
    yield made
    await made.close(0.1)


async def change_stream(nc: Client, **changes: Any) -> None:
    """Change the stream as an operator would, with fields that the client library does not know."""
    api = "$JS.API.STREAM"
    info = json.loads((await nc.request(f"{api}.INFO.{STREAM}", b"", timeout=5)).data)
    answer = await nc.request(f"{api}.UPDATE.{STREAM}", json.dumps(info["config"] | changes).encode(), timeout=5)
    assert "error" not in json.loads(answer.data), answer.data


async def stored(nc: Client) -> list[tuple[int, bytes, dict[str, str]]]:
    """(sequence, frame, headers of its message) of every stored frame or part of one."""
    return [
        (one.sequence, one.frame, headers)
        for _, headers, payload in await stored_messages(nc, STREAM)
        for one in unpack(headers, payload)
    ]


def frame(number: int) -> bytes:
    return b'{"n":%d}\x00\xff\r' % number


@pytest.mark.parametrize("atomic", [False, True])
async def test_frames_are_stored_exactly_in_order_and_once(nc: Client, capture: Capture, atomic: bool) -> None:
    await change_stream(nc, allow_atomic=atomic)
    for number in range(1, 1001):
        capture.offer(frame(number), 1_790_000_000_000_000 + number, "run.1", number)
        capture.flush()
    await until(lambda: capture.stored == 1000, within=30)
    found = await stored(nc)
    assert [(sequence, payload) for sequence, payload, _ in found] == [(n, frame(n)) for n in range(1, 1001)]
    assert found[0][2][RECEIVED] == "1790000000000001000"
    assert found[0][2][CONNECTION] == "run.1"


async def test_frames_that_arrive_closely_share_messages_and_come_apart_exactly(nc: Client, capture: Capture) -> None:
    for number in range(1, 601):
        capture.offer(frame(number), 1_790_000_000_000_000 + 3 * number, "run.1", number)
    capture.offer(frame(601), 1_790_000_000_100_000, "run.2", 601)  # another connection: another message
    await until(lambda: capture.stored == 601, within=30)
    assert capture.waiting == 0
    state = (await nc.jetstream(timeout=5).stream_info(STREAM)).state
    assert state.messages == 4  # 256, 256, 88, 1
    found = await stored(nc)
    assert [(sequence, payload) for sequence, payload, _ in found] == [(n, frame(n)) for n in range(1, 602)]
    assert [FRAMES in headers for _, _, headers in found] == [True] * 600 + [False]
    first = await nc.jetstream(timeout=5).get_msg(STREAM, 1)
    frames = unpack(first.headers or {}, first.data or b"")
    assert [one.received_us for one in frames] == [1_790_000_000_000_000 + 3 * number for number in range(1, 257)]


async def test_a_frame_larger_than_a_message_is_stored_in_parts(nc: Client, capture: Capture) -> None:
    huge = bytes(range(256)) * (3 * PART_BYTES // 256) + b"end"
    capture.offer(huge, 1, "run.1", 7)
    await until(lambda: capture.stored == 1, within=30)
    found = await stored(nc)
    assert [headers[PART] for _, _, headers in found] == ["1/4", "2/4", "3/4", "4/4"]
    assert b"".join(payload for _, payload, _ in found) == huge
    assert {sequence for sequence, _, _ in found} == {7}


async def test_the_head_of_a_frame_that_was_too_long_is_marked(nc: Client, capture: Capture) -> None:
    capture.offer(b"head", 1, "run.1", 1, truncated=True)
    await until(lambda: capture.stored == 1)
    assert (await stored(nc))[0][2][TRUNCATED] == "1"


@pytest.mark.parametrize("atomic", [False, True])
async def test_a_killed_broker_loses_and_doubles_nothing(
    nats_server: NatsServer, nc: Client, capture: Capture, atomic: bool
) -> None:
    await change_stream(nc, allow_atomic=atomic)
    number = 0
    for crash in range(3):
        for _ in range(400):
            number += 1
            capture.offer(frame(number), number, "run.1", number)
            capture.flush()
        await until(lambda base=crash * 600: capture.stored > base, within=30)  # type: ignore[misc]
        nats_server.kill()
        for _ in range(200):
            number += 1
            capture.offer(frame(number), number, "run.1", number)
            capture.flush()
        nats_server.start()
    await until(lambda: capture.stored == number, within=60)
    found = await stored(nc)
    assert [sequence for sequence, _, _ in found] == list(range(1, number + 1))
    assert all(payload == frame(sequence) for sequence, payload, _ in found)


@pytest.mark.parametrize("atomic", [False, True])
async def test_what_is_sent_again_though_it_was_stored_is_stored_once(
    nc: Client, capture: Capture, atomic: bool
) -> None:
    """A sender that never learned of its first acknowledgements: the same messages under the same names."""
    await change_stream(nc, allow_atomic=atomic)
    for number in range(1, 151):
        capture.offer(frame(number), number, "run.1", number)
        capture.flush()
    await until(lambda: capture.stored == 150, within=30)
    again = Capture(nc, "alpha", run="run", clock=system_clock())
    await again.sender.start()
    for number in range(1, 301):
        again.offer(frame(number), number, "run.1", number)
        again.flush()
    await until(lambda: again.stored == 300, within=30)
    assert await again.close(1)
    assert sorted(sequence for sequence, _, _ in await stored(nc)) == list(range(1, 301))


@pytest.mark.parametrize("atomic", [False, True])
async def test_a_full_stream_is_said_and_what_waited_is_stored_once_there_is_room(
    nc: Client, capture: Capture, atomic: bool, caplog: pytest.LogCaptureFixture
) -> None:
    await change_stream(nc, max_bytes=20_000, discard="new", allow_atomic=atomic)
    for number in range(1, 301):
        capture.offer(frame(number), number, "run.1", number)
        capture.flush()
    await until(lambda: bool(capture.sender.fault), within=30)
    assert "maximum bytes" in capture.sender.fault
    assert capture.sender.waiting > 0
    assert any("raise the stream's limit" in record.message for record in caplog.records)
    await change_stream(nc, max_bytes=10_000_000)
    await until(lambda: capture.stored == 300, within=30)
    assert capture.sender.fault == ""
    assert sorted(sequence for sequence, _, _ in await stored(nc)) == list(range(1, 301))


async def test_a_full_buffer_says_so_until_half_of_it_is_stored(nats_server: NatsServer, nc: Client) -> None:
    capture = Capture(nc, "alpha", run="small", clock=system_clock(), max_messages=100)
    await capture.sender.start()
    nats_server.kill()
    for number in range(1, 101):
        capture.offer(frame(number), number, "run.1", number)
        capture.flush()
    assert capture.sender.full
    room = asyncio.create_task(capture.sender.room())
    await asyncio.sleep(0)
    assert not room.done()
    nats_server.start()
    await asyncio.wait_for(room, 30)
    assert capture.sender.waiting <= 50
    assert await capture.close(10)


async def test_a_stream_that_does_not_exist_is_a_fault(nc: Client) -> None:
    capture = Capture(nc, "nobody", run="run", clock=system_clock())
    await capture.sender.start()
    capture.offer(b"x", 1, "run.1", 1)
    await until(lambda: capture.sender.fault == "the stream does not exist")
    assert not await capture.close(0.1)
