"""A native market's state and changes in the words of `MarketUpdate`."""

from collections.abc import Sequence

from touchline.bus.messages import MarketUpdate, Selection
from touchline.domain.status import ProviderStatus
from touchline.feeds.interface import NativePrice, NativeUpdate
from touchline.ingest.market_state import MarketState


def images(market: MarketState) -> list[MarketUpdate]:
    """The whole market, one update for each internal market."""
    definition = market.definition
    removed = {runner.id for runner in definition.runners if runner.removed}
    results = _results(market)
    updates = []
    for internal in market.owned:
        selections = []
        for runner, selection in internal.runners.items():
            price = market.prices.get(runner)
            if price is None or runner in removed:
                selections.append(Selection(selection, 0))
            else:
                selections.append(Selection(selection, price.micro, price.text, price.fmt))
        updates.append(
            MarketUpdate(
                market=internal.id,
                src=market.publish_us,
                recv=market.recv_us,
                status=int(market.status),
                sels=selections,
                image=True,
                in_play=int(definition.in_play),
                delay_ms=definition.bet_delay_ms,
                meta=internal.meta,
                incidents=list(market.incidents),
                results={internal.runners[runner]: result for runner, result in results if runner in internal.runners},
                rollback=market.rollback,
            )
        )
    _told(market)
    return updates


def price_changes(market: MarketState, update: NativeUpdate, prices: Sequence[NativePrice]) -> list[MarketUpdate]:
    """What a price-only update changes; nothing where only runners changed that are left out."""
    routes, owned = market.routes, market.owned
    if len(owned) == 1:
        sels = [
            Selection(routes[price.runner][1], price.micro, price.text, price.fmt)
            for price in prices
            if price.runner in routes
        ]
        if not sels and not market.incidents and not market.rollback:
            return []
        change = MarketUpdate(owned[0].id, update.publish_us, market.recv_us, sels=sels)
        if market.incidents or market.rollback:
            change.incidents, change.rollback = market.incidents, market.rollback
            _told(market)
        return [change]
    parts: dict[int, list[Selection]] = {}
    for price in prices:
        route = routes.get(price.runner)
        if route is not None:
            parts.setdefault(route[0], []).append(Selection(route[1], price.micro, price.text, price.fmt))
    if market.incidents or market.rollback:
        for index in range(len(owned)):
            parts.setdefault(index, [])
    changes = [
        MarketUpdate(
            owned[index].id,
            update.publish_us,
            market.recv_us,
            sels=sels,
            incidents=market.incidents,
            rollback=market.rollback,
        )
        for index, sels in parts.items()
    ]
    _told(market)
    return changes


def definition_changes(market: MarketState, update: NativeUpdate, prices: Sequence[NativePrice]) -> list[MarketUpdate]:
    """A definition that reads as before: status, phase, delay, results and withdrawn runners, beside the prices."""
    definition = market.definition
    results = _results(market)
    incidents, rollback = market.incidents, market.rollback
    _told(market)
    withdrawn = [NativePrice(runner.id, 0) for runner in definition.runners if runner.removed]
    changes = {change.market: change for change in price_changes(market, update, [*prices, *withdrawn])}
    updates = []
    for internal in market.owned:
        change = changes.get(internal.id) or MarketUpdate(internal.id, update.publish_us, market.recv_us)
        change.status = int(market.status)
        change.in_play = int(definition.in_play)
        change.delay_ms = definition.bet_delay_ms
        change.results = {internal.runners[runner]: result for runner, result in results if runner in internal.runners}
        change.incidents, change.rollback = incidents, rollback
        updates.append(change)
    return updates


def status_only(market: MarketState) -> list[MarketUpdate]:
    """The market's status and nothing else."""
    return [
        MarketUpdate(internal.id, market.publish_us, market.recv_us, status=int(market.status))
        for internal in market.owned
    ]


def gone(market: str, src: int, recv: int) -> MarketUpdate:
    """The provider no longer offers a market: an image without selections and description, on which nothing can be bet."""
    return MarketUpdate(market=market, src=src, recv=recv, status=int(ProviderStatus.SUSPENDED), image=True)


def _results(market: MarketState) -> list[tuple[str, str]]:
    return [(runner.id, runner.result) for runner in market.definition.runners if runner.result]


def _told(market: MarketState) -> None:
    market.incidents, market.rollback = [], False
