"""The bar that `touchline replay` draws while a file is played."""

from dataclasses import asdict
from io import StringIO

from rich.console import Console

from touchline.feeds.replay.transport import Progress
from touchline.local.commands.replay import _progress


def test_the_bar_shows_how_much_of_the_file_was_read() -> None:
    terminal = Console(file=StringIO(), force_terminal=True, width=100)
    with _progress(terminal) as show:
        show({"replay": asdict(Progress(bytes_read=300, bytes_total=1200)), "frames": {"captured": 7}})
    drawn = terminal.file.getvalue()  # type: ignore[attr-defined]
    assert "25%" in drawn
    assert "7 messages" in drawn
