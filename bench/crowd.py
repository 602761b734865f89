"""Clients in a process of their own, and what they saw."""

import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from touchline.local.client import socket_url

ALL = "*"
ANSWER_S = 180.0
SETTLE_S = 0.1
QUIET = 3
"""So many looks without anything new, and what was sent has arrived."""
STOP_S = 5.0


class Seen(NamedTuple):
    """One object of a frame, and when each client that got it parsed it (epoch microseconds)."""

    object: dict[str, Any]
    arrivals: Sequence[int]


class Crowd:
    """Drives `bench.crowd_process`."""

    def __init__(self, process: asyncio.subprocess.Process, folder: Path) -> None:
        self._process = process
        self._folder = folder
        self.clients = 0

    @property
    def pid(self) -> int:
        return self._process.pid

    async def connect(self, count: int, topic: str = ALL) -> None:
        """Add clients that are subscribed to a topic and have all its states.

        Raises:
            AssertionError: some were lost.
        """
        self.clients += count
        connected = await self._ask(f"connect {count} {topic}")
        assert connected == self.clients, f"{connected} of {self.clients} clients are connected"

    async def begin(self) -> None:
        """Note arrivals from now on."""
        await self._ask("begin")

    async def end(self, *, within: float = 5.0) -> list[Seen]:
        """What arrived since `begin`, once nothing more does."""
        before, quiet, deadline = -1, 0, time.monotonic() + within
        while quiet < QUIET and time.monotonic() < deadline:
            await asyncio.sleep(SETTLE_S)
            count = await self._ask("count")
            quiet, before = quiet + 1 if count == before else 0, count
        path = self._folder / "seen.json"
        await self._ask(f"end {path}")
        noted: list[tuple[str, list[int]]] = msgspec.json.decode(path.read_bytes(), type=list[tuple[str, list[int]]])
        seen = []
        for text, arrivals in noted:
            content = msgspec.json.decode(text)
            seen += [Seen(part, arrivals) for part in (content if isinstance(content, list) else [content])]
        return seen

    async def _ask(self, line: str) -> int:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(line.encode() + b"\n")
        async with asyncio.timeout(ANSWER_S):
            answer = await stdout.readline()
        if not answer:
            raise RuntimeError(f"the clients' process ended with code {await self._process.wait()} at `{line}`")
        return int(answer)


@asynccontextmanager
async def crowd(url: str, *, clients: int, topic: str = ALL) -> AsyncIterator[Crowd]:
    """Connect clients to a gateway until the block ends."""
    with tempfile.TemporaryDirectory(prefix="touchline-crowd-") as folder:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bench.crowd_process",
            socket_url(url),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            cwd=Path(__file__).parents[1],
        )
        people = Crowd(process, Path(folder))
        try:
            await people.connect(clients, topic)
            yield people
        finally:
            if process.returncode is None:
                process.terminate()
            try:
                await asyncio.wait_for(process.wait(), STOP_S)
            except TimeoutError:
                process.kill()
                await process.wait()
