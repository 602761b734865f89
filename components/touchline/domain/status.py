"""What a provider says of a market, and what we say of it.

`ProviderStatus` is one provider's word and travels on `odds.*` as a small integer. `MarketStatus` is the book's word and
travels to clients as text (PROTOCOL, "status").
"""

from enum import IntEnum, StrEnum


class ProviderStatus(IntEnum):
    """One provider's status of one market."""

    OPEN = 0
    SUSPENDED = 1
    CLOSED = 2
    SETTLED = 3
    CANCELLED = 4


class MarketStatus(StrEnum):
    """The book's status. `Open` if and only if no hold stands and the market is neither closed nor settled."""

    OPEN = "Open"
    SUSPENDED = "Suspended"
    CLOSED = "Closed"
    SETTLED = "Settled"
    CANCELLED = "Cancelled"

    @property
    def final(self) -> bool:
        """No more bets, ever, unless the provider rolls it back explicitly."""
        return self in {MarketStatus.CLOSED, MarketStatus.SETTLED, MarketStatus.CANCELLED}


class Phase(StrEnum):
    """Before or after the start. `InPlay` may be reverted by the provider."""

    PRE_MATCH = "PreMatch"
    IN_PLAY = "InPlay"


class ProviderState(StrEnum):
    """How one provider's connection stands, as ingest knows it; part of every beat."""

    CONNECTED = "Connected"
    RECOVERING = "Recovering"
    """Connected, but what was missed has not been told completely."""
    UNRELIABLE = "Unreliable"
    """Connected, but the provider itself says that its data cannot be trusted (Betfair: status 503)."""
    DISCONNECTED = "Disconnected"
