"""Market.spec.feeds: which providers a class of markets takes its prices from, and how it chooses between them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, ClassVar

from pydantic import Field

from touchline.api.types.block import Block, Whole
from touchline.api.types.decimals import DecimalString, Span
from touchline.api.types.durations import Between, Duration
from touchline.api.types.lists import ListAtomic, ListMap, ListSet
from touchline.api.types.references import EntityIdOrAll, LabelName
from touchline.api.types.rules import Rule, block_named_after

RouteIds = Annotated[tuple[EntityIdOrAll, ...], ListSet(max_items=50)]


class FeedModel(StrEnum):
    """How several providers are combined."""

    ACTIVE_PASSIVE = "ActivePassive"
    ACTIVE_ACTIVE = "ActiveActive"
    MARKET_ROUTING = "MarketRouting"
    AGGREGATED = "Aggregated"


class Consensus(StrEnum):
    """How one price is made of several."""

    MEDIAN = "Median"
    WEIGHTED_MEAN = "WeightedMean"


class ProviderChoice(Block):
    """One provider of a class."""

    name: LabelName = Field(description="Name of the FeedProvider, in the same namespace.")
    priority: Whole = Field(default=1, ge=1, le=100, description="Lower is preferred.")
    weight: Whole = Field(default=100, ge=0, le=1000, description="Weight of its price with Aggregated.")


class Route(Block):
    """Which provider serves which markets; a list that is left out or empty is all."""

    sports: RouteIds = Field(default=(), description="Sports, by internal id.")
    leagues: RouteIds = Field(default=(), description="Leagues, by internal id.")
    market_types: RouteIds = Field(default=(), description="Market types, by internal id.")
    provider: LabelName = Field(description="One of the class's providers.")


class MarketRouting(Block):
    """Routes, tried in order."""

    routes: Annotated[tuple[Route, ...], ListAtomic(min_items=1, max_items=64)] = Field(
        description="Routes, the first that matches wins; where none does, priority decides."
    )


class Aggregated(Block):
    """One price made of several."""

    method: Consensus = Field(default=Consensus.MEDIAN, description="How one price is made of several.")
    min_providers: Whole = Field(
        default=2, ge=1, le=8, description="Providers that must agree; with fewer the market is suspended."
    )
    outlier_percent: Annotated[DecimalString, Span("0.1", "100")] = Field(
        default=DecimalString("5"),
        description="Distance from the median, in percent of implied probability, from which a price is left out.",
    )


def _distinct_priorities(feeds: Any) -> bool:
    priorities = [provider.priority for provider in feeds.providers]
    return feeds.model != FeedModel.ACTIVE_PASSIVE or len(set(priorities)) == len(priorities)


def _routes_lead_to_providers(feeds: Any) -> bool:
    names = {provider.name for provider in feeds.providers}
    return feeds.market_routing is None or all(route.provider in names for route in feeds.market_routing.routes)


class Feeds(Block):
    """Where the prices come from."""

    rules: ClassVar[tuple[Rule, ...]] = (
        block_named_after("model", "MarketRouting", "market_routing", "marketRouting"),
        block_named_after("model", "Aggregated", "aggregated", "aggregated", required=False),
        Rule(
            cel=(
                "self.model != 'ActivePassive' || "
                "self.providers.all(p, self.providers.exists_one(q, q.priority == p.priority))"
            ),
            message="must give each provider a priority of its own with ActivePassive",
            holds=_distinct_priorities,
            at="providers",
        ),
        Rule(
            cel="!(self.model in ['ActiveActive', 'Aggregated']) || self.providers.size() >= 2",
            message="must list at least two providers with ActiveActive or Aggregated",
            holds=lambda feeds: (
                feeds.model not in (FeedModel.ACTIVE_ACTIVE, FeedModel.AGGREGATED) or len(feeds.providers) >= 2
            ),
            at="providers",
        ),
        Rule(
            cel=(
                "!has(self.marketRouting) || "
                "self.marketRouting.routes.all(r, self.providers.exists(p, p.name == r.provider))"
            ),
            message="must list every route's provider among providers",
            holds=_routes_lead_to_providers,
            at="marketRouting",
        ),
    )

    model: FeedModel = Field(
        default=FeedModel.ACTIVE_PASSIVE,
        description=(
            "ActivePassive serves the preferred healthy provider; ActiveActive the first valid update of any; "
            "MarketRouting one provider by route; Aggregated a consensus."
        ),
    )
    providers: Annotated[tuple[ProviderChoice, ...], ListMap(keys=("name",), min_items=1, max_items=8)] = Field(
        description="Providers of the class."
    )
    switch_after: Annotated[Duration, Between("0s", "10m")] = Field(
        default=Duration("2s"),
        description="Time that the serving provider must be unhealthy before another takes over.",
    )
    fail_back_after: Annotated[Duration, Between("0s", "24h")] = Field(
        default=Duration("60s"), description="Time that a preferred provider must be healthy before it is used again."
    )
    market_routing: MarketRouting | None = Field(default=None, description="Routes, with MarketRouting.")
    aggregated: Aggregated | None = Field(default=None, description="How one price is made, with Aggregated.")
