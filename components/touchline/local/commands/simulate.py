"""`touchline simulate`."""

import os

import click

from touchline.simulation import screen
from touchline.simulation.bugs import BUGS


def _list_bugs(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if value:
        width = max(map(len, BUGS))
        for bug in BUGS.values():
            click.echo(f"{bug.name:<{width}}  {bug.what}")
        ctx.exit()


@click.command()
@click.option(
    "--seeds", default=2000, show_default=True, type=click.IntRange(1, 10_000_000), help="How many seeds to run."
)
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="The first seed.")
@click.option("--jobs", type=click.IntRange(1, 256), help="Processes to use.  [default: one for each core]")
@click.option("--trace", is_flag=True, help="Print every event; with --seeds 1.")
@click.option("--stop", is_flag=True, help="Stop at the first seed that fails.")
@click.option(
    "--bug", type=click.Choice(list(BUGS)), metavar="NAME", help="Run with a deliberate bug: it should be caught."
)
@click.option(
    "--list-bugs", is_flag=True, is_eager=True, expose_value=False, callback=_list_bugs, help="List the bugs."
)
def simulate(*, seeds: int, seed: int, jobs: int | None, trace: bool, stop: bool, bug: str | None) -> None:
    """Run whole engines in one process under seeded faults and check every invariant after each step.

    Exits with 1 if any seed violates an invariant, and prints for each how to replay it.

    \b
    Examples:
      touchline simulate --seeds 20000
      touchline simulate --seeds 1 --seed 4711 --trace     replay one seed, event by event
      touchline simulate --bug no-fencing --stop           see a deliberate bug being caught
    """
    if trace:
        if seeds != 1:
            raise click.UsageError("--trace shows one seed: add --seeds 1 and name it with --seed")
        raise SystemExit(screen.trace(seed, bug=bug or ""))
    raise SystemExit(screen.simulate(seed, seeds, jobs=jobs or os.cpu_count() or 1, bug=bug or "", stop_at_first=stop))
