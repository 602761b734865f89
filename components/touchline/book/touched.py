"""Which markets have to be settled: at once, or a slice with each input where something concerns thousands of them.

What an update or an order names is settled before the input ends. What concerns all markets of a provider (its state, its
synchrony, a bound that it passes) or comes due for many at one time could take seconds, in which the node could neither renew
its leases nor publish. Such markets wait here; the first `SLICE` of them do not wait at all. One that waits takes no bets, and
what happens to it meanwhile is judged once, with what is true then.
"""

from collections.abc import Iterable
from itertools import islice

SLICE = 200
"""Settled with one input at most, of those that may wait: about 20 ms."""

Selections = dict[str, None] | None
"""Selections of a market that may have other prices; None: all."""


class Touched:
    """See the module, for one shard."""

    __slots__ = ("_at_once", "_budget", "_new", "_reason", "_waiting")

    def __init__(self) -> None:
        self._at_once: dict[str, Selections] = {}
        self._new: dict[str, None] = {}
        self._waiting: dict[str, str] = {}
        """With the input that touched each."""
        self._budget = 0
        self._reason = ""

    def __bool__(self) -> bool:
        return bool(self._at_once or self._new or self._waiting)

    def touch(self, id: str, selections: Selections) -> None:
        """Settle a market before this input ends."""
        if id not in self._at_once:
            self._at_once[id] = selections
            return
        known = self._at_once[id]
        self._at_once[id] = None if known is None or selections is None else {**known, **selections}

    def touch_many(self, ids: Iterable[str]) -> None:
        """Settle these soon; their prices are as they were."""
        for id in ids:
            self._new[id] = None

    def waits(self, id: str) -> bool:
        """Whether what is known of a market may be older than what is true."""
        return id in self._waiting or id in self._new

    def forget(self, id: str) -> None:
        """The market has left the book."""
        self._at_once.pop(id, None)
        self._new.pop(id, None)
        self._waiting.pop(id, None)

    def begin(self, reason: str) -> None:
        """An input, in words, has been taken in."""
        self._reason = reason
        self._budget = SLICE

    def take(self) -> list[tuple[str, Selections, str]]:
        """What to settle now, each with the input that did it; to be called again until there is nothing."""
        if self._new:
            for id in self._new:
                self._waiting.setdefault(id, self._reason)
            self._new = {}
        at_once, self._at_once = self._at_once, {}
        taken = [(id, selections, self._reason) for id, selections in at_once.items()]
        if self._waiting:
            for id in at_once:
                self._waiting.pop(id, None)
            late = list(islice(self._waiting.items(), self._budget))
            self._budget -= len(late)
            for id, reason in late:
                del self._waiting[id]
                taken.append((id, {}, reason))
        return taken
