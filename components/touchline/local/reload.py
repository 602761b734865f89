"""Edits of the resource files, applied while the engine runs.

A save often touches a file several times and an editor may replace it by another: what counts is the content a moment later,
read as a whole. What is invalid is reported and changes nothing.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import watchfiles

from touchline.local.declared import Declared
from touchline.local.engine import Engine
from touchline.local.errors import Refused
from touchline.local.log_sink import LogSink

SETTLE_MS = 60
SUFFIXES = (".yaml", ".yml", ".json")


async def follow(paths: Sequence[Path], read: Callable[[], Declared], engine: Engine, sink: LogSink) -> None:
    """Apply every change of these files and directories until cancelled."""
    named = {path.absolute() for path in paths if not path.is_dir()}
    folders = {path.absolute() for path in paths if path.is_dir()}

    def concerns(_change: watchfiles.Change, changed: str) -> bool:
        path = Path(changed)
        return path in named or (path.suffix in SUFFIXES and any(folder in path.parents for folder in folders))

    watched = folders | {path.parent for path in named}
    async for _ in watchfiles.awatch(
        *sorted(watched), watch_filter=concerns, debounce=SETTLE_MS * 4, step=SETTLE_MS, recursive=bool(folders)
    ):
        try:
            declared = read()
            done = await engine.apply(declared)
        except Refused as refusal:
            for line in refusal.message.splitlines():
                sink.say(line, style="red")
            sink.say(f"nothing was changed{': ' + refusal.fix if refusal.fix else ''}", style="red")
            continue
        for line in declared.warnings:
            sink.say(line, style="yellow")
        for line in done:
            sink.say(line, style="green")
