"""Handing out the frames of a recording at its own pace, N times as fast, or as fast as they are taken.

Pace: a frame is due at `start + (its publish time - the first publish time) / speed`, always from the start, so a slow reader
catches up instead of drifting. A frame without a publish time, or with an earlier one than its predecessor, is due at once.

Back-pressure: the file is read a few hundred lines at a time, in a thread, and only when the frames before have been taken;
nothing is queued.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from touchline.feeds.betfair.decode import publish_ms
from touchline.feeds.interface import TransportError
from touchline.feeds.replay.recording import Line, Recording

CHUNK = 256
"""Lines read from the file at a time."""
TOGETHER = 32
"""Frames handed out together at most."""


@dataclass
class Progress:
    """How far a replay has come. `finished`: the last line was handed out."""

    frames: int = 0
    line: int = 0
    bytes_read: int = 0
    bytes_total: int = 0
    recorded_ms: int = 0
    """The newest publish time handed out, as recorded; epoch milliseconds."""
    passes: int = 0
    finished: bool = False


class _Due(NamedTuple):
    frame: bytes
    line: int
    recorded_ms: int | None


class ReplayTransport:
    """Implements `touchline.feeds.interface.Transport`. At the end it stays open until closed, or ends if it is to loop."""

    def __init__(self, recording: Recording, speed: float | None, *, loop: bool, progress: Progress) -> None:
        """`speed` None: as fast as the frames are taken."""
        self._recording = recording
        self._speed = speed
        self._loop = loop
        self._progress = progress
        self._closed = asyncio.Event()
        self._failure: TransportError | None = None
        progress.bytes_total = recording.size
        progress.bytes_read = progress.line = 0
        progress.passes += 1
        progress.finished = False

    async def frames(self) -> AsyncIterator[Sequence[bytes]]:
        lines = self._recording.lines()
        clock = asyncio.get_running_loop().time
        start, first_ms = clock(), None
        while not self._closed.is_set():
            chunk = await asyncio.to_thread(self._read, lines)
            together: list[bytes] = []
            for due in chunk:
                if first_ms is None:
                    first_ms, start = due.recorded_ms, clock()
                wait = self._wait(due, first_ms, clock() - start)
                if together and (wait > 0 or len(together) == TOGETHER):
                    yield together
                    together = []
                    wait = self._wait(due, first_ms, clock() - start)
                if wait > 0 and await self._closed_within(wait):
                    return
                together.append(due.frame)
                self._note(due)
            if together:
                yield together
            if self._failure is not None:
                raise self._failure
            if len(chunk) < CHUNK:
                break
        self._progress.finished = True
        if not self._loop:
            await self._closed.wait()

    async def send(self, payload: bytes) -> None:
        """A recording listens to nobody; there is nothing that its session would say."""

    async def close(self) -> None:
        self._closed.set()

    def _read(self, lines: Iterator[Line]) -> list[_Due]:
        """The next lines; a failure is kept until those before it have been handed out."""
        chunk: list[_Due] = []
        try:
            for line in islice(lines, CHUNK):
                chunk.append(_Due(line.frame, line.number, publish_ms(line.frame)))
        except TransportError as error:
            self._failure = error
        self._progress.bytes_read = self._recording.position
        return chunk

    def _wait(self, due: _Due, first_ms: int | None, elapsed: float) -> float:
        if self._speed is None or first_ms is None or due.recorded_ms is None:
            return 0.0
        return (due.recorded_ms - first_ms) / 1000 / self._speed - elapsed

    async def _closed_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._closed.wait()
        except TimeoutError:
            return False
        return True

    def _note(self, due: _Due) -> None:
        self._progress.frames += 1
        self._progress.line = due.line
        self._progress.recorded_ms = max(self._progress.recorded_ms, due.recorded_ms or 0)
