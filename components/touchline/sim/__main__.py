"""`python -m touchline.sim`: a provider simulator on this machine, for local mode and tests."""

import asyncio
import contextlib
import logging
import signal
import sys
from pathlib import Path

import click
import msgspec

from touchline.feeds.interface import TransportError
from touchline.sim.certificates import CA_FILE
from touchline.sim.control import Control
from touchline.sim.fixtures import MEMORY
from touchline.sim.server import Simulator, SimulatorOptions
from touchline.sim.subscriber import Account

EPILOG = """\b
Examples:
  Two providers that show the same eight matches, each in its own words:
    python -m touchline.sim --serve betfair-a=7101 --serve betfair-b=7102 --control 7100 --ca-out ca/
  A recording, ten times as fast, without TLS:
    python -m touchline.sim --serve betfair=7101 --recording 1.200806927.bz2 --speed 10 --plain
  Two minutes of extra delay on one of them, while it runs:
    curl -d '{"kind": "Delay", "provider": "betfair-a", "by": "800ms", "for": "2m"}' http://127.0.0.1:7100/faults

When it serves, one line of JSON with all ports is printed. It stops on Ctrl-C.
"""


def read_served(_ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]) -> dict[str, int]:
    """NAME=PORT, each name once."""
    ports: dict[str, int] = {}
    for value in values:
        name, _, port = value.partition("=")
        if not name or not port.isdigit() or int(port) > 65535:
            raise click.BadParameter(f"{value!r}: write NAME=PORT, for example betfair-a=7101 (port 0: any free one)")
        if name in ports:
            raise click.BadParameter(f"{name!r} is named twice: each provider needs a name of its own")
        ports[name] = int(port)
    return ports


def read_speed(_ctx: click.Context, _param: click.Parameter, value: str) -> float | None:
    """A factor; None for Max."""
    if value == "Max":
        return None
    try:
        factor = float(value)
    except ValueError:
        factor = 0.0
    if not 0 < factor <= 1_000_000:
        raise click.BadParameter(f"{value!r}: write a factor above 0, for example 10, or Max")
    return factor


@click.command(epilog=EPILOG, context_settings={"max_content_width": 110})
@click.option(
    "--serve",
    metavar="NAME=PORT",
    callback=read_served,
    multiple=True,
    required=True,
    help="A provider and its port; once for each provider.",
)
@click.option(
    "--fixtures", type=click.IntRange(1, MEMORY), default=8, show_default=True, help="Generated matches at a time."
)
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same season.")
@click.option(
    "--tempo", type=click.FloatRange(0.1, 1000), default=20.0, show_default=True, help="Match seconds in one of ours."
)
@click.option(
    "--recording", type=click.Path(path_type=Path), help="Serve this file instead; it begins with the first subscriber."
)
@click.option(
    "--speed", metavar="FACTOR|Max", callback=read_speed, default="1", show_default=True, help="Pace of the recording."
)
@click.option(
    "--control", type=click.IntRange(0, 65535), help="HTTP port for faults and truth, on the loopback interface."
)
@click.option(
    "--ca-out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for ca.crt and the server's certificate; a next run serves with them again.",
)
@click.option("--plain", is_flag=True, help="Without TLS.")
@click.option("--nameless", is_flag=True, help="No names of events and runners, as on the live stream.")
@click.option("--app-key", default="", help="Take only this application key; default: any.")
@click.option("--session", default="", help="Take only this session token; default: any.")
@click.option(
    "--max-markets",
    type=click.IntRange(1, 1_000_000),
    default=Account().markets,
    show_default=True,
    help="Most markets of one subscription.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to serve on.")
def main(
    serve: dict[str, int],
    fixtures: int,
    seed: int,
    tempo: float,
    recording: Path | None,
    speed: float | None,
    control: int | None,
    ca_out: Path | None,
    plain: bool,
    nameless: bool,
    app_key: str,
    session: str,
    max_markets: int,
    host: str,
) -> None:
    """Serve the Betfair Exchange Stream protocol: generated football that never ends, or a recording."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
    options = SimulatorOptions(
        serve=serve,
        host=host,
        fixtures=fixtures,
        seed=seed,
        tempo=tempo,
        recording=recording,
        speed=speed,
        tls=not plain,
        named=not nameless,
        account=Account(app_key, session, max_markets),
        certificates=None if plain else ca_out,
    )
    try:
        asyncio.run(serve_until_stopped(options, control))
    except TransportError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"cannot serve: {error.strerror or error}; choose another port or folder") from error


async def serve_until_stopped(options: SimulatorOptions, control: int | None) -> None:
    """Run until SIGINT or SIGTERM; prints the ports as one line of JSON once all are open."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with contextlib.AsyncExitStack() as stack:
        simulator = await stack.enter_async_context(Simulator(options))
        ready: dict[str, object] = {"ports": simulator.ports}
        if control is not None:
            ready["control"] = (await stack.enter_async_context(Control(simulator, control))).port
        if options.certificates is not None:
            ready["ca"] = str(options.certificates.resolve() / CA_FILE)
        click.echo(msgspec.json.encode(ready).decode())
        await stop.wait()


if __name__ == "__main__":
    main()
