"""`python -m touchline.gateway`: HTTP, WebSocket, SSE and the page on one port."""

import dataclasses
import sys

import click

from touchline.bus.process import run
from touchline.bus.settings import Settings, SettingsError
from touchline.gateway.process import DRAIN_MOST_S, run_gateway


@click.command()
@click.option("--node", default="", help="Name of this gateway in status and logs (default: TOUCHLINE_NODE).")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="Port to listen on.")
@click.option(
    "--tls-secret", default="", help="Folder below TOUCHLINE_SECRETS_DIR with tls.crt and tls.key; without it, plain."
)
@click.option(
    "--drain-at-most",
    default=DRAIN_MOST_S,
    show_default=True,
    type=click.FloatRange(0, 3600),
    help="Seconds that clients are given to leave at the end, where spec.gateway.drainSpread is longer.",
)
def main(node: str, host: str, port: int, tls_secret: str, drain_at_most: float) -> None:
    """Serve bettors: prices out, bets in. Configured by TOUCHLINE_* variables and the OddsEngine resource."""
    try:
        settings = Settings.from_env()
    except SettingsError as error:
        raise click.UsageError(str(error)) from error
    if node:
        settings = dataclasses.replace(settings, node=node)
    sys.exit(
        run(
            lambda stop: run_gateway(settings, host, port, stop, tls_secret=tls_secret, drain_most_s=drain_at_most),
            log_level=settings.log_level,
        )
    )


if __name__ == "__main__":
    main()
