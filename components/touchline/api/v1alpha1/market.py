"""Market: a class of markets, never one market. Where its prices come from, how fresh they must be, who may bet."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from touchline.api.types.block import Block, Flag, Whole
from touchline.api.types.decimals import DecimalString, Money, Span
from touchline.api.types.durations import Between, Duration
from touchline.api.types.lists import ListSet
from touchline.api.types.references import EntityIdOrAll, NameRef
from touchline.api.types.resource import API_VERSION, Column, KindInfo, ResourceBase, Status
from touchline.api.types.rules import Rule, block_named_after
from touchline.api.v1alpha1.jurisdictions import Jurisdiction, JurisdictionOrAll
from touchline.api.v1alpha1.market_feeds import Feeds

EntityIds = Annotated[tuple[EntityIdOrAll, ...], ListSet(max_items=200)]


class Phase(StrEnum):
    """Before the start, in play, or both."""

    PRE_MATCH = "PreMatch"
    IN_PLAY = "InPlay"
    ANY = "Any"


class PriceChange(StrEnum):
    """What happens to a bet whose price has moved."""

    EXACT = "Exact"
    ACCEPT_BETTER = "AcceptBetter"
    ACCEPT_WITHIN = "AcceptWithin"


class OverLimit(StrEnum):
    """What happens to a bet above a limit."""

    REJECT = "Reject"
    OFFER_MAXIMUM = "OfferMaximum"
    REVIEW = "Review"


class MarginMethod(StrEnum):
    """How a margin is spread over the selections."""

    PROPORTIONAL = "Proportional"
    ADDITIVE = "Additive"
    POWER = "Power"


class Ladder(StrEnum):
    """To which steps prices are rounded."""

    EXACT = "Exact"
    BETFAIR = "Betfair"


def _star_alone(attribute: str, wire: str) -> Rule:
    return Rule(
        cel=f"self.{wire}.size() <= 1 || !('*' in self.{wire})",
        message=f"may not have * beside other {wire}",
        holds=lambda block: len(getattr(block, attribute)) <= 1 or "*" not in getattr(block, attribute),
        at=wire,
    )


class Selector(Block):
    """Which markets belong to the class. The most specific class wins; a tie is a condition on both."""

    rules: ClassVar[tuple[Rule, ...]] = (
        _star_alone("sports", "sports"),
        _star_alone("leagues", "leagues"),
        _star_alone("market_types", "marketTypes"),
    )

    sports: EntityIds = Field(default=("*",), description="Sports, by internal id; * or empty is all.")
    leagues: EntityIds = Field(default=("*",), description="Leagues, by internal id; * or empty is all.")
    market_types: EntityIds = Field(default=("*",), description="Market types, by internal id; * or empty is all.")
    phase: Phase = Field(default=Phase.ANY, description="Before the start, in play, or both.")


class Freshness(Block):
    """How old the proof of a price may be; not how long ago the price last changed."""

    max_age: Annotated[Duration, Between("1ms", "10m")] = Field(
        default=Duration("1s"),
        description=(
            "Greatest age of what the shard's leader knows of the serving provider. Proof arrives every 100 ms, so "
            "less than 300 ms cannot be kept."
        ),
    )


class Stake(Block):
    """Limits of one bet's stake."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="double(self.min) <= double(self.max)",
            message="must have min not above max",
            holds=lambda stake: stake.min <= stake.max,
            at="min",
        ),
    )

    min: Money = Field(default=DecimalString("1.00"), description="Smallest stake.")
    max: Money = Field(default=DecimalString("1000.00"), description="Largest stake.")


class MaxLiability(Block):
    """What may be lost at most, in the engine's currency."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="double(self.selection) <= double(self.market) && double(self.market) <= double(self.event)",
            message="must have selection not above market, and market not above event",
            holds=lambda limit: limit.selection <= limit.market <= limit.event,
        ),
    )

    selection: Money = Field(default=DecimalString("50000.00"), description="On one selection.")
    market: Money = Field(default=DecimalString("150000.00"), description="On one market.")
    event: Money = Field(default=DecimalString("400000.00"), description="On one event.")


class Betting(Block):
    """Who may bet how much, and what happens to a bet whose price has moved."""

    rules: ClassVar[tuple[Rule, ...]] = (
        block_named_after("priceChange", "AcceptWithin", "accept_within_percent", "acceptWithinPercent"),
    )

    stake: Stake = Field(default_factory=Stake, description="Limits of one bet's stake.")
    max_payout: Money = Field(default=DecimalString("100000.00"), description="Largest payout of one bet.")
    max_liability: MaxLiability = Field(default_factory=MaxLiability, description="What may be lost at most.")
    delay: Annotated[Duration, Between("0s", "1m")] = Field(
        default=Duration("0s"),
        description="Wait before a bet is decided, after which everything is checked again; at least the provider's own.",
    )
    price_change: PriceChange = Field(
        default=PriceChange.ACCEPT_BETTER,
        description="What happens to a bet whose price has moved, where the bet itself does not say.",
    )
    accept_within_percent: Annotated[DecimalString, Span("0", "50")] | None = Field(
        default=None, description="With AcceptWithin: how far the price may have fallen, in percent."
    )
    over_limit: OverLimit = Field(
        default=OverLimit.OFFER_MAXIMUM,
        description="A bet above a limit is refused, offered the largest stake that fits, or put before a trader.",
    )


class Pricing(Block):
    """How bettors' prices are made from the provider's."""

    margin_percent: Annotated[DecimalString, Span("0", "50")] = Field(
        default=DecimalString("5.0"), description="Margin over a fair book, in percent."
    )
    method: MarginMethod = Field(
        default=MarginMethod.PROPORTIONAL, description="How the margin is spread over the selections."
    )
    ladder: Ladder = Field(default=Ladder.EXACT, description="To which steps prices are rounded, always downwards.")


class Jurisdictions(Block):
    """From where bets are taken. What is denied is denied, whatever is allowed."""

    allow: Annotated[tuple[JurisdictionOrAll, ...], ListSet(min_items=1, max_items=300)] = Field(
        default=("*",), description="Jurisdictions that may bet; * is every one."
    )
    deny: Annotated[tuple[Jurisdiction, ...], ListSet(max_items=300)] = Field(
        default=(), description="Jurisdictions that may not bet."
    )


class MarketSpec(Block):
    """What the class holds and how it is run."""

    selector: Selector = Field(default_factory=Selector, description="Which markets belong to the class.")
    feeds: Feeds = Field(description="Where the prices come from.")
    freshness: Freshness = Field(default_factory=Freshness, description="How old the proof of a price may be.")
    suspension_policy_ref: NameRef = Field(description="SuspensionPolicy that protects the class.")
    betting: Betting = Field(default_factory=Betting, description="Limits, delay and price changes.")
    pricing: Pricing | None = Field(
        default=None, description="How bettors' prices are made; left out, the provider's price as it is."
    )
    jurisdictions: Jurisdictions = Field(default_factory=Jurisdictions, description="From where bets are taken.")
    suspended: Flag = Field(default=False, description="Halts the whole class by hand while true.")


class Instances(Block):
    """Markets of the class by state."""

    open: Whole = Field(default=0, ge=0, le=2**53, description="Markets that may be bet on.")
    suspended: Whole = Field(default=0, ge=0, le=2**53, description="Markets with at least one hold.")
    closed: Whole = Field(default=0, ge=0, le=2**53, description="Markets that are over but not settled.")
    settled: Whole = Field(default=0, ge=0, le=2**53, description="Markets that are settled.")
    cancelled: Whole = Field(default=0, ge=0, le=2**53, description="Markets that were cancelled.")


class MarketStatus(Status):
    """What the class's markets do."""

    instances: Instances | None = Field(default=None, description="Markets of the class by state.")
    serving_provider: Annotated[str, Field(max_length=253)] | None = Field(
        default=None, description="Provider that most of the class's prices come from."
    )
    oldest_price: Duration | None = Field(default=None, description="Greatest age of proof over the open markets.")


class Market(ResourceBase):
    """A class of markets: which they are, where their prices come from, what protects them and who may bet."""

    info: ClassVar[KindInfo] = KindInfo(
        plural="markets",
        short_names=("mkt",),
        columns=(
            Column(
                name="Open", path=".status.instances.open", type="integer", description="Markets that may be bet on."
            ),
            Column(
                name="Suspended",
                path=".status.instances.suspended",
                type="integer",
                description="Markets with at least one hold.",
            ),
            Column(
                name="Why",
                path='.status.conditions[?(@.type=="Suspended")].reason',
                description="What holds most of the suspended markets.",
            ),
            Column(name="Provider", path=".status.servingProvider", description="Where most of the prices come from."),
            Column(
                name="Oldest",
                path=".status.oldestPrice",
                description="Greatest age of proof over the open markets.",
                priority=1,
            ),
        ),
    )

    api_version: Literal["touchline.dev/v1alpha1"] = Field(default=API_VERSION, description="Version of the resource.")
    kind: Literal["Market"] = Field(default="Market", description="Kind of the resource.")
    spec: MarketSpec = Field(description="What the class holds and how it is run.")
    status: MarketStatus | None = Field(default=None, description="What the class's markets do.")
