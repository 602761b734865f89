"""What one provider says of one market, kept whether or not that provider serves it."""

from touchline.book.link import Link
from touchline.bus.messages import MarketMeta, MarketUpdate, Selection
from touchline.domain.status import ProviderStatus


class View:
    """One provider's word on one market.

    Prices are kept in every status: a provider goes on pricing a market that it has suspended or even closed (FEEDS, "naive", 5).
    The order of a provider's updates is the order of its batches, never that of its clock: a clock that was set
    back must not freeze a price.
    """

    __slots__ = ("delay_us", "in_play", "link", "meta", "recv", "results", "rollback", "sels", "src", "srcs", "status")

    def __init__(self, link: Link) -> None:
        self.link = link
        self.status = ProviderStatus.SUSPENDED
        """Suspended until the provider says otherwise: an image without a status proves nothing."""
        self.in_play = False
        self.delay_us = 0
        self.src = 0
        self.recv = 0
        self.meta: MarketMeta | None = None
        self.sels: dict[str, Selection] = {}
        self.srcs: dict[str, int] = {}
        """Publish time of each selection's last price; kept where the model compares providers by it."""
        self.results: dict[str, str] = {}
        self.rollback = False
        """An explicit rollback arrived and has not been judged yet."""

    def apply(self, update: MarketUpdate) -> None:
        """Take over what an update says; what it leaves out is unchanged, unless it is an image."""
        if update.image:
            self.status = ProviderStatus.SUSPENDED
            self.in_play = False
            self.delay_us = 0
            self.sels = {}
            self.srcs = {}
            self.results = {}
        self.src = update.src
        self.recv = update.recv
        if update.status >= 0:
            self.status = ProviderStatus(update.status)
        if update.in_play >= 0:
            self.in_play = update.in_play == 1
        if update.delay_ms >= 0:
            self.delay_us = update.delay_ms * 1000
        if update.meta is not None:
            self.meta = update.meta
        for sel in update.sels:
            self.sels[sel.id] = sel
            self.srcs[sel.id] = update.src
        if update.rollback:
            self.rollback = True
            self.results = {}
            if update.status < 0:
                self.status = ProviderStatus.SUSPENDED
        if update.results:
            self.results = {**self.results, **update.results}

    def price(self, selection: str) -> int:
        """Micro odds, 0 where there is none."""
        sel = self.sels.get(selection)
        return sel.micro if sel is not None else 0

    @property
    def final(self) -> bool:
        """The provider says that it is over."""
        return self.status >= ProviderStatus.CLOSED
