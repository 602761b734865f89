"""A desk that leads, over a book of given quotes."""

from support.bets import SECOND, Bench, GivenBook, GivenQuote
from touchline.domain.holds import Hold
from touchline.domain.reasons import HoldReason
from touchline.domain.status import MarketStatus

OPEN = GivenQuote()
HELD = GivenQuote(status=MarketStatus.SUSPENDED, holds=(Hold("freshness", HoldReason.STALE_PRICE, 0),))
IN_PLAY = GivenQuote(delay_us=5 * SECOND)


def leading(**quotes: GivenQuote) -> tuple[Bench, GivenBook]:
    bench = Bench()
    bench.lead()
    return bench, GivenBook(**(quotes or {"e1": OPEN}))
