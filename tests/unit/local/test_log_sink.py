"""Lines of many processes on one terminal and in one file each."""

import io
import threading
from pathlib import Path

import pytest
from rich.console import Console

from touchline.local.log_sink import LogFile, LogSink, level_of


class SlowTerminal(io.StringIO):
    """Takes nothing until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()

    def write(self, text: str) -> int:
        self.go.wait(10)
        return super().write(text)


def test_each_line_has_its_process_in_front(tmp_path: Path) -> None:
    terminal = io.StringIO()
    sink = LogSink(Console(file=terminal, width=200), folder=tmp_path)
    sink.line("book-1", b"12:00:00 INFO touchline.book: leads shard 3")
    sink.line("nats", b"quiet")
    sink.close()
    assert terminal.getvalue().splitlines() == [
        "book-1    │ 12:00:00 INFO touchline.book: leads shard 3",
        "nats      │ quiet",
    ]
    assert (tmp_path / "nats.log").read_text() == "quiet\n"


def test_the_terminal_leaves_out_what_ranks_below_the_level_and_the_file_does_not(tmp_path: Path) -> None:
    terminal = io.StringIO()
    sink = LogSink(Console(file=terminal, width=200), folder=tmp_path)
    sink.line("nats", b"[7] 2026/11/24 [INF] Server is ready", quiet_below="WARNING")
    sink.line("nats", b"[7] 2026/11/24 [ERR] no space", quiet_below="WARNING")
    sink.close()
    assert terminal.getvalue() == "nats      │ [7] 2026/11/24 [ERR] no space\n"
    assert (tmp_path / "nats.log").read_text().count("\n") == 2


def test_colour_follows_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for forced in (True, False):
        monkeypatch.delenv("NO_COLOR", raising=False)
        terminal = io.StringIO()
        sink = LogSink(Console(file=terminal, force_terminal=forced, width=200), folder=None)
        sink.line("a", b"ERROR: lost")
        sink.close()
        assert ("\x1b[" in terminal.getvalue()) is forced


def test_a_slow_terminal_costs_lines_and_never_time() -> None:
    terminal = SlowTerminal()
    sink = LogSink(Console(file=terminal, width=200), folder=None, bound=10)
    for number in range(1000):
        sink.line("a", b"line %d" % number)
    terminal.go.set()
    sink.close()
    assert "lines left out: the terminal is slower than the log" in terminal.getvalue()
    assert terminal.getvalue().count("line ") < 30


def test_a_log_file_turns_over_at_its_bound(tmp_path: Path) -> None:
    file = LogFile(tmp_path / "a.log", limit=100)
    for _ in range(40):
        assert file.write(b"0123456789") == ""
    file.close()
    assert (tmp_path / "a.log").stat().st_size <= 111
    assert (tmp_path / "a.log.1").stat().st_size <= 111


def test_a_full_disk_is_told_once() -> None:
    file = LogFile(Path("/dev/full"))
    assert "No space left on device" in file.write(b"x")
    assert file.write(b"x") == ""
    file.close()


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("22:56:23.1 WARNING touchline.bus: x", "WARNING"),
        ("[12] 2026/11/24 22:56:26 [FTL] x", "CRITICAL"),
        ("12:M 24 Nov 2026 * Ready", "INFO"),
        ("INFORMATION", "INFO"),
    ],
)
def test_levels_are_read_from_the_line(line: str, level: str) -> None:
    assert level_of(line) == level
