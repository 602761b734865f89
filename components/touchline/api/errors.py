"""Errors of this package.

    ApiError
    ├── UnknownKind       the object is none of ours
    ├── InvalidResource   the object is one of ours, but not valid; carries every fault
    └── InvalidSource     an EntityMap's CSV text is not valid; carries the line

All of them are permanent: the same object will fail again until its author changes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

FieldPath = tuple[str | int, ...]


def show_path(path: FieldPath) -> str:
    """A path as people write it: `spec.feeds.providers[1].name`."""
    shown = ""
    for part in path:
        if isinstance(part, int):
            shown += f"[{part}]"
        else:
            shown += f".{part}" if shown else part
    return shown


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with one field, and what to do about it (empty where that is obvious)."""

    path: FieldPath
    message: str
    fix: str = ""

    def __str__(self) -> str:
        text = f"{show_path(self.path)}: {self.message}" if self.path else self.message
        return f"{text}; {self.fix}" if self.fix else text


class ApiError(Exception):
    """Base of this package's errors."""


class UnknownKind(ApiError):
    """The object's apiVersion and kind name no resource of Touchline."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault


class InvalidResource(ApiError):
    """The object is not valid. `faults` has one entry for each field that is wrong, in the order of the model."""

    def __init__(self, kind: str, name: str, faults: Sequence[Fault]) -> None:
        super().__init__(f"{kind} {name}: " + "; ".join(str(fault) for fault in faults))
        self.kind = kind
        self.name = name
        self.faults = tuple(faults)


class InvalidSource(ApiError):
    """An EntityMap's CSV text is not valid. `line` counts from 1."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(f"line {line}: {message}")
        self.line = line
