"""SuspensionPolicy: what suspends the markets of a class, and what must be true before they open again."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from touchline.api.types.block import Block, Whole
from touchline.api.types.decimals import DecimalString, Span
from touchline.api.types.durations import Between, Duration
from touchline.api.types.lists import ListMap, ListSet
from touchline.api.types.resource import API_VERSION, Column, KindInfo, ResourceBase, Status
from touchline.api.types.rules import Rule
from touchline.api.v1alpha1.triggers import Trigger, TriggerCount

OverroundBound = Annotated[DecimalString, Span("50", "1000")]


class ReopeningCheck(StrEnum):
    """What must be true before a market opens again."""

    FRESH_PRICE = "FreshPrice"
    ALL_SELECTIONS_PRICED = "AllSelectionsPriced"
    OVERROUND = "Overround"


class OverroundPercent(Block):
    """Bounds of the sum of implied probabilities, in percent; 100 is a fair book."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="double(self.min) <= double(self.max)",
            message="must have min not above max",
            holds=lambda block: block.min <= block.max,
            at="min",
        ),
    )

    min: OverroundBound = Field(default=DecimalString("100"), description="Smallest sum.")
    max: OverroundBound = Field(default=DecimalString("140"), description="Largest sum.")


class Reopening(Block):
    """How a market opens again."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="has(self.overroundPercent) == ('Overround' in self.checks)",
            message="must have overroundPercent exactly when checks lists Overround",
            holds=lambda block: (block.overround_percent is not None) == (ReopeningCheck.OVERROUND in block.checks),
        ),
    )

    cool_down: Annotated[Duration, Between("0s", "24h")] = Field(
        default=Duration("5s"), description="Wait after the last trigger has cleared."
    )
    checks: Annotated[tuple[ReopeningCheck, ...], ListSet(max_items=3)] = Field(
        default=(ReopeningCheck.FRESH_PRICE, ReopeningCheck.ALL_SELECTIONS_PRICED),
        description="What must be true before the market opens again.",
    )
    overround_percent: OverroundPercent | None = Field(
        default=None, description="Bounds of the sum of implied probabilities, with the check Overround."
    )


class SuspensionPolicySpec(Block):
    """What suspends and what reopens."""

    triggers: Annotated[tuple[Trigger, ...], ListMap(keys=("name",), max_items=32)] = Field(
        default=(), description="What suspends a market, besides stale prices and lost authority, which always do."
    )
    reopening: Reopening = Field(default_factory=Reopening, description="How a market opens again.")


class SuspensionPolicyStatus(Status):
    """What the policy did."""

    holds: Whole | None = Field(default=None, ge=0, le=2**53, description="Holds of the policy's triggers now.")
    suspensions_last_hour: Annotated[tuple[TriggerCount, ...], ListMap(keys=("type",), max_items=32)] = Field(
        default=(), description="Suspensions in the last hour, by trigger type."
    )
    markets: Whole | None = Field(default=None, ge=0, le=2**53, description="Market classes that use the policy.")


class SuspensionPolicy(ResourceBase):
    """What suspends the markets of a class, and what must be true before they open again."""

    info: ClassVar[KindInfo] = KindInfo(
        plural="suspensionpolicies",
        short_names=("sp",),
        columns=(
            Column(
                name="Holds", path=".status.holds", type="integer", description="Holds of the policy's triggers now."
            ),
            Column(
                name="Classes",
                path=".status.markets",
                type="integer",
                description="Market classes that use the policy.",
                priority=1,
            ),
        ),
    )

    api_version: Literal["touchline.dev/v1alpha1"] = Field(default=API_VERSION, description="Version of the resource.")
    kind: Literal["SuspensionPolicy"] = Field(default="SuspensionPolicy", description="Kind of the resource.")
    spec: SuspensionPolicySpec = Field(description="What suspends and what reopens.")
    status: SuspensionPolicyStatus | None = Field(default=None, description="What the policy did.")
