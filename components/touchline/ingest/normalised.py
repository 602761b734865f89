"""The whole normalised state of one provider, as it was published: what a resync answers from.

Updates are applied here in the order in which they are numbered, so the image of a shard always is what a reader has that
applied every batch.
"""

from touchline.bus.messages import MarketMeta, MarketUpdate, Selection
from touchline.domain.keys import shard_of


class NormalisedMarket:
    """One internal market as published."""

    __slots__ = ("delay_ms", "in_play", "meta", "recv", "results", "sels", "src", "status")

    def __init__(self) -> None:
        self.src = 0
        self.recv = 0
        self.status = -1
        self.in_play = -1
        self.delay_ms = -1
        self.sels: dict[str, Selection] = {}
        self.meta: MarketMeta | None = None
        self.results: dict[str, str] = {}

    def apply(self, update: MarketUpdate) -> None:
        """Take one update; what it leaves out stays, unless it is an image."""
        if update.image:
            self.sels = {}
            self.results = {}
        self.src, self.recv = update.src, update.recv
        if update.status >= 0:
            self.status = update.status
        if update.in_play >= 0:
            self.in_play = update.in_play
        if update.delay_ms >= 0:
            self.delay_ms = update.delay_ms
        if update.meta is not None:
            self.meta = update.meta
        if update.rollback:
            self.results = {}
        if update.results:
            self.results = {**self.results, **update.results}
        sels = self.sels
        for selection in update.sels:
            sels[selection.id] = selection

    def image(self, market: str) -> MarketUpdate:
        """The market, whole."""
        return MarketUpdate(
            market=market,
            src=self.src,
            recv=self.recv,
            status=self.status,
            sels=list(self.sels.values()),
            image=True,
            in_play=self.in_play,
            delay_ms=self.delay_ms,
            meta=self.meta,
            results=self.results,
        )


class Normalised:
    """Every market of one provider, by shard."""

    def __init__(self, shards: int) -> None:
        self._shards = shards
        self._markets: list[dict[str, NormalisedMarket]] = [{} for _ in range(shards)]
        self._shard_of: dict[str, int] = {}

    def shard(self, market: str) -> int:
        """The shard of a market: that of its event."""
        shard = self._shard_of.get(market)
        return shard_of(market.partition(":")[0], self._shards) if shard is None else shard

    def apply(self, shard: int, update: MarketUpdate) -> None:
        """Take one update. An image without a description says that the provider no longer offers the market."""
        markets = self._markets[shard]
        market = markets.get(update.market)
        if update.image and update.meta is None:
            if market is not None:
                del markets[update.market], self._shard_of[update.market]
            return
        if market is None:
            market = markets[update.market] = NormalisedMarket()
            self._shard_of[update.market] = shard
        market.apply(update)

    def images(self, shard: int) -> list[MarketUpdate]:
        """Every market of a shard, whole, in the order of their first appearance."""
        return [state.image(market) for market, state in self._markets[shard].items()]

    def known(self) -> list[tuple[str, int, int]]:
        """Every market with its last publish and receive time."""
        return [(market, state.src, state.recv) for shard in self._markets for market, state in shard.items()]

    def count(self) -> int:
        """Markets held."""
        return len(self._shard_of)
