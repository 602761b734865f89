"""A command under test: a process of its own, and what it printed."""

import subprocess
from pathlib import Path


class Command:
    """A process whose output goes to a file. A subclass starts it and ends it.

    Attributes:
        log: what it printed, errors too.
    """

    def __init__(self, log: Path) -> None:
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "it has not been started"
        return self._process

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    @property
    def output(self) -> str:
        """All that it printed so far."""
        return self.log.read_text(errors="replace")
