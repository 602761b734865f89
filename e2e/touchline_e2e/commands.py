"""The harness's commands, behind `make image` and the `make e2e-…` targets."""

import sys

import click

from touchline_e2e import application_image, machine, programs, standing
from touchline_e2e.errors import HarnessError


def _say(text: str) -> None:
    click.echo(text, err=True)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Kubernetes for Touchline's tests."""


@cli.command()
@click.argument("names", nargs=-1)
@click.option("--packages", is_flag=True, help="As root, install the Debian packages that a whole cluster needs, too.")
def tools(names: tuple[str, ...], *, packages: bool) -> None:
    """Build the cluster's programs (all, or those named) once into the cache."""
    known = {program.name: program for program in programs.PROGRAMS}
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise click.UsageError(f"no such program: {', '.join(unknown)}; there are {', '.join(known)}")
    if packages:
        machine.install_packages(_say)
    for name in names or known:
        built = programs.build(known[name], _say)
        click.echo(f"{name:<11} {programs.version(known[name]):<9} {built}")


@cli.command()
@click.option("--tag", default="touchline:latest", show_default=True, help="What the image is called.")
@click.option("--base", help="Another base image than the Dockerfile's.")
@click.option(
    "--archive", is_flag=True, help="Without a registry, with buildah, as an archive (what the cluster loads)."
)
def image(tag: str, base: str | None, *, archive: bool) -> None:
    """Build the container image."""
    if archive:
        click.echo(application_image.without_a_registry(_say))
    else:
        application_image.with_a_registry(tag, base, _say)


@cli.command()
@click.option("--nodes", type=click.IntRange(1, 2), default=1, show_default=True)
def up(nodes: int) -> None:
    """Start a cluster and leave it running."""
    started = standing.up(nodes, _say)
    click.echo(f"export KUBECONFIG={started.kubeconfig}")
    if started.gateway:
        click.echo(f"gateway: {started.gateway}")


@cli.command()
@click.option("--nodes", type=click.IntRange(1, 2), default=1, show_default=True)
def hold(nodes: int) -> None:
    """Hold a cluster until a signal comes (`up` runs this in the background)."""
    standing.hold(nodes, _say)


@cli.command()
def down() -> None:
    """End the cluster that `up` left running."""
    click.echo("ended" if standing.down() else "no cluster is running", err=True)


def main() -> None:
    """Run a command; an error of the harness is a sentence and exit code 1, not a traceback."""
    try:
        cli()
    except HarnessError as error:
        click.echo(f"e2e: {error}", err=True)
        sys.exit(1)
