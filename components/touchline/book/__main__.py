"""`python -m touchline.book --node ID`."""

import dataclasses
import sys
from functools import partial

import click

from touchline.book.node import run_node
from touchline.bus.health_port import HealthPort, health_options
from touchline.bus.process import run
from touchline.bus.settings import Settings, SettingsError


@click.command()
@click.option("--node", metavar="ID", required=True, help="Name of this node; two running nodes never share one.")
@health_options
def main(node: str, health_host: str, health_port: int | None) -> None:
    """Run a book node: it makes the prices of the shards that it leads and decides the bets on them.

    Connections come from the environment (TOUCHLINE_NATS_URL and others), resources from the config bucket.

    With --health-port, /readyz is 200 while the node could take over: its broker is connected, an OddsEngine is known and the decisions of
    every shard are read to their end.
    """
    try:
        settings = dataclasses.replace(Settings.from_env(), node=node)
    except SettingsError as error:
        raise click.ClickException(str(error)) from error
    health = HealthPort(health_host, health_port) if health_port is not None else None
    sys.exit(run(partial(run_node, settings, node, health=health), log_level=settings.log_level))


if __name__ == "__main__":
    main()
