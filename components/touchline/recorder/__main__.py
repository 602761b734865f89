"""`python -m touchline.recorder`: the audit log of one engine."""

import asyncio
import sys

import click

from touchline.bus.connection import connect_unless_stopped, hang_up
from touchline.bus.health_port import HealthPort, health_options
from touchline.bus.process import Fatal, run
from touchline.bus.settings import Settings, SettingsError
from touchline.bus.stream_reader import Unreadable
from touchline.recorder.process import serve
from touchline.recorder.verify import verify

EPILOG = """\b
Examples:
  TOUCHLINE_NATS_URL=nats://127.0.0.1:4222 python -m touchline.recorder --shards 8
  kubectl exec deploy/main-recorder -- python -m touchline.recorder --verify

\b
It reads the streams BOOK (prices) and BETS_<shard> (decisions) and writes
  stream AUDIT             segments of what it read, each naming the hash of the one before; kept for
                           spec.recorder.retention of the OddsEngine
  bucket status, recorder.<node>   how it stands, once a second
What it could not record, because the source had lost it, stands in the log as missing.

\b
With --health-port PORT it answers over HTTP:
  /healthz                 200 while its loop turns
  /readyz                  200 while the broker is connected, else 503
  /metrics                 its figures for Prometheus

\b
Environment (all optional): TOUCHLINE_NATS_URL, TOUCHLINE_NATS_USER, TOUCHLINE_NATS_PASSWORD, TOUCHLINE_NODE,
TOUCHLINE_LOG_LEVEL.

\b
Exit codes: 0 stopped as asked, or (--verify) the chain is whole; 1 could not go on, or the chain is broken: the
last line says which.
"""


@click.command(epilog=EPILOG, context_settings={"max_content_width": 110})
@click.option(
    "--shards", type=click.IntRange(1, 256), metavar="N", help="spec.shards of the OddsEngine; needed to record."
)
@click.option(
    "--verify", "check", is_flag=True, help="Read the whole log, check its chain, say what it holds, and end."
)
@health_options
def main(shards: int | None, check: bool, health_host: str, health_port: int | None) -> None:
    """Record every price and every decision of an engine in one chained log, kept as long as declared.

    It goes on where the log ends, so it may be stopped and started, and another may take its place at any time.
    """
    try:
        settings = Settings.from_env()
    except SettingsError as error:
        raise click.ClickException(str(error)) from error
    if shards is None and not check:
        raise click.UsageError(
            "name --shards: as many as spec.shards of the OddsEngine; or --verify a log that there is"
        )
    health = HealthPort(health_host, health_port) if health_port is not None else None

    async def serve_until(stop: asyncio.Event) -> None:
        if check or shards is None:
            await _check(settings, stop)
        else:
            await serve(settings, shards, stop, health=health)

    sys.exit(run(serve_until, log_level=settings.log_level))


async def _check(settings: Settings, stop: asyncio.Event) -> None:
    nc = await connect_unless_stopped(settings, stop, name="recorder verify")
    if nc is None:
        return
    try:
        found = await verify(nc)
    except Unreadable as error:
        raise Fatal(f"the log cannot be read: {error}") from error
    finally:
        await hang_up(nc)
    for line in found.lines():
        click.echo(line)
    if found.faults:
        raise Fatal(f"the log is broken in {len(found.faults)} places")


if __name__ == "__main__":
    main()
