"""`python -m touchline.book --node ID`."""

import dataclasses
import sys
from functools import partial

import click

from touchline.book.node import run_node
from touchline.bus.process import run
from touchline.bus.settings import Settings, SettingsError


@click.command()
@click.option("--node", metavar="ID", required=True, help="Name of this node; two running nodes never share one.")
def main(node: str) -> None:
    """Run a book node: it makes the prices of the shards that it leads and decides the bets on them.

    Connections come from the environment (TOUCHLINE_NATS_URL and others), resources from the config bucket.
    """
    try:
        settings = dataclasses.replace(Settings.from_env(), node=node)
    except SettingsError as error:
        raise click.ClickException(str(error)) from error
    sys.exit(run(partial(run_node, settings, node), log_level=settings.log_level))


if __name__ == "__main__":
    main()
