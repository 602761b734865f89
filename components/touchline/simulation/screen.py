"""The simulation at a terminal: progress, what failed, and how to see it again."""

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from touchline.simulation.campaign import Tally, replay_line, sweep
from touchline.simulation.run import Outcome, run_seed

SHOWN_FAILURES = 5
"""So many failing seeds are shown whole; of the others only the replay line."""


def simulate(
    first: int, count: int, *, jobs: int, bug: str = "", stop_at_first: bool = False, console: Console | None = None
) -> int:
    """Run seeds with progress; the exit code: 0 if every invariant held in all of them, else 1."""
    console = console or Console()
    tally = Tally()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("seeds  {task.fields[rate]}  {task.fields[failed]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("simulating", total=count, rate="", failed="")
        for outcome in sweep(first, count, jobs=jobs, bug=bug):
            tally.add(outcome)
            if not outcome.ok and len(tally.failed) <= SHOWN_FAILURES:
                show_failure(console, outcome, bug)
            failed = f"[red]{len(tally.failed)} failed[/red]" if tally.failed else ""
            progress.update(task, advance=1, rate=f"{tally.rate:.1f}/s", failed=failed)
            if stop_at_first and tally.failed:
                break
    show_tally(console, tally)
    for outcome in tally.failed[SHOWN_FAILURES:]:
        console.print(f"  {outcome.rule}: {replay_line(outcome.seed, bug)}", highlight=False)
    return 1 if tally.failed else 0


def trace(seed: int, *, bug: str = "", console: Console | None = None) -> int:
    """Run one seed and print every event; the exit code as for `simulate`."""
    console = console or Console()
    outcome = run_seed(seed, bug=bug, echo=lambda line: console.print(escape(line), highlight=False, soft_wrap=True))
    if outcome.ok:
        console.print(
            f"[green]seed {seed} holds[/green]: {outcome.steps} steps, {outcome.virtual_us / 1e6:.1f} s, digest {outcome.digest:08x}"
        )
        return 0
    console.print(f"[red]seed {seed} violates[/red] {escape(outcome.rule)}: {escape(outcome.detail)}", soft_wrap=True)
    return 1


def show_failure(console: Console, outcome: Outcome, bug: str) -> None:
    """The invariant, the last events before it, and the one line that replays it."""
    console.print(f"[red]seed {outcome.seed} violates: {escape(outcome.rule)}[/red]")
    console.print(f"  {escape(outcome.detail)}", highlight=False, soft_wrap=True)
    for line in outcome.last:
        console.print(f"  [dim]{escape(line)}[/dim]", highlight=False, soft_wrap=True)
    console.print(f"replay: [bold]{replay_line(outcome.seed, bug)}[/bold]", highlight=False, soft_wrap=True)


def show_tally(console: Console, tally: Tally) -> None:
    verdict = (
        f"[red]{len(tally.failed)} of {tally.seeds} seeds failed[/red]"
        if tally.failed
        else (f"[green]all {tally.seeds} seeds hold[/green]")
    )
    counts = tally.counts
    console.print(
        f"{verdict}: {tally.virtual_us / 3.6e9:.1f} simulated hours in {tally.seconds:.0f} s ({tally.rate:.1f} seeds/s), "
        f"{counts.get('bets', 0)} bets asked, {counts.get('Accepted', 0)} accepted, {counts.get('updates', 0)} updates, "
        f"{sum(tally.faults().values())} faults of {len(tally.faults())} kinds",
        highlight=False,
        soft_wrap=True,
    )
