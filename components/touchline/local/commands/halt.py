"""`touchline halt` and `touchline resume`."""

from pathlib import Path

import click

from touchline.bus.connection import hang_up
from touchline.local import halts
from touchline.local.state_dir import RunRecord, read_run
from touchline.local.target import person, run, state_dir_option

_SCOPE = click.argument("scope", type=click.Choice(halts.SCOPES))
_ID = click.argument("name", metavar="[ID]", default="")


@click.command()
@_SCOPE
@_ID
@click.option("--note", default="", help="Why; shown with the hold and kept in the log.")
@state_dir_option
def halt(scope: str, name: str, note: str, state_dir: Path) -> None:
    """Stop all betting on a market, an event, everything from a provider, or everything.

    The halt stands until `touchline resume` takes it away, over restarts too.

    \b
    Examples:
      touchline halt market e7f3a1:MatchWinner --note "line-up leaked"
      touchline halt event e7f3a1
      touchline halt provider betfair
      touchline halt all
    """
    record, name = read_run(state_dir), halts.check(scope, name)
    run(_halt(record, scope, name, note))
    click.echo(f"halted {_words(scope, name)}")


@click.command()
@_SCOPE
@_ID
@click.option("--note", default="", help="Why; kept in the log.")
@state_dir_option
def resume(scope: str, name: str, note: str, state_dir: Path) -> None:
    """Take a halt away, and end the review that a policy asked for. Other holds stay.

    \b
    Examples:
      touchline resume market e7f3a1:MatchWinner
      touchline resume all
    """
    record, name = read_run(state_dir), halts.check(scope, name)
    was = run(_resume(record, scope, name, note))
    click.echo(
        f"resumed {_words(scope, name)}" if was else f"{_words(scope, name)} was not halted; reviews of it are ended"
    )


async def _halt(record: RunRecord, scope: str, name: str, note: str) -> None:
    nc = await halts.broker_of(record)
    try:
        await halts.halt(nc, scope, name, by=person(), note=note)
    finally:
        await hang_up(nc)


async def _resume(record: RunRecord, scope: str, name: str, note: str) -> bool:
    nc = await halts.broker_of(record)
    try:
        return await halts.resume(nc, scope, name, by=person(), note=note)
    finally:
        await hang_up(nc)


def _words(scope: str, name: str) -> str:
    return "everything" if scope == "all" else f"{scope} {name}"
