"""The hot path: a batch of one provider that changes nothing but prices.

Without effect on everything else, and therefore skipped, are: arbitration (fitness comes from beats and sequence numbers), holds (no
trigger but PriceMove and ProviderDisagreement depends on prices; the first cannot fire inside its band, a market with the second has
no `fast_link`), status, phase and class. `take` either does the whole batch or, where this is not proven, returns None and has touched
nothing. What it writes is `frames.delta_body` (tested to be the same bytes), what it does to the book is what `settle` would.

It is written for speed: a message costs a few microseconds here, and each name looked up twice is seen in the benchmark.
"""

from collections.abc import Mapping

from touchline.book.frames import PRICE_TEXTS, price_delta
from touchline.book.link import Link
from touchline.book.market import BookMarket
from touchline.book.outputs import BookOutput, Publish
from touchline.book.pricing import move
from touchline.book.publishing import Publisher
from touchline.bus.messages import MarketUpdate, OddsBatch

KEPT_PAST = 2 * 64
"""Replaced prices of one selection (each two numbers) that are remembered before its windows take them over."""


def take(
    now: int, link: Link, batch: OddsBatch, markets: Mapping[str, BookMarket], publisher: Publisher
) -> list[BookOutput] | None:
    """Apply a batch that is next in the sequence of a link in sync, or return None."""
    updates = batch.updates
    if len(updates) == 1:
        update = updates[0]
        market = markets.get(update.market)
        if market is None or not _is_plain(link, market, update, batch.seq):
            return None
        link.seq = batch.seq
        publish = _move(now, link, market, update, publisher)
        return [] if publish is None else [publish]
    found: dict[str, BookMarket] = {}
    for update in updates:
        market = markets.get(update.market)
        if market is None or not _is_plain(link, market, update, batch.seq):
            return None
        found[update.market] = market
    if len(found) != len(updates):  # one market twice: published once
        return None
    link.seq = batch.seq
    published = (_move(now, link, found[update.market], update, publisher) for update in updates)
    return [publish for publish in published if publish is not None]


def _is_plain(link: Link, market: BookMarket, update: MarketUpdate, seq: int) -> bool:
    """Whether an update brings new prices and nothing else.

    Those of a provider that does not serve concern no offer. Those of the one that serves have to be of known selections, each named once
    (offers carry the number of the last batch that named them), and such that no trigger can fire.
    """
    serving = market.fast_link
    if (
        serving is None
        or update.status >= 0
        or update.meta is not None
        or update.image
        or update.in_play >= 0
        or update.delay_ms >= 0
        or update.rollback
        or update.incidents
        or update.results
    ):
        return False
    if serving is not link:
        return link.name in market.views
    offers = market.offers
    for sel in update.sels:
        offer = offers.get(sel.id)
        if offer is None or not offer.low <= sel.micro <= offer.high or offer.named == seq:
            return False
        offer.named = seq
    return True


def _move(now: int, link: Link, market: BookMarket, update: MarketUpdate, publisher: Publisher) -> Publish | None:
    """Take over the prices of a plain update; if its provider serves, write the delta."""
    if market.fast_link is not link:
        view = market.views[link.name]
        view.src, view.recv = update.src, update.recv
        for sel in update.sels:
            view.sels[sel.id] = sel
        return None
    served = market.view
    if served is None:  # never: `fast_link` is the link of a serving view
        return None
    src = served.src = update.src
    recv = served.recv = update.recv
    known, offers = served.sels, market.offers
    pieces = ""
    for sel in update.sels:
        id = sel.id
        known[id] = sel
        offer = offers[id]
        micro = sel.micro
        old = offer.micro
        if micro != old:
            past = offer.past
            if past is not None:
                if len(past) < KEPT_PAST:
                    past += (now, old)
                else:
                    move(now, market, id, offer, micro)
            offer.micro = offer.shown = micro
            pieces += offer.key + PRICE_TEXTS[micro]
    if not pieces or not publisher.leading:
        return None
    market.src, market.recv = src, recv
    pub = market.pub = now + publisher.wall_offset
    previous = market.seq
    publisher.seq = market.seq = seq = publisher.seq + 1
    payload = price_delta(market.head, publisher.epoch, previous, seq, pieces, src, recv, pub)
    return Publish(market.subject, payload, market.id, False)
