"""What it costs the gateway to deliver a frame, to hold a connection and to accept one.

The gateway runs whole (`run_gateway`: real broker, real port, real sockets) in this process; a driver in the same process
gives its hub the packed book frames as the broker's client would, so the figure holds unpacking, sequence check, routing, rendering and the
writes. Three others serve as many clients on the same loop: a C `send` loop over plain sockets, a loop of picows'
`transport.write`, and the `websockets` library. They are given the bytes that the gateway writes, finished. All take turns
within one run; the clients read in a process of their own. CPU is this process's, per delivered update.

    python -m bench gateway_fanout
"""

import asyncio
import gc
import json
import os
import re
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import uvloop

from bench.gateway_servers import CLoop, NoCompiler, Picows, Websockets
from bench.rows import Row, row, skipped
from touchline.bus import subjects
from touchline.bus.config import put_config
from touchline.bus.connection import connect
from touchline.bus.messages import ShardBeat
from touchline.bus.provision import provision
from touchline.bus.settings import Settings
from touchline.bus.wire import SnapshotEnd, pack, unpack
from touchline.gateway.frames import text_frame
from touchline.gateway.process import run_gateway
from touchline.gateway.service import Service
from touchline.local.servers import NatsServer

CLIENTS = 1_000
ROUNDS = 9
TURNS = 12
SIZES = (1, 4, 16)
MARKETS = 64
IDLE = 2_000
REPEATS = 3
FRAME_BAR = 1.15
COALESCED_BAR = 0.1
MEMORY_BAR_KB = 16.0
ENGINE = {
    "apiVersion": "touchline.dev/v1alpha1",
    "kind": "OddsEngine",
    "metadata": {"name": "bench"},
    "spec": {
        "currency": "EUR",
        "shards": 1,
        "gateway": {"auth": {"anonymous": {}}, "drainSpread": "0s", "shardSilence": "1m"},
    },
}


class Clients:
    """The process that reads."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls) -> "Clients":
        pipe = asyncio.subprocess.PIPE
        return cls(
            await asyncio.create_subprocess_exec(
                sys.executable, "-m", "bench.gateway_clients", stdin=pipe, stdout=pipe, cwd=Path(__file__).parents[1]
            )
        )

    async def ask(self, **command: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(command).encode() + b"\n")
        async with asyncio.timeout(120):
            line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError("the client process ended")
        answer: dict[str, Any] = json.loads(line)
        return answer

    async def stop(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()


@dataclass
class Book:
    """One shard's leader: price deltas over `MARKETS` markets, about 200 bytes each."""

    seq: int = 0

    def __post_init__(self) -> None:
        self._last = [0] * MARKETS

    def subject(self, market: int) -> str:
        return subjects.book(0, "Football", "league", f"event{market:03}", "MatchWinner")

    def states(self) -> tuple[list[tuple[str, bytes]], SnapshotEnd]:
        frames = []
        for market in range(MARKETS):
            self.seq += 1
            self._last[market] = self.seq
            name = f"event{market:03}:MatchWinner"
            body = (
                f'{{"op":"state","m":"{name}","v":"1.{self.seq}","status":"Open","holds":[],"sel":{{"home":"2.00"}}}}'
            )
            frames.append((self.subject(market), pack("S", False, 1, self.seq, 0, name, body.encode())))
        return frames, SnapshotEnd(1, self.seq)

    def update(self) -> tuple[str, bytes]:
        market = self.seq % MARKETS
        previous, self.seq = self._last[market], self.seq + 1
        self._last[market] = self.seq
        name = f"event{market:03}:MatchWinner"
        now = 1_800_000_000_000_000 + self.seq
        body = (
            f'{{"op":"delta","m":"{name}","p":"1.{previous}","v":"1.{self.seq}","sel":{{"home":"2.{self.seq % 90 + 10}","draw":"3.45",'
            f'"away":"4.{self.seq % 80 + 10}"}},"t":{{"src":{now},"recv":{now},"pub":{now}}}}}'
        )
        return self.subject(market), pack("D", False, 1, self.seq, previous, name, body.encode())


class Gateway:
    """The gateway under test, driven through its hub."""

    def __init__(self, service: Service, port: int) -> None:
        self._turns = service.turns
        self._book = Book()
        self.port = port
        frames, end = self._book.states()
        self._turns.snapshot(0, [(subject, unpack(payload)) for subject, payload in frames], end)
        self._sent = end.seq

    def prepare(self, turns: int, updates: int) -> list[list[tuple[str, bytes]]]:
        """The packed frames of so many turns."""
        return [[self._book.update() for _ in range(updates)] for _ in range(turns)]

    async def send(self, turns: Sequence[Sequence[tuple[str, bytes]]]) -> None:
        for frames in turns:
            before = self._turns.turns
            for subject, payload in frames:
                self._turns.book(subject, unpack(payload))
            self._sent += len(frames)
            self._turns.shard_beat(ShardBeat(0, 1, self._sent, "bench", 0))
            self._turns.schedule()  # what a turn costs is measured, not the rest between two of them
            while self._turns.turns == before:  # noqa: ASYNC110 - the flush is due in the next turn of this loop
                await asyncio.sleep(0)


def body_of(frames: Sequence[tuple[str, bytes]]) -> bytes:
    """The message that the gateway makes of a turn's frames."""
    bodies = [payload.partition(b"\n")[2] for _, payload in frames]
    return bodies[0] if len(bodies) == 1 else b"[" + b",".join(bodies) + b"]"


@asynccontextmanager
async def running_gateway() -> AsyncIterator[Gateway]:
    """A broker, and the gateway on it, in this process."""
    with NatsServer() as broker:
        settings = Settings(nats_url=broker.url, node="bench")
        nc = await connect(settings, name="bench")
        await provision(nc, shards=1)
        await put_config(nc, "OddsEngine.bench", ENGINE)
        stop = asyncio.Event()
        started: asyncio.Future[Gateway] = asyncio.get_running_loop().create_future()

        async def ready(service: Service, _port: object, listener: Any) -> None:
            started.set_result(Gateway(service, int(listener.getsockname()[1])))

        task = asyncio.create_task(run_gateway(settings, "127.0.0.1", 0, stop, on_ready=ready))
        await asyncio.wait((task, started), return_when=asyncio.FIRST_COMPLETED)
        try:
            yield await started
        finally:
            stop.set()
            await task
            await nc.close()


async def measure_frames() -> list[Row]:
    """CPU of a delivered update, by updates a turn, beside the others."""
    clients = await Clients.start()
    picows, library = Picows(), Websockets()
    await picows.listen()
    await library.listen()
    try:
        floor: CLoop | None = CLoop()
        why = ""
    except NoCompiler as error:
        floor, why = None, str(error)
    async with running_gateway() as gateway:
        await clients.ask(open=["gateway", gateway.port, CLIENTS, "subscribe"])
        await clients.ask(open=["picows", picows.port, CLIENTS, "upgrade"])
        await clients.ask(open=["websockets", library.port, CLIENTS, "upgrade"])
        if floor is not None:
            await asyncio.gather(floor.accept(CLIENTS), clients.ask(open=["c", floor.port, CLIENTS, "plain"]))
        costs: dict[tuple[str, int], list[float]] = {}
        gc.collect()
        gc.disable()
        try:
            for number in range(ROUNDS + 1):
                for updates in SIZES:
                    frames = gateway.prepare(TURNS, updates)
                    messages = [body_of(turn) for turn in frames]
                    finished = [text_frame(message) for message in messages]
                    size = sum(map(len, finished)) * CLIENTS
                    sides: list[tuple[str, Callable[[], Awaitable[None]]]] = [
                        ("gateway", partial(gateway.send, frames)),
                        ("picows", partial(picows.send, finished)),
                        ("websockets", partial(library.send, [message.decode() for message in messages])),
                    ]
                    if floor is not None:
                        sides.append(("c", partial(floor.send, finished)))
                    for name, send in sides[number % len(sides) :] + sides[: number % len(sides)]:
                        begin = time.process_time_ns()
                        await send()
                        spent = time.process_time_ns() - begin
                        await clients.ask(drain=[name, size])
                        if number:  # the first round warms up
                            delivered = TURNS * updates * CLIENTS
                            costs.setdefault((name, updates), []).append(spent / delivered / 1000)
        finally:
            gc.enable()
        await clients.stop()
    picows.close()
    library.close()
    if floor is not None:
        floor.close()
    return frame_rows(costs, why)


def frame_rows(costs: dict[tuple[str, int], list[float]], why: str) -> list[Row]:
    """The table of what a delivery costs. Ratios are medians of the rounds' ratios: the machine's moods fall on both sides."""
    rows = []
    for updates in SIZES:
        ours = costs["gateway", updates]
        name = f"gateway: CPU of a delivered update, {updates} a turn, {CLIENTS} clients"
        for peer, text, bar in (
            ("picows", "bare picows transport.write loop", FRAME_BAR),
            ("c", "C send loop", None),
            ("websockets", "websockets library, broadcast", None),
        ):
            theirs = costs.get((peer, updates))
            if theirs is None:
                rows.append(skipped(f"{name}, to a {text}", why))
                continue
            ratio = statistics.median(mine / other for mine, other in zip(ours, theirs, strict=True))
            reference = f"{text} ({statistics.median(theirs):.3f} us)"
            rows.append(row(f"{name}, to a {text}", ours, "us CPU", reference=reference, ratio=ratio, at_most=bar))
    single, many = costs["gateway", 1], costs["gateway", 16]
    rows.append(
        row(
            "gateway: a delivered update at 16 a turn, to one alone",
            many,
            "us CPU",
            reference=f"its own cost alone ({statistics.median(single):.3f} us)",
            ratio=statistics.median(m / s for m, s in zip(many, single, strict=True)),
            at_most=COALESCED_BAR,
        )
    )
    return rows


def process_figures(pid: int) -> tuple[float, float]:
    """Resident kilobytes and CPU seconds of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    resident = int(re.search(r"VmRSS:\s+(\d+)", status)[1])  # type: ignore[index]
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return float(resident), (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


BARE = """
import asyncio, uvloop, gc
from picows import WSListener, ws_create_server
class Kept(WSListener):
    def on_ws_connected(self, transport): kept.append(transport)
kept = []
async def main():
    server = await ws_create_server(lambda request: Kept(), "127.0.0.1", 0, read_buffer_init_size=256, backlog=4096)
    print("port", server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()
gc.set_threshold(50_000, 20, 50)
uvloop.run(main())
"""


@asynccontextmanager
async def bare_picows() -> AsyncIterator[tuple[int, int]]:
    """A picows server that does nothing, in a process of its own: process id and port."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", BARE, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    port = int((await process.stdout.readline()).split()[1])
    try:
        yield process.pid, port
    finally:
        process.kill()
        await process.wait()


@asynccontextmanager
async def gateway_process() -> AsyncIterator[tuple[int, int]]:
    """The gateway as its users run it: process id and port."""
    with NatsServer() as broker, tempfile.TemporaryDirectory() as folder:
        nc = await connect(Settings(nats_url=broker.url), name="bench")
        await provision(nc, shards=1)
        await put_config(nc, "OddsEngine.bench", ENGINE)
        env = {
            **os.environ,
            "TOUCHLINE_NATS_URL": broker.url,
            "TOUCHLINE_REDIS_URL": "",
            "TOUCHLINE_SECRETS_DIR": folder,
        }
        argv = [sys.executable, "-m", "touchline.gateway", "--port", "0"]
        process = await asyncio.create_subprocess_exec(*argv, env=env, stderr=asyncio.subprocess.PIPE)
        assert process.stderr is not None
        port = None
        while port is None:
            line = (await process.stderr.readline()).decode()
            if not line:
                raise RuntimeError("the gateway ended")
            found = re.search(r"serving on \S+:(\d+)", line)
            port = int(found[1]) if found else None
        try:
            yield process.pid, port
        finally:
            process.kill()
            await process.communicate()
            await nc.close()


async def measure_connections() -> list[Row]:
    """Memory of an idle, subscribed connection, and CPU of accepting it (with its handshake and subscription)."""
    memory: dict[str, list[float]] = {"gateway": [], "picows": []}
    accepts: dict[str, list[float]] = {"gateway": [], "picows": []}
    for _ in range(REPEATS):
        for name, start, how in (("gateway", gateway_process, "subscribe"), ("picows", bare_picows, "upgrade")):
            clients = await Clients.start()
            async with start() as (pid, port):
                await clients.ask(open=["warm", port, 200, how])
                before, cpu = process_figures(pid)
                await clients.ask(open=["idle", port, IDLE, how])
                after, spent = process_figures(pid)
                memory[name].append((after - before) / IDLE)
                accepts[name].append(IDLE / max(spent - cpu, 0.01))
                await clients.stop()
    bare_kb, bare_accepts = (statistics.median(figures["picows"]) for figures in (memory, accepts))
    return [
        row(
            "gateway: memory of an idle subscribed connection",
            memory["gateway"],
            "kB",
            reference=f"bare picows {bare_kb:.1f} kB",
            at_most=MEMORY_BAR_KB,
        ),
        row(
            "gateway: accepts a second of CPU, handshake and subscription included",
            accepts["gateway"],
            "1/s",
            reference=f"bare picows, handshake only ({bare_accepts:.0f}/s)",
            ratio=statistics.median(accepts["gateway"]) / bare_accepts,
        ),
    ]


def measure() -> list[Row]:
    """Every row of the gateway's costs."""

    async def all_rows() -> list[Row]:
        return [*await measure_frames(), *await measure_connections()]

    return uvloop.run(all_rows())
