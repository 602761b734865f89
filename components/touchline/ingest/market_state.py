"""What one provider has told us of one of its markets, in its own words.

It is kept also while the market cannot be published (its event's id is being looked up, or something about it is refused), so that
whatever puts that right, a mapping or an answer, can publish the market as it stands then.
"""

from collections.abc import Sequence

from touchline.domain.status import ProviderStatus
from touchline.feeds.interface import NativeMarket, NativePrice, NativeUpdate
from touchline.ingest.binding import Bound, BoundMarket
from touchline.ingest.refusals import Refusal
from touchline.ingest.translation import Translation

MAX_INCIDENTS = 32


class MarketState:
    """One native market. `bound` is set exactly while it is published."""

    __slots__ = (
        "bound",
        "broken",
        "definition",
        "event_key",
        "ignored",
        "incidents",
        "lossy",
        "owned",
        "prices",
        "publish_us",
        "recv_us",
        "refused",
        "rollback",
        "routes",
        "runners",
        "translation",
    )

    def __init__(self, definition: NativeMarket) -> None:
        self.definition = definition
        self.prices: dict[str, NativePrice] = {}
        self.runners: frozenset[str] = frozenset(runner.id for runner in definition.runners)
        self.translation: Translation | None = None
        """Of the last accepted definition."""
        self.bound: Bound | None = None
        self.owned: tuple[BoundMarket, ...] = ()
        """Of `bound`, the internal markets that no other native market had first."""
        self.routes: dict[str, tuple[int, str]] = {}
        """By native runner: index in `owned` and selection id."""
        self.event_key = ""
        self.refused: tuple[Refusal, ...] = ()
        """Why its last definition may not flow."""
        self.ignored = ""
        self.broken = ""
        """Why what we publish is not known to be right; the market is published as suspended until it is."""
        self.lossy = False
        """Something of it was dropped: only an image makes it whole again."""
        self.publish_us = 0
        self.recv_us = 0
        self.incidents: list[str] = []
        self.rollback = False

    def take(self, update: NativeUpdate, prices: Sequence[NativePrice]) -> None:
        """Keep what a sound update says."""
        if update.definition is not None:
            self.definition = update.definition
            self.runners = frozenset(runner.id for runner in update.definition.runners)
            if not self.runners.issuperset(self.prices):
                self.prices = {runner: price for runner, price in self.prices.items() if runner in self.runners}
        if update.image:
            self.prices = {}
            self.lossy = False
        store = self.prices
        for price in prices:
            store[price.runner] = price
        self.publish_us = update.publish_us
        if update.incidents:
            self.incidents = [*self.incidents, *update.incidents][-MAX_INCIDENTS:]
        if update.rollback:
            self.rollback = True

    def bind(self, bound: Bound, owned: tuple[BoundMarket, ...]) -> None:
        """Publish it as these internal markets from now on."""
        self.bound = bound
        self.owned = owned
        self.routes = {
            runner: (index, selection)
            for index, market in enumerate(owned)
            for runner, selection in market.runners.items()
        }

    def unbind(self) -> tuple[BoundMarket, ...]:
        """Stop publishing it; what was published."""
        owned = self.owned
        self.bound, self.owned, self.routes = None, (), {}
        return owned

    @property
    def status(self) -> ProviderStatus:
        """What is published: never open while it is broken."""
        if self.broken and self.definition.status == ProviderStatus.OPEN:
            return ProviderStatus.SUSPENDED
        return self.definition.status

    @property
    def selections(self) -> dict[str, str]:
        """Selections by runner as they were last translated."""
        if self.translation is None:
            return {}
        return {runner: meaning.selection for runner, meaning in self.translation.runners.items()}
