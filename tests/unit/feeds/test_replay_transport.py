"""Pace, back-pressure and the end of a replay, on real files and the event loop's clock."""

import asyncio
import json
from pathlib import Path

import pytest

from support.betfair_messages import image, mcm
from support.feed_outputs import Reader
from support.waiting import until
from touchline.domain.status import ProviderState
from touchline.feeds.interface import TransportError
from touchline.feeds.replay import transport as pacing
from touchline.feeds.replay.adapter import ReplayAdapter, ReplayOptions
from touchline.feeds.replay.recording import Recording
from touchline.feeds.replay.transport import Progress, ReplayTransport


def written(tmp_path: Path, *lines: bytes) -> Path:
    path = tmp_path / "recording"
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


def stamped(*pts: int | None) -> list[bytes]:
    return [mcm(image(), pt=pt, clk=f"c{place}") for place, pt in enumerate(pts)]


def transport(path: Path, speed: float | None, *, loop: bool = False) -> tuple[ReplayTransport, Progress]:
    progress = Progress()
    return ReplayTransport(Recording(path), speed, loop=loop, progress=progress), progress


async def arrivals(opened: ReplayTransport, count: int) -> list[tuple[float, bytes]]:
    """When each frame came, in seconds after the first."""
    clock = asyncio.get_running_loop().time
    got: list[tuple[float, bytes]] = []
    async with asyncio.timeout(10):
        async for together in opened.frames():
            got.extend((clock(), frame) for frame in together)
            if len(got) >= count:
                await opened.close()
    return [(moment - got[0][0], frame) for moment, frame in got]


async def test_frames_keep_their_distances_divided_by_the_speed(tmp_path: Path) -> None:
    lines = stamped(1_000_000, 1_000_000, 1_002_000, 1_003_000)
    opened, progress = transport(written(tmp_path, *lines), 10.0)
    got = await arrivals(opened, 4)
    assert [frame for _, frame in got] == lines
    for (moment, _), due in zip(got, [0.0, 0.0, 0.2, 0.3], strict=True):
        assert due - 0.01 <= moment < due + 1.0
    assert (progress.frames, progress.line, progress.recorded_ms) == (4, 4, 1_003_000)
    assert progress.finished


async def test_a_slow_reader_catches_up_instead_of_drifting(tmp_path: Path) -> None:
    opened, _ = transport(written(tmp_path, *stamped(*range(1_000_000, 1_015_000, 500))), 10.0)
    clock = asyncio.get_running_loop().time
    start, slowed, seen = clock(), False, 0
    async with asyncio.timeout(10):
        async for together in opened.frames():
            seen += len(together)
            if not slowed:
                slowed = True
                await asyncio.sleep(0.7)  # the reader is what is slow here
            if seen == 30:
                await opened.close()
    assert 1.45 < clock() - start < 2.0, "drifting would take 2.15 s"


async def test_a_frame_without_a_time_or_with_an_earlier_one_is_due_at_once(tmp_path: Path) -> None:
    lines = [*stamped(1_000_000, None, 999_000), b"{broken"]
    opened, _ = transport(written(tmp_path, *lines), 1.0)
    got = await arrivals(opened, 4)
    assert [frame for _, frame in got] == lines
    assert got[-1][0] < 0.1


async def test_as_fast_as_it_goes_no_more_is_read_than_is_taken(tmp_path: Path) -> None:
    path = written(tmp_path, *stamped(*range(1, 3001)))
    opened, progress = transport(path, None)
    frames = opened.frames()
    first = await anext(frames)  # type: ignore[call-overload]
    assert len(first) <= pacing.TOGETHER
    assert progress.bytes_read < path.stat().st_size / 2
    await asyncio.sleep(0)
    assert progress.frames <= pacing.TOGETHER
    await frames.aclose()  # type: ignore[attr-defined]


async def test_at_the_end_the_connection_stays_open_until_it_is_closed(tmp_path: Path) -> None:
    opened, progress = transport(written(tmp_path, *stamped(1, 2)), None)
    reading = asyncio.create_task(arrivals(opened, 99))
    await until(lambda: progress.finished)
    assert not reading.done()
    assert progress.bytes_read == progress.bytes_total
    await opened.close()
    assert len(await reading) == 2


async def test_a_loop_ends_the_connection_so_that_the_next_pass_begins_anew(tmp_path: Path) -> None:
    adapter = ReplayAdapter(ReplayOptions(str(written(tmp_path, *stamped(1, 2))), None, loop=True))
    for turn in (1, 2):
        opened = await adapter.connect()
        got = [frame async for together in opened.frames() for frame in together]
        assert len(got) == 2
        assert adapter.progress.passes == turn


async def test_closing_wakes_a_replay_that_waits_for_its_next_frame(tmp_path: Path) -> None:
    opened, progress = transport(written(tmp_path, *stamped(1_000, 90_000_000)), 1.0)
    reading = asyncio.create_task(arrivals(opened, 99))
    await until(lambda: progress.frames == 1)
    await opened.close()
    assert len(await reading) == 1


async def test_all_that_came_before_the_damage_is_handed_out_first(tmp_path: Path) -> None:
    lines = stamped(1, 2, 3)
    path = written(tmp_path, *lines)
    recording = Recording(path, max_frame=max(map(len, lines)) + 1)
    path.write_bytes(b"\n".join(lines) + b"\n" + b"x" * 100_000)
    opened = ReplayTransport(recording, None, loop=False, progress=Progress())
    got: list[bytes] = []
    with pytest.raises(TransportError, match="line 4: longer than"):  # noqa: PT012 - what came before counts too
        async for together in opened.frames():
            got.extend(together)
    assert got == lines


async def test_a_missing_file_is_reported_when_it_is_opened(tmp_path: Path) -> None:
    adapter = ReplayAdapter(ReplayOptions(str(tmp_path / "nowhere")))
    with pytest.raises(TransportError, match="nowhere: cannot be read"):
        await adapter.connect()


async def test_a_replay_ends_connected_with_the_state_of_its_last_line(tmp_path: Path) -> None:
    path = written(tmp_path, *[mcm(image(price=price), pt=1) for price in (2.0, 2.5, 3.0)], b"{broken")
    adapter = ReplayAdapter(ReplayOptions(str(path), None, heartbeat_us=10_000))
    reader, opened = Reader(), await adapter.connect()
    reader.take(adapter.session.connected(0, 0))
    count = 0
    async for together in opened.frames():
        for frame in together:
            count += 1
            reader.take(adapter.session.received(count, count, frame))
        if count == 4:
            await opened.close()
    assert reader.price("1.1", "1") == 3_000_000
    assert reader.state is ProviderState.CONNECTED
    assert [frame.disposition.value for frame in reader.frames] == ["Accepted"] * 3 + ["Quarantined"]
    assert len(adapter.session.tick(10_000_000, 0)) == 1


def test_the_progress_can_be_written_as_json() -> None:
    assert json.loads(json.dumps(vars(Progress())))["finished"] is False
