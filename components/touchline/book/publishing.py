"""What a market's readers get: the difference between what is and what was last sent, numbered by the shard's sequence."""

from touchline.book import frames
from touchline.book.market import BookMarket
from touchline.book.outputs import Publish
from touchline.domain.status import MarketStatus


class Publisher:
    """The leader's numbering. While this node does not lead, differences are only taken as sent.

    `seq` is the last update published in `epoch`. `wall_offset` turns the node's clock into epoch microseconds, for stamps.
    """

    __slots__ = ("epoch", "leading", "seq", "shard", "wall_offset")

    def __init__(self, shard: int) -> None:
        self.shard = shard
        self.leading = False
        self.epoch = 0
        self.seq = 0
        self.wall_offset = 0

    def state(self, now: int, market: BookMarket) -> Publish | None:
        """Everything of a market, whatever was sent before."""
        _take_times(market)
        market.meta_of = None
        market.meta = frames.meta_of(market)
        market.subject = frames.subject_of(market, self.shard)
        market.head = frames.head_of(market)
        _take_as_sent(market)
        if not self.leading:
            return None
        market.pub = now + self.wall_offset
        self.seq = market.seq = self.seq + 1
        body = frames.state_body(market, self.epoch)
        return Publish(market.subject, frames.pack("S", market, self.epoch, 0, body), market.id, False)

    def changes(self, now: int, market: BookMarket) -> Publish | None:
        """What differs from what was last sent; None where nothing does."""
        if not market.subject:
            return self.state(now, market)
        meta, before = frames.meta_of(market), market.meta
        if meta is not before and (meta["sport"], meta["league"]) != (before["sport"], before["league"]):
            market.meta_of = None
            return self.state(now, market)
        status = market.status if market.status is not market.status_sent else None
        holds = (market.holds_sent or len(market.holds) > 0) and tuple(market.holds) != market.holds_sent
        altered = {} if meta is before else {part: value for part, value in meta.items() if value != before[part]}
        if not (status is not None or holds or altered or market.unsent):
            return None
        urgent = market.status_sent is MarketStatus.OPEN and market.status is not MarketStatus.OPEN
        _take_times(market)
        market.meta = meta
        prices = market.unsent
        _take_as_sent(market)
        if not self.leading:
            return None
        market.pub = now + self.wall_offset
        previous = market.seq
        self.seq = market.seq = self.seq + 1
        body = frames.delta_body(market, self.epoch, previous, status=status, holds=holds, prices=prices, meta=altered)
        payload = frames.pack("D", market, self.epoch, previous, body, urgent=urgent)
        return Publish(market.subject, payload, market.id, urgent)

    def gone(self, market: BookMarket) -> Publish | None:
        """The market leaves the book."""
        if not self.leading or not market.subject:
            return None
        previous = market.seq
        self.seq = market.seq = self.seq + 1
        payload = frames.pack("G", market, self.epoch, previous, frames.gone_body(market, self.epoch))
        return Publish(market.subject, payload, market.id, False)


def _take_times(market: BookMarket) -> None:
    """Times of the newest statement that what is shown rests on."""
    view = market.view
    if view is None:
        return
    market.src, market.recv = view.src, view.recv
    if market.arbiter is not None and not market.arbiter.single:
        for candidate in market.candidates:
            if candidate.fit and candidate.view is not None and candidate.view.src > market.src:
                market.src, market.recv = candidate.view.src, candidate.view.recv


def _take_as_sent(market: BookMarket) -> None:
    market.status_sent = market.status
    market.holds_sent = tuple(market.holds)
    market.unsent = {}
