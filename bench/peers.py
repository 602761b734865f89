"""Our gateway beside Centrifugo 6.9.1 (JSON protocol): the same fan-out, interleaved, each a process on one core.

Both are told of a message as their users tell them: the gateway by a book update on the broker, Centrifugo by its HTTP
interface. Every client gets a frame of about 200 bytes, one at a time; the next is sent when all clients have read the one
before. CPU is the process's, memory what it grows by for each connection that is subscribed.

    make bench-peers
"""

import asyncio
import os
import re
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import uvloop
from nats.aio.client import Client
from nats.aio.msg import Msg

from bench.centrifugo import Unavailable, binary, centrifugo
from bench.gateway_fanout import ENGINE, Book, Clients
from bench.machine import cpu_seconds, resident_kb
from bench.rows import Row, row, skipped
from touchline.bus import subjects
from touchline.bus.config import put_config
from touchline.bus.connection import connect
from touchline.bus.messages import ShardBeat, encode
from touchline.bus.provision import provision
from touchline.bus.settings import Settings
from touchline.bus.wire import pack_snapshot
from touchline.local.servers import NatsServer

SIZES = (1_000, 5_000)
ROUNDS = 5
DELIVERIES = 100_000
"""Of one side in one round; CPU is counted in hundredths of a second."""
FRAME = 200
CORE = 0
WARM = 200
"""Connections from before memory is counted; they get every frame, too."""
SETTLE_S = 0.3
COST_BAR, MEMORY_BAR = 0.65, 0.5


class Side(NamedTuple):
    """One server: `say` makes it send one frame to every client."""

    name: str
    pid: int
    port: int
    how: str
    say: Callable[[], Awaitable[None]]


def measure() -> list[Row]:
    """CPU of a delivered frame and memory of a connection at both sizes, with Centrifugo's as reference."""
    try:
        program = binary()
    except Unavailable as error:
        return [skipped(name, str(error)) for size in SIZES for name in _names(size)]
    rows: list[Row] = []
    for size in SIZES:
        rows += uvloop.run(_measure(program, size))
    return rows


def _names(clients: int) -> tuple[str, str]:
    return (
        f"peers: CPU of a delivered frame of {FRAME} bytes, {clients:,} clients",
        f"peers: memory of a subscribed connection, {clients:,} clients",
    )


async def _measure(program: Path, size: int) -> list[Row]:
    cpu: dict[str, list[float]] = {"gateway": [], "centrifugo": []}
    memory: dict[str, float] = {}
    clients = await Clients.start()
    async with _gateway() as ours, _centrifugo(program) as theirs:
        frames: dict[str, int] = {}
        for side in (ours, theirs):
            await clients.ask(open=[f"{side.name} warm", side.port, WARM, side.how])
            before = resident_kb(side.pid)
            await clients.ask(open=[side.name, side.port, size, side.how])
            await asyncio.sleep(SETTLE_S)
            memory[side.name] = (resident_kb(side.pid) - before) / size
            frames[side.name] = await _frame_size(clients, side, size)
        print(f"bytes of a frame: {frames}", file=sys.stderr)
        for number in range(ROUNDS + 1):
            for side in (ours, theirs) if number % 2 else (theirs, ours):
                before_s = cpu_seconds(side.pid)
                for _ in range(DELIVERIES // size):
                    await side.say()
                    await clients.ask(drain=[side.name, frames[side.name] * size])
                if number:  # the first round warms up
                    spent = cpu_seconds(side.pid) - before_s
                    cpu[side.name].append(1e6 * spent / (DELIVERIES // size * (size + WARM)))
        await clients.stop()
    cost, held = _names(size)
    theirs_us = statistics.median(cpu["centrifugo"])
    ratio = statistics.median(mine / other for mine, other in zip(cpu["gateway"], cpu["centrifugo"], strict=True))
    return [
        row(
            cost, cpu["gateway"], "us CPU", reference=f"Centrifugo ({theirs_us:.2f} us)", ratio=ratio, at_most=COST_BAR
        ),
        row(
            held,
            [memory["gateway"]],
            "kB",
            reference=f"Centrifugo ({memory['centrifugo']:.1f} kB)",
            ratio=memory["gateway"] / memory["centrifugo"],
            at_most=MEMORY_BAR,
        ),
    ]


async def _frame_size(clients: Clients, side: Side, size: int) -> int:
    """How many bytes one client reads of one frame; leaves nothing unread behind."""
    await _quiet(clients, side)
    await side.say()
    received = await _quiet(clients, side)
    return received // size


async def _quiet(clients: Clients, side: Side) -> int:
    """Wait until nothing more arrives; the bytes that had not been drained."""
    before, received = -1, 0
    while received != before:
        before = received
        await asyncio.sleep(SETTLE_S)
        received = (await clients.ask(received=side.name))["received"]
    if received:
        await clients.ask(drain=[side.name, received])
    return int(received)


@asynccontextmanager
async def _centrifugo(program: Path) -> AsyncIterator[Side]:
    async with centrifugo(program, CORE) as running:
        head = len('{"push":{"channel":"bench","pub":{"data":{"text":""}}}}')
        text = "x" * (FRAME - head)

        async def say() -> None:
            await running.publish({"text": text})

        yield Side("centrifugo", running.pid, running.port, "centrifugo", say)


@asynccontextmanager
async def _gateway() -> AsyncIterator[Side]:
    """The gateway as its users run it, with one shard's leader played over the broker."""
    with NatsServer() as broker, tempfile.TemporaryDirectory() as folder:
        nc = await connect(Settings(nats_url=broker.url), name="bench")
        await provision(nc, shards=1)
        await put_config(nc, "OddsEngine.bench", ENGINE)
        book = Book()
        states, end = book.states()

        async def snapshot(message: Msg) -> None:
            for chunk in pack_snapshot(states, end):
                await nc.publish(message.reply, chunk)

        await nc.subscribe(subjects.snapshot(0), cb=snapshot)
        env = {key: value for key, value in os.environ.items() if not key.startswith("TOUCHLINE_")} | {
            "TOUCHLINE_NATS_URL": broker.url,
            "TOUCHLINE_REDIS_URL": "",
            "TOUCHLINE_SECRETS_DIR": folder,
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "touchline.gateway", "--port", "0", env=env, stderr=asyncio.subprocess.PIPE
        )
        os.sched_setaffinity(process.pid, {CORE})
        beating = asyncio.create_task(_beat(nc, book))
        try:
            port = await _port_of(process)

            async def say() -> None:
                await nc.publish(*book.update())
                await nc.flush()

            yield Side("gateway", process.pid, port, "subscribe", say)
        finally:
            beating.cancel()
            if process.returncode is None:
                process.kill()
            await process.communicate()
            await nc.close()


async def _beat(nc: Client, book: Book) -> None:
    while True:
        beat = ShardBeat(0, 1, book.seq, "bench", time.time_ns() // 1000)
        await nc.publish(subjects.shard_beat(0), encode(beat))
        await asyncio.sleep(0.1)


async def _port_of(process: asyncio.subprocess.Process) -> int:
    """Where it says that it serves.

    Raises:
        RuntimeError: it ended instead.
    """
    assert process.stderr is not None
    while line := (await process.stderr.readline()).decode():
        if found := re.search(r"serving on \S+:(\d+)", line):
            return int(found[1])
    raise RuntimeError("the gateway ended")
