"""The one closed vocabulary of reasons.

A reason travels unchanged from a policy trigger to a hold, a client frame, a bet's rejection, a Kubernetes event, a
metric label and `touchline explain`. Adding one is a change of the public protocol; renaming one is forbidden.
"""

from enum import StrEnum


class HoldReason(StrEnum):
    """Why a market may not be bet on. The first block are also the trigger types of a SuspensionPolicy."""

    FEED_DELAY = "FeedDelay"
    PRICE_MOVE = "PriceMove"
    PROVIDER_DISCONNECT = "ProviderDisconnect"
    EVENT_STATUS = "EventStatus"
    LIABILITY = "Liability"
    PROVIDER_DISAGREEMENT = "ProviderDisagreement"
    SEQUENCE_GAP = "SequenceGap"

    MANUAL = "Manual"
    """A trader's halt, or `spec.suspended` of the Market class."""
    AUTHORITY_LOST = "AuthorityLost"
    """Nobody provably leads the shard; set by the gateway as well as by a leader that steps down."""
    PROVIDER_SUSPENDED = "ProviderSuspended"
    """The serving provider itself says that the market is suspended."""
    STALE_PRICE = "StalePrice"
    """Freshness is not proven within the class's `freshness.maxAge`."""
    RECOVERING = "Recovering"
    """The serving provider is connected but has not yet told us everything we missed."""
    NO_PROVIDER = "NoProvider"
    """No provider of the class offers this market any more, or no Market class selects it."""
    CHECKS_FAILED = "ChecksFailed"
    """Every trigger has cleared but a reopening check does not pass."""
    COOL_DOWN = "CoolDown"
    """Every trigger has cleared; the policy's cool-down is still running."""


class BetReason(StrEnum):
    """Why a bet was not accepted as asked (PROTOCOL, HTTP)."""

    MARKET_SUSPENDED = "MarketSuspended"
    MARKET_CLOSED = "MarketClosed"
    UNKNOWN_MARKET = "UnknownMarket"
    UNKNOWN_SELECTION = "UnknownSelection"
    SELECTION_UNAVAILABLE = "SelectionUnavailable"
    STALE_PRICE = "StalePrice"
    PRICE_CHANGED = "PriceChanged"
    STAKE_BELOW_MINIMUM = "StakeBelowMinimum"
    STAKE_ABOVE_MAXIMUM = "StakeAboveMaximum"
    LIABILITY_EXCEEDED = "LiabilityExceeded"
    JURISDICTION_NOT_ALLOWED = "JurisdictionNotAllowed"
    NO_AUTHORITY = "NoAuthority"
    DUPLICATE = "Duplicate"
    MALFORMED = "Malformed"
