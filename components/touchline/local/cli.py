"""The `touchline` command: registers one command from each file of `touchline.local.commands`.

Commands are imported when they are asked for, so that `--help` and completion answer at once.
"""

import difflib
import importlib
import sys
import time
from typing import Any

import click

BEGAN = time.monotonic()
"""When the program was started, for those who say how long something took."""

COMMANDS = {
    "up": "up:up",
    "validate": "validate:validate",
    "replay": "replay:replay",
    "watch": "watch:watch",
    "bet": "bet:bet",
    "explain": "explain:explain",
    "halt": "halt:halt",
    "resume": "halt:resume",
    "status": "status:status",
    "simulate": "simulate:simulate",
    "completion": "completion:completion",
    "version": "version:version",
}
"""In the order in which `--help` lists them: module and attribute in `touchline.local.commands`."""


class CommandGroup(click.Group):
    """A group whose commands live in modules of their own, and that guesses what a mistyped command was meant to be."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        where = COMMANDS.get(cmd_name)
        if where is None:
            return None
        module, _, name = where.partition(":")
        command: click.Command = getattr(importlib.import_module(f"touchline.local.commands.{module}"), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            close = difflib.get_close_matches(args[0], COMMANDS, n=2, cutoff=0.5)
            if not close or args[0] in COMMANDS:
                raise
            meant = " or ".join(f"`{name}`" for name in close)
            raise click.UsageError(f"No such command {args[0]!r}. Did you mean {meant}?", ctx) from error


@click.group(
    cls=CommandGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog=click.style("Exit codes: ", bold=True) + "0 done, 1 refused or failed, 2 wrong usage.",
)
def cli() -> None:
    """Touchline: a real-time odds engine that never takes a bet on a stale price.

    \b
    Start one from its resources, and look at it:
      touchline up examples/quickstart
      touchline watch
      touchline explain e7f3a1:MatchWinner

    \b
    Run a recording through the whole engine:
      touchline replay recording.bz2
    """


def main(args: list[str] | None = None) -> Any:
    """Entry point of the `touchline` program."""
    if sys.stdout is not None and hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")  # a terminal without UTF-8 must not end the command
    return cli.main(args=args, prog_name="touchline")


if __name__ == "__main__":
    main()
