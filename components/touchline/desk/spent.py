"""Markets whose bets cannot cost anything any more: their liabilities are dropped, so that memory is bounded by what is offered.

A market that is settled or cancelled may be rolled back, and one that nobody offers may come back. What was taken on it is
dropped only after it was one or the other for `KEPT_US` without a break on this node's clock; the stream of decisions keeps it.
"""

from touchline.desk.liability import Liability
from touchline.desk.quotes import Prices
from touchline.domain.status import MarketStatus

KEPT_US = 7 * 24 * 3_600_000_000
LOOKS = 4
"""Markets that are looked at in one turn: a shard's thousand in a quarter of a minute."""
_OVER = (MarketStatus.SETTLED, MarketStatus.CANCELLED)


class Spent:
    """One shard's round over its liabilities, a few markets at a time."""

    def __init__(self, liability: Liability) -> None:
        self._liability = liability
        self._round: list[str] = []
        self._since: dict[str, int] = {}

    def look(self, now: int, book: Prices) -> None:
        """The next few markets."""
        if not self._round:
            self._round = self._liability.markets()
        for _ in range(min(LOOKS, len(self._round))):
            market = self._round.pop()
            quote = book.quote(now, market)
            if quote is not None and quote.status not in _OVER:
                self._since.pop(market, None)
            elif now - self._since.setdefault(market, now) >= KEPT_US:
                self._liability.forget(market)
                del self._since[market]
