"""A whole engine in its own process: `touchline up` as a user starts it, on a free port and a state directory of its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from support.waiting import POLL_S, wait_until
from touchline.local.state_dir import RunRecord, read_run

START_S = 120.0
"""Generous: several engines may share two cores with other tests."""

REPOSITORY = Path(__file__).parents[2]


def alive(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


class LocalEngine:
    """Start it with `with`; what is still running at the end is ended by its id."""

    def __init__(self, files: Sequence[Path], folder: Path, *options: str) -> None:
        self.state = folder / "state"
        self.log = folder / "up.log"
        self._words = ["up", *map(str, files), "--port", "0", "--state-dir", str(self.state), *options]
        self._process: subprocess.Popen[bytes] | None = None
        self._pids: set[int] = set()

    def __enter__(self) -> "LocalEngine":
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "touchline.local", *self._words],
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                cwd=REPOSITORY,
            )
        return self

    def __exit__(self, *_: object) -> None:
        if self.running:
            self.interrupt()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None
        return self._process

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    @property
    def output(self) -> str:
        return self.log.read_text(errors="replace")

    @property
    def record(self) -> RunRecord:
        """How it is reached, and its processes."""
        record = read_run(self.state)
        self._pids.update(record.processes.values())
        return record

    @property
    def seen(self) -> set[int]:
        """Ids of all processes that `record` has ever named."""
        return self._pids

    def interrupt(self) -> None:
        """Ctrl-C."""
        self.process.send_signal(signal.SIGINT)

    def ready(self, *, within: float = START_S) -> "LocalEngine":
        """Wait until it says that it is ready."""
        self.says("ready in", within=within)
        return self

    def says(self, text: str, *, after: int = 0, within: float = 20.0) -> None:
        """Wait until its output has a text, from a position on (`len(engine.output)` before the deed)."""
        end = time.monotonic() + within
        while text not in self.output[after:]:
            if not self.running:
                raise AssertionError(f"it ended before it said {text!r}:\n{self.output}")
            if time.monotonic() > end:
                raise AssertionError(f"it did not say {text!r} within {within} s:\n{self.output[-8000:]}")
            time.sleep(POLL_S)

    def ended(self, *, within: float = 30.0) -> int:
        """Wait until it has ended; its exit code."""
        wait_until(lambda: not self.running, within=within)
        return self.process.wait()

    def kill(self, name: str) -> int:
        """`kill -9` one of its processes; its id."""
        pid = self.record.processes[name]
        os.kill(pid, signal.SIGKILL)
        return pid

    def command(self, *words: str, timeout: float = 60.0) -> subprocess.CompletedProcess[str]:
        """Another `touchline` command against this engine."""
        env = {**os.environ, "TOUCHLINE_STATE_DIR": str(self.state), "NO_COLOR": "1"}
        return subprocess.run(
            [sys.executable, "-m", "touchline.local", *words],
            env=env,
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
