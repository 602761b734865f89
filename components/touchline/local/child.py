"""One child process: its own process group, its output as lines, and certain death with its parent.

Its own session, so that Ctrl-C in the terminal reaches only the supervisor, which then stops everything in order. On Linux
the kernel kills it when the supervisor dies by any means (prctl PR_SET_PDEATHSIG): no orphan keeps a port or a lease.
"""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence

_PR_SET_PDEATHSIG = 1
_LONGEST_LINE = 16 * 1024
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def _die_with(parent: int) -> Callable[[], None] | None:
    """What the child does between fork and exec; looked up before the fork, so that nothing is imported there."""
    if _LIBC is None:
        return None
    prctl = _LIBC.prctl

    def arm() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before we were armed
            os._exit(1)

    return arm


class Child:
    """A running process. Create it with `spawn`."""

    def __init__(self, process: asyncio.subprocess.Process, on_line: Callable[[bytes], None]) -> None:
        self._process = process
        self._reading = asyncio.create_task(self._read(on_line))

    @classmethod
    async def spawn(cls, argv: Sequence[str], env: Mapping[str, str], on_line: Callable[[bytes], None]) -> "Child":
        """Start a process; each line of its output (both streams) goes to `on_line` without its end.

        Raises:
            OSError: the program cannot be executed.
        """
        process = await asyncio.create_subprocess_exec(
            *argv,
            env=dict(env),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_die_with(os.getpid()),
        )
        return cls(process, on_line)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.returncode is None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process alone (a graceful stop, a reload)."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)

    def kill(self) -> None:
        """End the process and everything that it started."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    async def wait(self) -> int:
        """The exit code (negative: the signal), once the process has ended and its output is read.

        A grandchild may hold the pipe open for longer: that is not waited for.
        """
        code = await self._process.wait()
        await asyncio.wait([self._reading], timeout=0.2)
        self._reading.cancel()
        return code

    async def _read(self, on_line: Callable[[bytes], None]) -> None:
        stream = self._process.stdout
        assert stream is not None
        rest = b""
        while chunk := await stream.read(64 * 1024):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                on_line(line[:_LONGEST_LINE].rstrip(b"\r"))
            if len(rest) > _LONGEST_LINE:  # a line without end must not grow without bound
                on_line(rest[:_LONGEST_LINE])
                rest = b""
        if rest:
            on_line(rest)


def words_of_exit(code: int) -> str:
    """An exit code in words: `exit code 1`, `killed by SIGKILL`."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"
