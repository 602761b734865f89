"""Holds: the reasons why a market may not be bet on. A market is open only while it has none.

A hold is identified by its `cause`, which names who set it, for example `policy/in-play/goal`, `manual/market`,
`freshness`. Only the same cause can clear it: several things may suspend a market at once, and the end of one of them must
not reopen it (FEEDS, "what a naive implementation gets wrong", 15).
"""

from collections.abc import Iterator
from typing import NamedTuple

from touchline.domain.reasons import HoldReason


class Hold(NamedTuple):
    """One reason to keep a market shut.

    `since` is in epoch microseconds (for people); `detail` is one sentence with the figures that led to it.
    """

    cause: str
    reason: HoldReason
    since: int
    detail: str = ""


class HoldSet:
    """The holds of one market, in the order in which they were set. Re-setting a cause keeps its first `since`."""

    __slots__ = ("_holds",)

    def __init__(self) -> None:
        self._holds: dict[str, Hold] = {}

    def __len__(self) -> int:
        return len(self._holds)

    def __contains__(self, cause: str) -> bool:
        return cause in self._holds

    def __iter__(self) -> Iterator[Hold]:
        return iter(self._holds.values())

    def set(self, hold: Hold) -> bool:
        """Add a hold; true if its cause was not there before."""
        if hold.cause in self._holds:
            return False
        self._holds[hold.cause] = hold
        return True

    def clear(self, cause: str) -> bool:
        """Remove the hold of one cause; true if it was there."""
        return self._holds.pop(cause, None) is not None
