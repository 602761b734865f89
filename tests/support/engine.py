"""A whole engine under test, as a user starts it: `touchline up` (or `replay`) in its own process, real servers, real sockets.

It listens on a free port, keeps a state directory of its own, and is ended (by its id) whatever the test did to its processes.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

import httpx
from nats.aio.client import Client

from support.command import Command
from support.waiting import POLL_S, until, wait_until
from touchline.bus.connection import connect
from touchline.bus.settings import Settings
from touchline.local.state_dir import RunRecord, read_run

REPOSITORY = Path(__file__).parents[2]
QUICKSTART = REPOSITORY / "examples" / "quickstart"
START_S = 120.0
"""Generous: several engines may share two cores with other tests."""
STOP_S = 30.0


def alive(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


class Engine(Command):
    """An engine seen from outside. Start it with `with`, or with `engine` in a test with an event loop."""

    def __init__(self, files: Sequence[Path], folder: Path, *options: str, command: str = "up") -> None:
        super().__init__(folder / "output.log")
        self.state = folder / "state"
        self._words = [command, *map(str, files), "--port", "0", "--state-dir", str(self.state), *options]
        self._pids: set[int] = set()

    def __enter__(self) -> Self:
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
                self.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                raise
            finally:
                self.process.wait()

    @property
    def record(self) -> RunRecord:
        """How it is reached, and its processes: what `touchline status` reads, too.

        Raises:
            NotRunning: it has not got so far, or has ended.
        """
        record = read_run(self.state)
        self._pids.update(record.processes.values())
        return record

    @property
    def seen(self) -> set[int]:
        """Ids of all processes that `record` has ever named."""
        return self._pids

    @property
    def url(self) -> str:
        return self.record.gateway

    @property
    def started(self) -> bool:
        """Whether it can be reached.

        Raises:
            AssertionError: it has ended.
        """
        assert self.running, f"touchline ended with code {self.process.returncode}:\n{self.output}"
        return (self.state / "run.json").exists()

    def interrupt(self) -> None:
        """Ctrl-C."""
        self.process.send_signal(signal.SIGINT)

    def ready(self, *, within: float = START_S) -> Self:
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

    def ended(self, *, within: float = STOP_S) -> int:
        """Wait until it has ended; its exit code."""
        wait_until(lambda: not self.running, within=within)
        return self.process.wait()

    def pid(self, name: str) -> int:
        """Process id of one component now.

        Raises:
            KeyError: it does not run at this moment.
        """
        return self.record.processes[name]

    def runs_again(self, name: str, gone: int) -> bool:
        """Whether a component runs as another process than the one that is gone."""
        return self.record.processes.get(name, gone) != gone

    def kill(self, name: str) -> int:
        """`kill -9` one component; returns the process id that is gone."""
        pid = self.pid(name)
        os.kill(pid, signal.SIGKILL)
        return pid

    def freeze(self, name: str) -> int:
        """SIGSTOP one component; returns its process id for `os.kill(pid, SIGCONT)`."""
        pid = self.pid(name)
        os.kill(pid, signal.SIGSTOP)
        return pid

    def component_log(self, name: str) -> str:
        path = self.state / "logs" / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

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

    async def admin(self) -> Client:
        """A connection with all rights, with the credentials from the broker's own configuration."""
        config = json.loads((self.state / "nats" / "nats.conf").read_text())
        user = next(user for user in config["authorization"]["users"] if user["user"] == "admin")
        settings = Settings(nats_url=self.record.nats_url, nats_user=user["user"], nats_password=user["password"])
        return await connect(settings, name="auditor", first_connect_s=20)

    async def simulated(self) -> list[dict[str, Any]]:
        """What each simulator says of itself."""
        async with httpx.AsyncClient(trust_env=False, timeout=10) as http:
            ports = self.record.simulators.values()
            return [(await http.get(f"http://127.0.0.1:{port}/state")).json() for port in ports]

    async def statuses(self) -> dict[str, Any]:
        """What the components last wrote to the `status` bucket, through the gateway."""
        async with httpx.AsyncClient(trust_env=False, timeout=5) as http:
            answer: dict[str, Any] = (await http.get(f"{self.url}/v1/status")).json()
            return answer


@asynccontextmanager
async def engine(*paths: Path, command: str = "up", arguments: Sequence[str] = ()) -> AsyncIterator[Engine]:
    """Run `touchline COMMAND PATHS… ARGUMENTS…` in a folder of its own until the block ends; it can be reached from the beginning on."""
    with (
        tempfile.TemporaryDirectory(prefix="touchline-test-") as folder,
        Engine(paths, Path(folder), *arguments, command=command) as running,
    ):
        await until(lambda: running.started, within=START_S, what=lambda: f"it did not start:\n{running.output}")
        yield running
