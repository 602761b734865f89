"""`touchline up`."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import click
from rich.console import Console

from touchline.local import ports, reload
from touchline.local.cli import BEGAN
from touchline.local.declared import Declared
from touchline.local.engine import Engine, Options
from touchline.local.log_sink import LogSink
from touchline.local.reading import read
from touchline.local.running import Stopped, running, until_stopped
from touchline.local.state_dir import StateDir
from touchline.local.target import state_dir_option


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="FILE|DIR…", type=click.Path(path_type=Path))
@click.option(
    "--port",
    default=8080,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Of the gateway and the page; 0: any free one.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--book-nodes", default=2, show_default=True, type=click.IntRange(1, 8), help="Candidates for leading the shards."
)
@click.option("--no-sim", is_flag=True, help="Never start simulators: connect to the providers as declared.")
@click.option(
    "--log-level",
    default="INFO",
    show_default=True,
    type=click.Choice(["DEBUG", "INFO", "WARNING", "ERROR"], case_sensitive=False),
    help="Of the components and of this terminal; files in STATE-DIR/logs have everything.",
)
@state_dir_option
def up(
    paths: tuple[Path, ...], port: int, host: str, book_nodes: int, *, no_sim: bool, log_level: str, state_dir: Path
) -> None:
    """Run a whole engine on this machine from its resources, with its own broker and cache.

    Edits of the files are applied while it runs; what dies is restarted; Ctrl-C stops everything.

    \b
    Examples:
      touchline up examples/quickstart
      touchline up engine.yaml feeds/ --port 9000
      touchline up examples/quickstart --log-level debug
    """

    def declared() -> Declared:
        return read(paths, simulate=not no_sim)

    first = declared()
    if port:
        ports.check(host, port)
    options = Options(
        host=host,
        port=port,
        book_nodes=book_nodes,
        log_level=log_level.upper(),
        files=tuple(str(path) for path in paths),
    )
    with StateDir(state_dir) as state:
        asyncio.run(_serve(state, options, first, declared, paths))


async def _serve(
    state: StateDir, options: Options, first: Declared, declared: Callable[[], Declared], paths: tuple[Path, ...]
) -> None:
    sink = LogSink(Console(), folder=state.logs, level=options.log_level)
    stop = asyncio.Event()
    try:
        async with running(state, sink, options, first, stop) as engine:
            for line in first.warnings:
                sink.say(line, style="yellow")
            _tell(engine, sink, time.monotonic() - BEGAN)
            edits = asyncio.create_task(reload.follow(paths, declared, engine, sink), name="edits")
            await until_stopped(engine, stop, edits)
    except Stopped:
        pass
    finally:
        sink.say("stopped")
        sink.close()


def _tell(engine: Engine, sink: LogSink, took: float) -> None:
    sink.say(f"ready in {took:.1f} s", style="bold green")
    for name, where in (
        ("page", f"{engine.url}/"),
        ("WebSocket", f"{engine.url.replace('http', 'ws', 1)}/v1/ws"),
        ("HTTP API", f"{engine.url}/docs"),
        ("broker", engine.broker_url),
        ("logs", str(engine.state.logs)),
    ):
        sink.say(f"  {name:<10} {where}")
    sink.say("  try        touchline watch")
    sink.say("Ctrl-C stops everything")
