"""A whole engine under test, started the way a user starts it: `touchline up` in a process of its own, real servers, real sockets.

It stops (and kills what is left) in the end, whatever the test did to its processes.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[2]
QUICKSTART = ROOT / "examples" / "quickstart"
START_S = 60.0


class Engine:
    """A running `touchline up` (or `touchline replay`), seen from outside."""

    def __init__(self, process: subprocess.Popen[bytes], state: Path, output: Path) -> None:
        self.process = process
        self.state = state
        self._output = output

    @property
    def record(self) -> dict[str, Any]:
        """What `touchline status` reads, too: gateway, broker and process ids."""
        found: dict[str, Any] = json.loads((self.state / "run.json").read_text())
        return found

    @property
    def url(self) -> str:
        return str(self.record["gateway"])

    def pid(self, name: str) -> int:
        """Process id of one component now.

        Raises:
            KeyError: it does not run at this moment.
        """
        return int(self.record["processes"][name])

    def runs_again(self, name: str, gone: int) -> bool:
        """Whether a component runs as another process than the one that is gone."""
        return bool(self.record["processes"].get(name, gone) != gone)

    def kill(self, name: str) -> int:
        """SIGKILL one component; returns the process id that is gone."""
        pid = self.pid(name)
        os.kill(pid, signal.SIGKILL)
        return pid

    def freeze(self, name: str) -> int:
        """SIGSTOP one component; returns its process id for `os.kill(pid, SIGCONT)`."""
        pid = self.pid(name)
        os.kill(pid, signal.SIGSTOP)
        return pid

    def output(self) -> str:
        """All that the command printed so far."""
        return self._output.read_text(errors="replace")

    def component_log(self, name: str) -> str:
        path = self.state / "logs" / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    async def statuses(self) -> dict[str, Any]:
        """What the components last wrote to the `status` bucket, through the gateway."""
        async with httpx.AsyncClient(trust_env=False, timeout=5) as http:
            answer: dict[str, Any] = (await http.get(f"{self.url}/v1/status")).json()
            return answer


@asynccontextmanager
async def engine(
    *paths: Path, command: str = "up", arguments: Sequence[str] = (), start_s: float = START_S
) -> AsyncIterator[Engine]:
    """Run `touchline up PATHS…` on a free port and an own state directory until the block ends."""
    with tempfile.TemporaryDirectory(prefix="touchline-test-") as folder:
        state, output = Path(folder) / "state", Path(folder) / "output.log"
        argv = [sys.executable, "-m", "touchline.local", command, *map(str, paths)]
        argv += ["--port", "0", "--state-dir", str(state), *arguments]
        process = _start(argv, output)
        running = Engine(process, state, output)
        try:
            await until(
                lambda: _ready(running), within=start_s, what=lambda: f"the engine did not start:\n{running.output()}"
            )
            yield running
        finally:
            _stop(process)


def _start(argv: Sequence[str], output: Path) -> subprocess.Popen[bytes]:
    with output.open("wb") as log:
        return subprocess.Popen(argv, stdout=log, stderr=subprocess.STDOUT, cwd=output.parent, start_new_session=True)


def _ready(running: Engine) -> bool:
    if running.process.poll() is not None:
        raise AssertionError(f"touchline ended with code {running.process.returncode}:\n{running.output()}")
    return (running.state / "run.json").exists()


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(5)
        raise


async def until(
    condition: Callable[[], bool], *, within: float, what: str | Callable[[], str], every: float = 0.02
) -> float:
    """Wait for a condition; returns how many seconds it took.

    Raises:
        AssertionError: it did not come true within the time; the message is `what`.
    """
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > within:
            raise AssertionError(f"not within {within:g} s: {what() if callable(what) else what}")
        await asyncio.sleep(every)
    return time.monotonic() - began
