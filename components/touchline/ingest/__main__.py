"""`python -m touchline.ingest`: the ingest process of one FeedProvider."""

import asyncio
import sys

import click

from touchline.bus.health_port import HealthPort, health_options
from touchline.bus.process import run
from touchline.bus.settings import Settings, SettingsError
from touchline.ingest.clock import system_clock
from touchline.ingest.process import serve

EPILOG = """\b
Examples:
  touchline up examples/quickstart        starts this for every FeedProvider
  TOUCHLINE_NATS_URL=nats://127.0.0.1:4222 python -m touchline.ingest --provider betfair

\b
It reads the resources FeedProvider NAME, its EntityMaps and the OddsEngine from the broker's bucket `config`,
and follows their changes while it runs. It writes
  raw.NAME                 every frame exactly as received
  odds.<shard>.NAME        numbered normalised updates
  odds.beat.NAME           a proof of life every 100 ms
  quarantine.NAME.REASON   what was refused, with why
  bucket status, ingest.NAME    health and counters, once a second
  bucket lease, ingest.NAME     whose turn it is: of several processes of one provider one receives, the others
                                stand by and take over within seconds

\b
With --health-port PORT it answers over HTTP:
  /healthz                 200 while its loop turns
  /readyz                  200 while it could receive (broker connected, configuration read), else 503 and why;
                           a provider that is away shows in the status, not here
  /metrics                 its figures for Prometheus

\b
Environment (all optional): TOUCHLINE_NATS_URL, TOUCHLINE_NATS_USER, TOUCHLINE_NATS_PASSWORD,
TOUCHLINE_SECRETS_DIR (one folder for each Secret, one file for each key), TOUCHLINE_NODE, TOUCHLINE_LOG_LEVEL.

\b
Exit codes: 0 stopped as asked (SIGTERM, Ctrl-C); 1 could not go on, the last line says why.
"""


@click.command(epilog=EPILOG, context_settings={"max_content_width": 110})
@click.option("--provider", required=True, metavar="NAME", help="Name of the FeedProvider resource to serve.")
@health_options
def main(provider: str, health_host: str, health_port: int | None) -> None:
    """Receive one provider's odds: capture, validate, translate, identify, publish.

    A FeedProvider that does not exist yet is waited for. Nothing here needs a restart: endpoints, thresholds and EntityMaps are
    taken over when they are applied.
    """
    try:
        settings = Settings.from_env()
    except SettingsError as error:
        raise click.ClickException(str(error)) from error

    health = HealthPort(health_host, health_port) if health_port is not None else None

    async def serve_until(stop: asyncio.Event) -> None:
        await serve(settings, provider, system_clock(), stop, health=health)

    sys.exit(run(serve_until, log_level=settings.log_level))


if __name__ == "__main__":
    main()
