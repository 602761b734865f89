"""What the desk asks of the book: the state of one market as it is at this instant (`touchline.book.shard.ShardBook`)."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from touchline.api.v1alpha1.market import Market
from touchline.domain.holds import Hold
from touchline.domain.status import MarketStatus
from touchline.domain.version import Version


class Quote(Protocol):
    """One market as the book knows it now. Prices are micro odds; times microseconds."""

    @property
    def status(self) -> MarketStatus: ...
    @property
    def holds(self) -> Sequence[Hold]: ...
    @property
    def version(self) -> Version: ...
    @property
    def selections(self) -> Mapping[str, int]:
        """Micro odds by selection; 0: known but without a price."""
        ...

    @property
    def fresh(self) -> bool:
        """Whether the price is proven current at the moment of asking."""
        ...

    @property
    def age_us(self) -> int: ...
    @property
    def max_age_us(self) -> int: ...
    @property
    def market_class(self) -> Market | None: ...
    @property
    def delay_us(self) -> int:
        """How long a bet waits for its second check; 0: none."""
        ...


class Prices(Protocol):
    """The part of a shard's book that the desk reads."""

    def quote(self, now: int, market: str) -> Quote | None:
        """The market as of `now` on the node's own clock, or None if the shard does not know it."""
        ...
