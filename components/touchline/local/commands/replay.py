"""`touchline replay`."""

import asyncio
import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from touchline.feeds.interface import TransportError
from touchline.feeds.replay.recording import Recording
from touchline.local import ports
from touchline.local.declared import Declared
from touchline.local.engine import Options
from touchline.local.errors import Refused
from touchline.local.log_sink import LogSink
from touchline.local.replay_resources import replay_of
from touchline.local.replaying import Played, play
from touchline.local.running import Stopped, running, until_stopped
from touchline.local.screens import console
from touchline.local.screens.played import summary
from touchline.local.state_dir import StateDir
from touchline.local.target import json_option


def _speed(_ctx: click.Context, _param: click.Parameter, value: str) -> str:
    """A factor as the resource writes it, or `Max`."""
    if value.casefold() == "max":
        return "Max"
    try:
        factor = float(value)
    except ValueError:
        factor = 0.0
    if not 0.001 <= factor < 1_000_000:
        raise click.BadParameter(f"{value!r} is no speed: write a factor such as 10 (ten times as fast) or max")
    return f"{factor:.3f}".rstrip("0").rstrip(".")


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--speed",
    callback=_speed,
    metavar="FACTOR|max",
    default="max",
    show_default=True,
    help="Times the recording's own pace, or max.",
)
@click.option(
    "--port", default=0, type=click.IntRange(0, 65535), help="Of the gateway and the page. Default: any free one."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--keep", is_flag=True, help="Keep serving after the end, until Ctrl-C.")
@click.option(
    "--state-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep the captured frames and everything else there. Default: a temporary directory.",
)
@json_option
def replay(file: Path, speed: str, port: int, host: str, *, keep: bool, state_dir: Path | None, as_json: bool) -> None:
    """Play a recorded feed through the whole engine, and say what became of it.

    FILE holds Betfair stream messages, one a line; plain, .bz2 or .gz. Every sport, league and market type is accepted.

    \b
    Examples:
      touchline replay 1.200806927.bz2
      touchline replay 1.200806927.bz2 --speed 100 --port 8080 --keep
      touchline replay 1.200806927.bz2 --json > result.json
    """
    try:
        Recording(file)
    except TransportError as error:
        raise Refused(str(error), fix="name a recording of stream messages: plain, .bz2 or .gz") from error
    if port:
        ports.check(host, port)
    options = Options(host=host, port=port, log_level="WARNING", files=(str(file),), hold_feeds=True, record=False)
    terminal = console(stderr=True)
    with _state(state_dir) as state:
        played = asyncio.run(_replay(state, options, replay_of(file, speed), terminal, keep=keep, as_json=as_json))
    if played is None:
        raise SystemExit(130)
    if played.broken_off:
        raise Refused(f"the recording broke off: {played.broken_off}", fix="what came before was played")


@contextmanager
def _state(chosen: Path | None) -> Iterator[StateDir]:
    if chosen is not None:
        with StateDir(chosen) as state:
            yield state
        return
    with tempfile.TemporaryDirectory(prefix="touchline-replay-") as folder, StateDir(Path(folder)) as state:
        yield state


async def _replay(
    state: StateDir, options: Options, declared: Declared, terminal: Console, *, keep: bool, as_json: bool
) -> Played | None:
    sink = LogSink(terminal, folder=state.logs, level="WARNING")
    stop = asyncio.Event()
    try:
        async with running(state, sink, options, declared, stop) as engine:
            terminal.print(f"playing {options.files[0]}; watch it at {engine.url}/", style="dim")
            with _progress(terminal) as show:
                playing = asyncio.create_task(play(engine, show), name="play")
                await until_stopped(engine, stop, playing)
            if not playing.done() or playing.cancelled():
                return None
            played = playing.result()
            _tell(played, as_json=as_json)
            if keep:
                terminal.print(f"still serving {engine.url}/ until Ctrl-C", style="bold")
                await until_stopped(engine, stop)
            return played
    except Stopped:
        return None
    finally:
        sink.close()


@contextmanager
def _progress(terminal: Console) -> Iterator[Callable[[dict[str, Any]], None]]:
    """A bar on the terminal; nothing elsewhere."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[note]}"))
    with Progress(*columns, console=terminal, transient=True, disable=not terminal.is_terminal) as progress:
        task = progress.add_task("replay", total=1.0, note="")

        def show(status: dict[str, Any]) -> None:
            played = status.get("replay") or {}
            frames = status.get("frames") or {}
            total = played.get("bytes_total") or 1
            progress.update(
                task, completed=played.get("bytes_read", 0) / total, note=f"{frames.get('captured', 0)} messages"
            )

        yield show


def _tell(played: Played, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(played.document()))
    else:
        console().print(summary(played))
