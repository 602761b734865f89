"""What traders order: halts, and the end of a review.

A halt stands while its entry `Halt.<scope>.<hex>` stands in the `config` bucket. A trigger with the action SuspendAndReview leaves a
hold behind when it comes to rest; that one ends by an entry `Resume.<scope>.<hex>` of the same form whose `at` is not before the
moment at which the trigger last began to fire. Resuming is a statement about the past ("I have looked at what happened until now"), so
it is idempotent, survives a change of leadership, and a later firing needs another one. It ends neither a trigger that
still fires (the market opens when that rests) nor a halt.
"""

from collections.abc import Iterable

from touchline.book.config import HaltConfig

MARKET, EVENT, PROVIDER, ALL = "market", "event", "provider", "all"


class Orders:
    """Every order in force, found by what it is about. `changed_from` says which markets a new set of orders touches."""

    __slots__ = ("_halts", "_resumes")

    def __init__(self, halts: Iterable[HaltConfig] = (), resumes: Iterable[HaltConfig] = ()) -> None:
        self._halts = {_key(halt): halt for halt in halts}
        self._resumes = {_key(resume): resume for resume in resumes}

    def halts(self, market: str, event: str, provider: str) -> list[tuple[str, str]]:
        """`(cause, detail)` of each halt on a market."""
        if not self._halts:
            return []
        found = []
        for scope, id in ((MARKET, market), (EVENT, event), (PROVIDER, provider), (ALL, "")):
            halt = self._halts.get((scope, id))
            if halt is not None:
                by = f"halted by {halt.by}" if halt.by else "halted by a trader"
                found.append((f"manual/{scope}", f"{by}: {halt.note}" if halt.note else by))
        return found

    def resumed_at(self, market: str, event: str, provider: str) -> int:
        """Until when (epoch microseconds) somebody has reviewed a market; -1: never."""
        keys = ((MARKET, market), (EVENT, event), (PROVIDER, provider), (ALL, ""))
        return max((self._resumes[key].at for key in keys if key in self._resumes), default=-1)

    def changed_from(self, before: "Orders") -> list[tuple[str, str]]:
        """`(scope, id)` of every order that was added, removed or altered."""
        changed: dict[tuple[str, str], None] = {}
        for old, new in ((before._halts, self._halts), (before._resumes, self._resumes)):
            for key in (*old, *new):
                if old.get(key) != new.get(key):
                    changed[key] = None
        return list(changed)


def _key(order: HaltConfig) -> tuple[str, str]:
    return (order.scope, "" if order.scope == ALL else order.id)
