"""SuspensionPolicy.spec.triggers: what suspends a market. The name of a trigger's type is the reason of its hold."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from touchline.api.types.block import Block, Whole
from touchline.api.types.decimals import DecimalString, Span
from touchline.api.types.durations import Between, Duration
from touchline.api.types.lists import ListSet
from touchline.api.types.references import LabelName
from touchline.api.types.rules import Rule, block_named_after


class TriggerType(StrEnum):
    """What is watched; each is also the reason of the hold that it causes."""

    FEED_DELAY = "FeedDelay"
    PRICE_MOVE = "PriceMove"
    PROVIDER_DISCONNECT = "ProviderDisconnect"
    EVENT_STATUS = "EventStatus"
    LIABILITY = "Liability"
    PROVIDER_DISAGREEMENT = "ProviderDisagreement"
    SEQUENCE_GAP = "SequenceGap"


class TriggerScope(StrEnum):
    """What a trigger suspends, and over what it is watched."""

    SELECTION = "Selection"
    MARKET = "Market"
    EVENT = "Event"
    PROVIDER = "Provider"


class TriggerAction(StrEnum):
    """What a trigger does."""

    SUSPEND = "Suspend"
    SUSPEND_AND_REVIEW = "SuspendAndReview"


class PriceMetric(StrEnum):
    """In what a change of price is measured; 15 % of a decimal price is nothing at 50.0 and a goal at 1.2."""

    IMPLIED_PROBABILITY = "ImpliedProbability"
    DECIMAL_PRICE = "DecimalPrice"


class Incident(StrEnum):
    """What can happen in an event."""

    KICK_OFF = "KickOff"
    TURN_IN_PLAY = "TurnInPlay"
    GOAL = "Goal"
    GOAL_DISALLOWED = "GoalDisallowed"
    PENALTY = "Penalty"
    RED_CARD = "RedCard"
    YELLOW_CARD = "YellowCard"
    CORNER = "Corner"
    VIDEO_REVIEW = "VideoReview"
    INJURY = "Injury"
    SUBSTITUTION = "Substitution"
    TOUCHDOWN = "Touchdown"
    FIELD_GOAL = "FieldGoal"
    SAFETY = "Safety"
    TURNOVER = "Turnover"
    HOME_RUN = "HomeRun"
    RUN = "Run"
    PITCHER_CHANGE = "PitcherChange"
    WICKET = "Wicket"
    BREAK_OF_SERVE = "BreakOfServe"
    SET_END = "SetEnd"
    PERIOD_START = "PeriodStart"
    PERIOD_END = "PeriodEnd"
    TIME_OUT = "TimeOut"
    NON_RUNNER = "NonRunner"
    INTERRUPTED = "Interrupted"
    POSTPONED = "Postponed"
    ABANDONED = "Abandoned"
    COVERAGE_LOST = "CoverageLost"


class FeedDelay(Block):
    """The serving provider's updates come late."""

    threshold: Annotated[Duration, Between("1ms", "10m")] = Field(
        default=Duration("500ms"), description="Delay from the provider's publish time to receipt, skew-corrected."
    )


class PriceMove(Block):
    """A price moves too far too fast."""

    metric: PriceMetric = Field(default=PriceMetric.IMPLIED_PROBABILITY, description="In what the move is measured.")
    percent: Annotated[DecimalString, Span("0.1", "1000")] = Field(
        description=("Move that fires: percentage points of implied probability, or percent of the decimal price.")
    )
    within: Annotated[Duration, Between("10ms", "10m")] = Field(
        default=Duration("2s"), description="Time in which the move happens; its baseline is set anew by a reopening."
    )


class EventStatus(Block):
    """Something happens in the event."""

    incidents: Annotated[tuple[Incident, ...], ListSet(min_items=1, max_items=32)] = Field(
        description="What must happen."
    )


class LiabilityLimit(Block):
    """What may be lost comes near its limit."""

    percent_of_limit: Annotated[DecimalString, Span("1", "100")] = Field(
        default=DecimalString("100"), description="Share of the Market's maxLiability in percent."
    )


class ProviderDisagreement(Block):
    """Two healthy providers tell different prices."""

    metric: PriceMetric = Field(
        default=PriceMetric.IMPLIED_PROBABILITY, description="In what the difference is measured."
    )
    percent: Annotated[DecimalString, Span("0.1", "1000")] = Field(
        description="Difference that fires: percentage points of implied probability, or percent of the decimal price."
    )
    for_: Annotated[Duration, Between("0s", "10m")] = Field(
        default=Duration("3s"), alias="for", description="How long they must differ."
    )


_SCOPES: dict[str, tuple[str, ...]] = {
    "Selection": ("PriceMove", "Liability", "ProviderDisagreement"),
    "Provider": ("FeedDelay", "ProviderDisconnect", "SequenceGap"),
}


def _scope_rule(scope: str) -> Rule:
    allowed = _SCOPES[scope]
    names = ", ".join(f"'{name}'" for name in allowed)
    return Rule(
        cel=f"self.scope != '{scope}' || self.type in [{names}]",
        message=f"may not have scope {scope} unless type is one of {', '.join(allowed)}",
        holds=lambda trigger: trigger.scope != scope or trigger.type in allowed,
        at="scope",
    )


class Trigger(Block):
    """One reason to suspend. It holds a market while it lasts; the block named after its type says when."""

    rules: ClassVar[tuple[Rule, ...]] = (
        block_named_after("type", "FeedDelay", "feed_delay", "feedDelay"),
        block_named_after("type", "PriceMove", "price_move", "priceMove"),
        block_named_after("type", "EventStatus", "event_status", "eventStatus"),
        block_named_after("type", "Liability", "liability", "liability"),
        block_named_after("type", "ProviderDisagreement", "provider_disagreement", "providerDisagreement"),
        _scope_rule("Selection"),
        _scope_rule("Provider"),
    )

    name: LabelName = Field(description="Name of the trigger, shown with the hold.")
    type: TriggerType = Field(description="What is watched; also the reason of the hold.")
    feed_delay: FeedDelay | None = Field(default=None, description="The serving provider's updates come late.")
    price_move: PriceMove | None = Field(default=None, description="A price moves too far too fast.")
    event_status: EventStatus | None = Field(default=None, description="Something happens in the event.")
    liability: LiabilityLimit | None = Field(default=None, description="What may be lost comes near its limit.")
    provider_disagreement: ProviderDisagreement | None = Field(
        default=None, description="Two healthy providers tell different prices."
    )
    scope: TriggerScope = Field(default=TriggerScope.MARKET, description="What is suspended.")
    action: TriggerAction = Field(
        default=TriggerAction.SUSPEND,
        description="Suspend reopens by the policy's rules; SuspendAndReview waits for a trader.",
    )
    cool_down: Annotated[Duration, Between("0s", "24h")] | None = Field(
        default=None, description="Wait after the trigger has cleared; left out, reopening.coolDown."
    )


class TriggerCount(Block):
    """How often one trigger type fired."""

    type: Annotated[str, Field(max_length=64)] = Field(description="Type of the trigger.")
    count: Whole = Field(ge=0, le=2**53, description="How often it fired.")
