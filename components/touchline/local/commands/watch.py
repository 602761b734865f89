"""`touchline watch`."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import click
import msgspec
from rich.console import Console, RenderableType
from rich.live import Live

from touchline.local.client import TouchlineClient
from touchline.local.screens.moving_prices import MovingPrices, line_of
from touchline.local.target import Gateway, gateway_of, run, state_dir_option, url_option

EVERYTHING = "*"
FRAMES_A_SECOND = 8


@click.command()
@click.argument("topics", nargs=-1, metavar="[TOPIC]…")
@click.option("--json", "as_json", is_flag=True, help="Print the frames as they come, one object a line.")
@click.option("--count", type=click.IntRange(1), help="End after so many updates (with --json: objects).")
@url_option
@state_dir_option
def watch(topics: tuple[str, ...], *, as_json: bool, count: int | None, url: str, token: str, state_dir: Path) -> None:
    """Watch prices move, over the same WebSocket protocol that bettors' apps use.

    Topics: sport:NAME, league:ID, event:ID, type:NAME, market:ID. None: everything. In a terminal it is a live board; into a
    pipe it prints one line for each change.

    \b
    Examples:
      touchline watch
      touchline watch sport:Football type:MatchWinner
      touchline watch event:e7f3a1 --json --count 20
    """
    gateway = gateway_of(url, state_dir)
    chosen = topics or (EVERYTHING,)
    if as_json:
        run(_frames(gateway, token, chosen, count))
    else:
        run(_changes(gateway, token, chosen, count))


async def _frames(gateway: Gateway, token: str, topics: tuple[str, ...], count: int | None) -> None:
    left = count
    done = asyncio.Event()

    def show(text: str) -> None:
        nonlocal left
        for item in _objects(text):
            if left == 0:
                break
            click.echo(item)
            left = None if left is None else left - 1
        if left == 0:
            done.set()

    async with TouchlineClient(
        gateway.url, token=token, trust=gateway.trust, strict=False, on_frame=show, bound=1
    ) as client:
        await client.subscribe(*topics)
        await done.wait()


def _objects(text: str) -> list[str]:
    """The objects of one frame, each as its own text, exactly as sent where it stands alone."""
    if not text.startswith("["):
        return [text]
    return [bytes(item).decode() for item in msgspec.json.decode(text, type=list[msgspec.Raw])]


async def _changes(gateway: Gateway, token: str, topics: tuple[str, ...], count: int | None) -> None:
    console = Console(highlight=False)
    board = MovingPrices(rows=max(console.height - 3, 5), width=console.width)
    seen = 0
    async with TouchlineClient(gateway.url, token=token, trust=gateway.trust, strict=False) as client:
        await client.subscribe(*topics)
        if not console.is_terminal:
            async for change in client.changes():
                click.echo(line_of(change))
                seen += 1
                if seen == count:
                    return
            return

        def now() -> RenderableType:
            return board.board(
                time.monotonic(), connected=client.connected.is_set(), url=gateway.url, error=client.last_error
            )

        with Live(console=console, auto_refresh=False, screen=False, transient=False) as live:
            changes = client.changes()
            drawing = asyncio.create_task(_draw(live, now))
            try:
                async for change in changes:
                    board.take(change, time.monotonic())
                    seen += 1
                    if seen == count:
                        break
            finally:
                drawing.cancel()
                live.update(now(), refresh=True)


async def _draw(live: Live, now: Callable[[], RenderableType]) -> None:
    while True:
        live.update(now(), refresh=True)
        await asyncio.sleep(1 / FRAMES_A_SECOND)
