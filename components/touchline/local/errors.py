"""What can go wrong in local mode, as users meet it.

    click.ClickException
    └── Refused              exit code 1: one sentence of what is wrong, one of what to do
        ├── StateDirError    the state directory is in use, not writable or full
        ├── PortInUse        somebody else listens where we want to
        ├── StartFailed      a process cannot start at all; carries its last log lines
        ├── NotRunning       there is no engine to talk to
        └── GatewayError     the gateway answered with a problem document or not at all

Wrong usage is click's own `UsageError` (exit code 2). Everything else is a bug and shows its traceback.
"""

from typing import IO, Any

import click
from rich.console import Console
from rich.text import Text

OK = 0
REFUSED = 1
USAGE = 2


class Refused(click.ClickException):
    """The command could not do what was asked, for a reason that the user can act upon."""

    exit_code = REFUSED

    def __init__(self, message: str, *, fix: str = "") -> None:
        super().__init__(message)
        self.fix = fix

    def show(self, file: IO[Any] | None = None) -> None:
        """Print `error: …` and, indented, what to do."""
        console = Console(file=file, stderr=file is None, soft_wrap=True, highlight=False)
        console.print(Text.assemble(("error: ", "bold red"), self.message))
        if self.fix:
            console.print(Text.assemble(("  fix: ", "bold"), self.fix))


class StateDirError(Refused):
    """The state directory cannot be used."""


class PortInUse(Refused):
    """The port that was asked for is taken."""


class StartFailed(Refused):
    """A process died again and again before it was ever ready."""


class NotRunning(Refused):
    """No engine runs where the command looked for one."""


class GatewayError(Refused):
    """The gateway refused a request, or did not answer. `status` is the HTTP status, 0 where there was no answer."""

    status = 0

    @classmethod
    def of_problem(cls, problem: dict[str, Any], status: int = 0) -> "GatewayError":
        """From a problem document (RFC 9457)."""
        words = str(problem.get("detail") or problem.get("title") or "the gateway refused the request")
        details = [
            f"{item.get('pointer', '')} {item.get('detail', '')}".strip()
            for item in problem.get("errors") or []
            if isinstance(item, dict)
        ]
        error = cls("; ".join([words, *details]))
        error.status = int(problem.get("status") or status)
        return error
