"""What is wrong with a set of files, and where."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """Whether the set can be used all the same."""

    ERROR = "Error"
    WARNING = "Warning"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. `line` and `column` count from 1; 0 where the file itself is the problem.

    `path` is the field as people write it (`spec.feeds.providers[1].name`), empty for the whole document. `fix` says what to
    do, empty where the message says it.
    """

    file: str
    line: int
    column: int
    path: str
    message: str
    fix: str = ""
    severity: Severity = Severity.ERROR
