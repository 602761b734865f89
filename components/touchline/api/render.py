"""Problems as lines that editors and people can follow."""

from __future__ import annotations

from collections.abc import Sequence

from touchline.api.problems import Problem, Severity


def render(problem: Problem) -> str:
    """One line: `file.yaml:12:5: spec.feeds.providers[1].name: no FeedProvider is named "betfiar"; did you mean "betfair"?`."""
    place = f"{problem.file}:{problem.line}:{problem.column}" if problem.line else problem.file
    kind = "warning: " if problem.severity is Severity.WARNING else ""
    path = f"{problem.path}: " if problem.path else ""
    fix = f"; {problem.fix}" if problem.fix else ""
    return f"{place}: {kind}{path}{problem.message}{fix}"


def render_all(problems: Sequence[Problem]) -> str:
    """Every problem on its line, and a last line that counts them; empty without problems."""
    if not problems:
        return ""
    errors = sum(problem.severity is Severity.ERROR for problem in problems)
    counts = [_count(errors, "error"), _count(len(problems) - errors, "warning")]
    return "\n".join([*map(render, problems), ", ".join(count for count in counts if count)])


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}" if number else ""
