"""The rule that a review or a cool-down which a leader has written down is kept by whoever leads later.

What counts is what the store took, whoever wrote it: from then on no leader offers the market before a trader has resumed it, or before
the cool-down can have ended by any clock of the declared drift.
"""

from typing import TYPE_CHECKING, Any

from touchline.book.pending import Legacy, unpack
from touchline.simulation.scheduler import Scheduler
from touchline.simulation.violation import Violation

if TYPE_CHECKING:
    from touchline.simulation.seat import Seat

DRIFT_PER_MILLE = 25


class Pendings:
    """See the module."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._reviews: dict[str, dict[str, int]] = {}
        self._shut_until: dict[str, int] = {}
        self._resumed: dict[str, int] = {}

    def composed(self, seat: "Seat", value: bytes) -> None:
        """A leader is about to write: exactly what it holds markets for must be in it."""
        if not seat.book.leading:
            return
        legacy = unpack(value)
        for market in seat.book.markets():
            explained: dict[str, Any] | None = seat.book.explain(seat.node.clock(), market)
            if explained is None or explained["status"] not in {"Open", "Suspended"}:
                continue
            memos = legacy.memos.get(market, [])
            written = {memo.cause: memo.since for memo in memos if memo.review}
            shown = {review["cause"]: review["since"] for review in explained["review"]}
            cools = max((memo.left_us for memo in memos), default=0)
            if written != shown or explained["coolDownLeftUs"] > cools:
                detail = f"{seat.node.name} writes {memos} for {market}, which waits for {shown}, {explained['coolDownLeftUs']} us"
                raise Violation("what is pending is written", detail)

    def stored(self, value: bytes, composed_at: int) -> None:
        """The store has taken what a leader wrote at `composed_at` (true time)."""
        legacy: Legacy = unpack(value)
        for market, memos in legacy.memos.items():
            for memo in memos:
                if memo.review and memo.since > self._resumed.get(market.partition(":")[0], 0):
                    # The newest writing counts: `since` is told by the wall clock as it is now, and may go back a little with it.
                    self._reviews.setdefault(market, {})[memo.cause] = memo.since
                elif not memo.review and not memo.selection:
                    until = composed_at + memo.left_us * 1000 // (1000 + DRIFT_PER_MILLE)
                    self._shut_until[market] = max(until, self._shut_until.get(market, 0))

    def resumed(self, event: str, at: int) -> None:
        """A trader has looked at an event and what happened in it until `at` (a leader's wall clock)."""
        self._resumed[event] = at
        for market, reviews in self._reviews.items():
            if market.partition(":")[0] == event:
                for cause in [cause for cause, since in reviews.items() if since <= at]:
                    del reviews[cause]

    def offered(self, seat: "Seat", market: str) -> None:
        """A leader offers a market."""
        reviews = self._reviews.get(market)
        if reviews:
            raise Violation("pending is kept", f"{seat.node.name} offers {market}, which waits for a trader: {reviews}")
        left = self._shut_until.get(market, 0) - self._scheduler.now
        if left > 0:
            raise Violation("pending is kept", f"{seat.node.name} offers {market} {left} us before its cool-down ends")
