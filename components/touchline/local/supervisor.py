"""Keeps a set of processes running: starts them, restarts what dies with back-off, stops them in order.

A process that dies after it was ready is restarted at once, then after growing pauses while it keeps dying. A process that
never becomes ready in `ATTEMPTS` tries cannot start at all: that ends the supervisor with its last lines, because waiting
longer would only hide the reason.
"""

import asyncio
import contextlib
import signal
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from touchline.local.child import Child, words_of_exit
from touchline.local.errors import StartFailed
from touchline.local.log_sink import LogSink

ATTEMPTS = 4
FIRST_PAUSE = 0.1
LONGEST_PAUSE = 5.0
STABLE_AFTER = 10.0
"""Seconds of life after which earlier deaths are forgotten."""
POLL = 0.03
"""Seconds between two looks at a condition that nobody announces."""


async def _always(_born: float) -> bool:
    return True


@dataclass(frozen=True)
class ProcessSpec:
    """What to run, and what it is for.

    `stage` orders stops, high first. `ready` is given the epoch seconds at which the process was born and says whether it
    does its work now; it must not raise.
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    stage: int = 0
    ready: Callable[[float], Awaitable[bool]] = field(default=_always, compare=False)
    quiet_below: str = "DEBUG"
    """The terminal leaves out its log lines below this level."""
    harmless: tuple[bytes, ...] = ()
    """The terminal leaves out lines that contain one of these."""


class _Kept:
    """One process under supervision."""

    def __init__(self, spec: ProcessSpec) -> None:
        self.spec = spec
        self.child: Child | None = None
        self.was_ready = asyncio.Event()
        self.stopping = asyncio.Event()
        self.deaths = 0
        self.restarts = 0
        self.last_lines: deque[str] = deque(maxlen=12)
        self.task: asyncio.Task[None] | None = None


class Supervisor:
    """Call `start`, `remove`, `stop_all` from one event loop. `failed` resolves when something cannot start at all."""

    def __init__(self, sink: LogSink, *, on_change: Callable[[], None] = lambda: None) -> None:
        self._sink = sink
        self._on_change = on_change
        self._kept: dict[str, _Kept] = {}
        self.failed: asyncio.Future[StartFailed] = asyncio.get_running_loop().create_future()

    @property
    def pids(self) -> dict[str, int]:
        """Process id of everything that runs now, by name."""
        return {n: k.child.pid for n, k in self._kept.items() if k.child is not None and k.child.running}

    @property
    def restarts(self) -> dict[str, int]:
        return {n: k.restarts for n, k in self._kept.items()}

    def start(self, spec: ProcessSpec) -> None:
        """Start a process and keep it running."""
        if spec.name in self._kept:
            raise ValueError(f"{spec.name} is already supervised")
        kept = _Kept(spec)
        self._kept[spec.name] = kept
        kept.task = asyncio.create_task(self._keep(kept), name=f"keep {spec.name}")

    async def ready(self, names: Iterable[str], *, within: float) -> None:
        """Wait until all of these have been ready once.

        Raises:
            StartFailed: one of them cannot start at all, or was not ready in time.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + within
        late = []
        for name in names:
            wait = asyncio.create_task(self._kept[name].was_ready.wait())
            either: list[asyncio.Future[Any]] = [wait, self.failed]
            await asyncio.wait(either, timeout=max(end - loop.time(), 0), return_when=asyncio.FIRST_COMPLETED)
            wait.cancel()
            if self.failed.done():
                raise self.failed.result()
            if not self._kept[name].was_ready.is_set():
                late.append(name)
        if late:
            raise self._late(late, within)

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to one process, if it runs."""
        kept = self._kept.get(name)
        if kept is not None and kept.child is not None:
            kept.child.signal(number)

    async def remove(self, names: Iterable[str], *, within: float = 5.0) -> None:
        """Stop some processes gracefully and forget them; what has not ended in time is killed."""
        chosen = [self._kept[name] for name in names if name in self._kept]
        for kept in chosen:
            kept.stopping.set()
            if kept.child is not None:
                kept.child.signal(signal.SIGTERM)
        tasks = [kept.task for kept in chosen if kept.task is not None]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=max(within, 0.05))
            for kept in chosen:
                if kept.task in late and kept.child is not None:
                    self._sink.say(f"{kept.spec.name} did not stop within {within:.1f} s: killed", style="yellow")
                    kept.child.kill()
            if late:
                await asyncio.wait(late, timeout=2.0)
        for kept in chosen:
            self._kept.pop(kept.spec.name, None)
        self._on_change()

    async def stop_all(self, *, within: float = 10.0) -> None:
        """Stop everything, later stages first, in at most about `within` seconds."""
        loop = asyncio.get_running_loop()
        end = loop.time() + within
        while self._kept:
            stages = sorted({kept.spec.stage for kept in self._kept.values()})
            left = end - loop.time()
            names = [name for name, kept in self._kept.items() if kept.spec.stage == stages[-1]]
            await self.remove(names, within=left if len(stages) == 1 else left * 0.6)

    def kill_all(self) -> None:
        """End everything at once (a second Ctrl-C)."""
        for kept in self._kept.values():
            kept.stopping.set()
            if kept.child is not None:
                kept.child.kill()

    async def _keep(self, kept: _Kept) -> None:
        loop = asyncio.get_running_loop()
        spec = kept.spec
        while not kept.stopping.is_set():
            born = loop.time()
            try:
                kept.child = await Child.spawn(spec.argv, spec.env, lambda line: self._line(kept, line))
            except OSError as error:
                self._fail(StartFailed(f"{spec.name} cannot be started: {spec.argv[0]}: {error.strerror}"))
                return
            self._on_change()
            if kept.stopping.is_set():
                kept.child.signal(signal.SIGTERM)
            probing = asyncio.create_task(self._probe(kept))
            code = await kept.child.wait()
            probing.cancel()
            self._on_change()
            if kept.stopping.is_set():
                return
            kept.deaths = 1 if loop.time() - born > STABLE_AFTER else kept.deaths + 1
            if not kept.was_ready.is_set() and kept.deaths >= ATTEMPTS:
                self._fail(self._never_ready(kept, code))
                return
            pause = 0.0 if kept.deaths == 1 else min(FIRST_PAUSE * 2.0 ** (kept.deaths - 2), LONGEST_PAUSE)
            kept.restarts += 1
            when = f"in {pause:.1f} s" if pause else "now"
            self._sink.say(f"{spec.name} died ({words_of_exit(code)}), restarting {when}", style="yellow")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await kept.stopping.wait()

    async def _probe(self, kept: _Kept) -> None:
        born = time.time()
        again = kept.restarts > 0
        while not await kept.spec.ready(born):  # noqa: ASYNC110 - a condition of another process: nobody announces it
            await asyncio.sleep(POLL)
        kept.was_ready.set()
        if again:
            self._sink.say(f"{kept.spec.name} is back after {time.time() - born:.1f} s", style="green")
        self._on_change()

    def _line(self, kept: _Kept, raw: bytes) -> None:
        kept.last_lines.append(raw.decode(errors="replace"))
        harmless = any(part in raw for part in kept.spec.harmless)
        self._sink.line(kept.spec.name, raw, quiet_below="SILENT" if harmless else kept.spec.quiet_below)

    def _fail(self, failure: StartFailed) -> None:
        if not self.failed.done():
            self.failed.set_result(failure)

    def _never_ready(self, kept: _Kept, code: int) -> StartFailed:
        lines = "\n".join(f"    {line}" for line in kept.last_lines)
        return StartFailed(
            f"{kept.spec.name} cannot start: it died {kept.deaths} times before it was ready ({words_of_exit(code)}). "
            f"Its last lines:\n{lines or '    (it said nothing)'}",
            fix="mend what these lines name and run the command again",
        )

    def _late(self, names: list[str], within: float) -> StartFailed:
        parts = []
        for name in names:
            lines = "\n".join(f"    {line}" for line in self._kept[name].last_lines)
            parts.append(
                f"{name} was not ready within {within:g} s. Its last lines:\n{lines or '    (it said nothing)'}"
            )
        return StartFailed("\n".join(parts), fix="mend what these lines name and run the command again")
