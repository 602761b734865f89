"""Counters that let anybody check that nothing was lost.

frames   captured = accepted + quarantined + ignored
updates  received = accepted + partial + quarantined + ignored + waiting
"""

import msgspec


class FrameCounts(msgspec.Struct):
    """Frames by what became of them."""

    captured: int = 0
    accepted: int = 0
    quarantined: int = 0
    ignored: int = 0
    ignored_by_rule: dict[str, int] = {}
    quarantined_by_rule: dict[str, int] = {}


class UpdateCounts(msgspec.Struct):
    """Native updates (one market in one message) by what became of them when they arrived.

    `partial`: published without some of its selections. `waiting`: kept until the event's id is known, then published as a whole.
    """

    received: int = 0
    accepted: int = 0
    partial: int = 0
    quarantined: int = 0
    ignored: int = 0
    waiting: int = 0
    refusals: dict[str, int] = {}
    """By quarantine reason."""
    ignored_by_rule: dict[str, int] = {}

    def file(self, *, refused: bool, published: bool, ignored: str, partial: bool) -> None:
        """Put an update under exactly one heading. `ignored` names the rule, or is empty."""
        if refused:
            self.quarantined += 1
        elif published and partial:
            self.partial += 1
        elif published:
            self.accepted += 1
        elif ignored:
            self.ignored += 1
            count(self.ignored_by_rule, ignored)
        else:
            self.waiting += 1


def count(table: dict[str, int], key: str, *, limit: int = 256) -> None:
    """One more of `key`; beyond `limit` different keys, of `other`."""
    if key not in table and len(table) >= limit:
        key = "other"
    table[key] = table.get(key, 0) + 1
