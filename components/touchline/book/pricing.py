"""From what providers say to what is offered: prices of one market, and the price moves that they make."""

from collections.abc import Iterable, Sequence

from touchline.book.market import BookMarket, Offer
from touchline.book.triggers.price_move import EMPTY_BAND, FULL_BAND
from touchline.domain.keys import is_selection


def take_prices(now: int, market: BookMarket, only: Iterable[str] | None) -> None:
    """Bring every offer (or those in `only`) up to the arbiter's price. What is offered of it says `shown_prices`."""
    if market.arbiter is None:
        return
    names = None if only is None else list(only)
    prices = market.arbiter.prices(market.standing, market.candidates, names)
    for selection, micro in prices.items():
        offer = market.offers.get(selection)
        if offer is None:
            if not is_selection(selection):
                continue
            offer = market.offers[selection] = Offer(selection)
            watch(now, market, selection, offer)
        if micro != offer.micro:
            move(now, market, selection, offer, micro)
    if names is None:
        for selection, offer in market.offers.items():
            if offer.micro and selection not in prices:
                move(now, market, selection, offer, 0)


def move(now: int, market: BookMarket, selection: str, offer: Offer, micro: int) -> None:
    """One offer's new price, shown to the PriceMove triggers."""
    past = offer.past
    if past is not None:
        past += (now, offer.micro)
    offer.micro = micro
    if past is not None:
        offer.low, offer.high = _band(now, market, selection, past, micro)
        past.clear()


def watch(now: int, market: BookMarket, selection: str, offer: Offer) -> None:
    """Begin to compare an offer's prices (or stop, where no trigger wants it), from its present price on."""
    if not market.moves or market.final is not None:
        offer.past = None
        offer.low, offer.high = FULL_BAND
        return
    past, offer.past = offer.past or [], []
    offer.low, offer.high = _band(now, market, selection, past, offer.micro)


def watch_all(now: int, market: BookMarket) -> None:
    """After the triggers have changed."""
    for selection, offer in market.offers.items():
        watch(now, market, selection, offer)


def reset_moves(now: int, market: BookMarket, selections: Iterable[str]) -> None:
    """A reopening: what moved before no longer counts."""
    if not market.moves:
        return
    for selection in selections:
        for trigger in market.moves:
            trigger.reset(selection)
        offer = market.offers.get(selection)
        if offer is not None:
            offer.past = None
            watch(now, market, selection, offer)


def shown_prices(market: BookMarket, only: Iterable[str] | None) -> dict[str, int]:
    """Bring what is offered up to date; returns those that changed, 0 for a selection that can no longer be bet on."""
    changed: dict[str, int] = {}
    blocked, offers = market.blocked, market.offers
    for selection in offers if only is None else only:
        offer = offers.get(selection)
        if offer is None:
            continue
        micro = 0 if selection in blocked else offer.micro
        if offer.shown != micro:
            offer.shown = changed[selection] = micro
    return changed


def _band(now: int, market: BookMarket, selection: str, past: Sequence[int], micro: int) -> tuple[int, int]:
    """Tell the triggers what was replaced and the present price; the range of prices that need not be told them."""
    replaced = list(zip(past[::2], past[1::2], strict=True))
    low, high = FULL_BAND
    for trigger in market.moves:
        least, most = trigger.observe(now, selection, replaced, micro)
        low, high = max(low, least), min(high, most)
    return (low, high) if low <= high else EMPTY_BAND
