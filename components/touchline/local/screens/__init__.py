"""What the terminal shows: tables and sentences made of plain documents.

Each module turns what the gateway or the broker said into rich renderables; it asks nobody and decides nothing. Colours follow
the terminal, `NO_COLOR` and `FORCE_COLOR`.
"""

from rich.console import Console

WIDE = 160
"""Columns where no terminal says how many there are: tables in files and pipes are not squeezed."""


def console(*, stderr: bool = False) -> Console:
    """Where a command prints its tables."""
    found = Console(stderr=stderr, highlight=False)
    return found if found.is_terminal else Console(stderr=stderr, highlight=False, width=WIDE)
