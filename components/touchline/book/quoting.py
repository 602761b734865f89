"""What the desk is told of a market: its state, with freshness judged at the moment of asking."""

from touchline.book.conditions import proof_of
from touchline.book.link import NEVER
from touchline.book.market import BookMarket
from touchline.book.outputs import Quote
from touchline.domain.holds import Hold
from touchline.domain.reasons import HoldReason
from touchline.domain.status import MarketStatus, Phase
from touchline.domain.version import Version


def quote_of(now: int, wall: int, market: BookMarket, epoch: int, *, leading: bool) -> Quote:
    """A market's quote at `now` (`wall` in epoch microseconds). A book that does not lead has no offers: it is suspended."""
    config, serving = market.class_config, market.serving
    max_age = config.max_age_us if config is not None else 0
    fresh, age = False, NEVER
    if serving is not None and market.arbiter is not None:
        proof = proof_of(now, serving, max_age)
        fresh, age = proof.fresh and serving.in_sync, proof.age_us
    holds, status = tuple(market.holds), market.status
    if not leading and market.final is None:
        holds = (*holds, Hold("authority", HoldReason.AUTHORITY_LOST, wall, "this node does not lead"))
        status = MarketStatus.SUSPENDED
    return Quote(
        status=status,
        holds=holds,
        version=Version(epoch, market.seq),
        selections=market.prices,
        fresh=fresh,
        age_us=age,
        max_age_us=max_age,
        market_class=config.resource if config is not None else None,
        in_play=market.phase is Phase.IN_PLAY,
        delay_us=market.delay_us(),
        provider=serving.name if serving is not None else "",
    )
