"""What happened in a run: its last events for people, all of them as one number for comparing runs."""

from collections import deque
from collections.abc import Callable
from zlib import crc32

from touchline.simulation.scheduler import Scheduler

KEPT = 400


class Trace:
    """Events in order. `digest` depends on every one of them, so two runs with equal digests did the same."""

    def __init__(self, scheduler: Scheduler, echo: Callable[[str], None] | None = None) -> None:
        self.digest = 0
        self.count = 0
        self._scheduler = scheduler
        self._echo = echo
        self._kept: deque[tuple[int, str, str, str]] = deque(maxlen=KEPT)

    def note(self, who: str, what: str, detail: str = "") -> None:
        """One event: a node's name, a word, the figures."""
        now = self._scheduler.now
        self.count += 1
        self.digest = crc32(f"{now}{who}{what}{detail}".encode(), self.digest)
        self._kept.append((now, who, what, detail))
        if self._echo is not None:
            self._echo(_line(now, who, what, detail))

    def last(self, count: int) -> list[str]:
        """The newest events, oldest first, as lines."""
        return [_line(*event) for event in list(self._kept)[-count:]]


def _line(now: int, who: str, what: str, detail: str) -> str:
    return f"{now / 1_000_000:10.6f}  {who:<12} {what:<14} {detail}"
