"""What was found out about one object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Finding(NamedTuple):
    """`reason` is one CamelCase word, unique for its cause; `message` says where, what, and what to do."""

    reason: str
    message: str


@dataclass(frozen=True)
class Judgement:
    """Everything that is wrong with one object. Empty tuples: nothing.

    `unresolved` and `conflicts` keep it from being ready; `unknown` is what we may not look at; `unprovable` and
    `not_redundant` are a Market's promises; `remarks` change nothing.
    """

    invalid: str = ""
    unresolved: tuple[Finding, ...] = ()
    unknown: tuple[Finding, ...] = ()
    conflicts: tuple[Finding, ...] = ()
    unprovable: tuple[Finding, ...] = ()
    not_redundant: tuple[Finding, ...] = ()
    remarks: tuple[Finding, ...] = ()
