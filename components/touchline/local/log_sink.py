"""Where the lines of all processes meet: one readable, coloured, prefixed stream on the terminal, and one file a process.

Nothing here may slow a component down: a child whose pipe is not read stops at its next log line. So lines go to a bounded
queue that a thread empties; where the terminal is slower than the log, lines are left out of the terminal and counted.
"""

import logging
import queue
import re
import threading
from pathlib import Path
from typing import IO

from rich.console import Console
from rich.text import Text

_COLOURS = ("cyan", "magenta", "green", "yellow", "blue", "bright_cyan", "bright_magenta", "bright_green")
_LEVEL = re.compile(r"\b(DEBUG|INFO|WARNING|ERROR|CRITICAL)\b|\[(DBG|INF|WRN|ERR|FTL)\]")
_SHORT = {"DBG": "DEBUG", "INF": "INFO", "WRN": "WARNING", "ERR": "ERROR", "FTL": "CRITICAL"}
_STYLES = {"DEBUG": "dim", "WARNING": "yellow", "ERROR": "red", "CRITICAL": "bold red"}
_RANK = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40, "CRITICAL": 50, "SILENT": 99}

OWN = "touchline"
"""The prefix of the supervisor's own lines."""


def level_of(line: str) -> str:
    """The level that a line names near its start, in Python's words; `INFO` where it names none."""
    found = _LEVEL.search(line, 0, 80)
    if not found:
        return "INFO"
    return found[1] or _SHORT[found[2]]


class LogFile:
    """One process's log on disk: appended to, and turned over once at a bound, so it holds at most twice that."""

    def __init__(self, path: Path, *, limit: int = 8 * 1024 * 1024) -> None:
        self._path = path
        self._limit = limit
        self._file: IO[bytes] | None = None
        self._size = 0
        self._broken = ""

    def write(self, line: bytes) -> str:
        """Append a line. Returns what is wrong the first time that it cannot be written (a full disk), else ''."""
        try:
            if self._file is None:
                self._file = self._path.open("ab", buffering=0)
                self._size = self._path.stat().st_size
            if self._size > self._limit:
                self._file.close()
                self._path.replace(self._path.with_suffix(".log.1"))
                self._file = self._path.open("ab", buffering=0)
                self._size = 0
            self._file.write(line + b"\n")
            self._size += len(line) + 1
        except OSError as error:
            told, self._broken = self._broken, str(error)
            return "" if told else f"cannot write {self._path}: {error.strerror}; its lines go to the terminal only"
        self._broken = ""
        return ""

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


class LogSink:
    """The terminal's side. Call `line` from the event loop; `close` writes out what is queued."""

    def __init__(self, console: Console, *, folder: Path | None, level: str = "INFO", bound: int = 10_000) -> None:
        self._console = console
        self._folder = folder
        self._rank = _RANK[level]
        self._queue: queue.Queue[Text | None] = queue.Queue(maxsize=bound)
        self._files: dict[str, LogFile] = {}
        self._colours: dict[str, str] = {OWN: "bold"}
        self._width = len(OWN)
        self._left_out = 0
        self._thread = threading.Thread(target=self._write_out, name="log-sink", daemon=True)
        self._thread.start()

    def line(self, name: str, raw: bytes, *, quiet_below: str = "DEBUG") -> None:
        """One line of one process. All go to its file; the terminal leaves out what ranks below `quiet_below`."""
        problem = self._to_file(name, raw)
        text = raw.decode(errors="replace").expandtabs()
        level = level_of(text)
        if _RANK[level] >= max(self._rank, _RANK[quiet_below]):
            self._show(name, text, _STYLES.get(level, ""))
        if problem:
            self.say(problem, style="red")

    def say(self, text: str, *, style: str = "") -> None:
        """A line of the supervisor's own."""
        self._to_file(OWN, text.encode())
        self._show(OWN, text, style)

    def close(self) -> None:
        """Write out what is queued and close the files."""
        self._queue.put(None)
        self._thread.join(timeout=2.0)
        for file in self._files.values():
            file.close()

    def _to_file(self, name: str, raw: bytes) -> str:
        if self._folder is None:
            return ""
        file = self._files.get(name)
        if file is None:
            file = self._files[name] = LogFile(self._folder / f"{name}.log")
        return file.write(raw)

    def _show(self, name: str, text: str, style: str) -> None:
        colour = self._colours.get(name)
        if colour is None:
            colour = self._colours[name] = _COLOURS[(len(self._colours) - 1) % len(_COLOURS)]
        self._width = max(self._width, min(len(name), 24))
        row = Text.assemble((f"{name:<{self._width}} ", colour), ("│ ", "dim"), (text, style))
        try:
            self._queue.put_nowait(row)
        except queue.Full:
            self._left_out += 1

    def _write_out(self) -> None:
        while (row := self._queue.get()) is not None:
            left_out, self._left_out = self._left_out, 0
            try:
                self._console.print(row, soft_wrap=True, highlight=False)
                if left_out:
                    self._console.print(
                        f"… {left_out} lines left out: the terminal is slower than the log", style="dim"
                    )
            except (OSError, ValueError):
                break  # nobody reads our output any more; the files go on
        else:
            return
        while self._queue.get() is not None:
            pass


class OwnRecords(logging.Handler):
    """Brings this process's own log records (of the broker connection, mostly) into the stream, as lines of `touchline`."""

    def __init__(self, sink: LogSink) -> None:
        super().__init__(logging.WARNING)
        self._sink = sink

    def emit(self, record: logging.LogRecord) -> None:
        self._sink.say(record.getMessage(), style=_STYLES.get(record.levelname, ""))
