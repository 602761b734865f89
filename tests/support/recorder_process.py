"""`python -m touchline.recorder` as a user starts it, and its log read back."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nats.aio.client import Client

from touchline.bus import subjects
from touchline.bus.stream_reader import Record, StreamReader
from touchline.recorder.segments import Break, Entry, decode, unpack


@contextmanager
def recorder_process(
    url: str, folder: Path, *options: str, shards: int, name: str = "recorder-1", **environment: str
) -> Iterator[subprocess.Popen[bytes]]:
    """A recorder, killed in the end if it still runs. What it says is in `folder/<name>.log`."""
    env = os.environ | {"TOUCHLINE_NATS_URL": url, "TOUCHLINE_NODE": name} | environment
    command = [sys.executable, "-m", "touchline.recorder", "--shards", str(shards), *options]
    with (folder / f"{name}.log").open("ab") as log:
        child = subprocess.Popen(command, env=env, stderr=log, stdout=log)
        try:
            yield child
        finally:
            if child.poll() is None:
                child.kill()
            child.wait(10)


def said(folder: Path, name: str = "recorder-1") -> str:
    """What a recorder has written so far."""
    return (folder / f"{name}.log").read_text()


def judged(url: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`--verify` of the log as it is."""
    command = [sys.executable, "-m", "touchline.recorder", "--verify"]
    env = os.environ | {"TOUCHLINE_NATS_URL": url} | environment
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)


class Logged:
    """The log, read anew with each `read`."""

    def __init__(self, nc: Client) -> None:
        self._reader = StreamReader(nc)
        self._started = False
        self.segments: list[Record] = []
        self.entries: list[Entry] = []
        self.breaks: list[Break] = []
        self.writers: list[str] = []

    async def read(self) -> "Logged":
        if not self._started:
            await self._reader.start()
            self._started = True
        more, self.segments = True, []
        while more:
            first = self.segments[-1].seq + 1 if self.segments else 1
            records, more = await self._reader.read(subjects.AUDIT_STREAM, first, 100)
            self.segments += records
        found = [decode(each.payload) for each in self.segments]
        self.entries = [entry for segment in found for entry in unpack(segment)]
        self.breaks = [lost for segment in found for lost in segment.breaks]
        self.writers = [segment.writer for segment in found]
        return self

    def of(self, stream: str) -> list[int]:
        """The sequences that are recorded of a stream, in the log's order."""
        return [entry.seq for entry in self.entries if entry.stream == stream]

    async def holds(self, stream: str, count: int) -> bool:
        await self.read()
        return len(self.of(stream)) >= count
