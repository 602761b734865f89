"""FailoverDrill: a failure on purpose, on a schedule, with limits and a measured verdict."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from touchline.api.types.block import Block, Whole
from touchline.api.types.decimals import Money
from touchline.api.types.durations import Between, Duration
from touchline.api.types.lists import ListMap
from touchline.api.types.moments import Moment
from touchline.api.types.references import NameRef, Text
from touchline.api.types.resource import API_VERSION, Column, KindInfo, ResourceBase, Status
from touchline.api.types.rules import Rule, Shape, block_named_after

Cron = Annotated[
    str,
    Shape(
        pattern=r"^[0-9*/,-]+( [0-9A-Za-z*/,?-]+){4}$",
        max_length=128,
        says='must be five cron fields, such as "0 4 1 * *"',
    ),
]


class Scenario(StrEnum):
    """What is made to fail."""

    REGION_LOSS = "RegionLoss"
    NETWORK_PARTITION = "NetworkPartition"
    BROKER_LOSS = "BrokerLoss"
    PROVIDER_LOSS = "ProviderLoss"
    LEADER_KILL = "LeaderKill"


class Verdict(StrEnum):
    """How a drill ended."""

    PASSED = "Passed"
    FAILED = "Failed"
    ABORTED = "Aborted"
    RUNNING = "Running"


class AbortIf(Block):
    """When a drill stops itself and everything is put back."""

    rto_over: Annotated[Duration, Between("1s", "1h")] = Field(
        default=Duration("30s"), description="Longest time without bets before the drill is stopped."
    )
    open_liability_over: Money | None = Field(
        default=None, description="Open liability of the region above which the drill does not start."
    )


class FailoverDrillSpec(Block):
    """What is made to fail, and when."""

    rules: ClassVar[tuple[Rule, ...]] = (block_named_after("scenario", "ProviderLoss", "provider_ref", "providerRef"),)

    region_ref: NameRef = Field(description="Region in which it happens.")
    scenario: Scenario = Field(description="What is made to fail.")
    provider_ref: NameRef | None = Field(default=None, description="FeedProvider that fails, with ProviderLoss.")
    schedule: Cron | None = Field(default=None, description="When, as five cron fields; left out, once.")
    time_zone: Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9_+/-]+$")] = Field(
        default="Etc/UTC", description="Time zone of the schedule."
    )
    fault_for: Annotated[Duration, Between("1s", "1h")] = Field(
        default=Duration("1m"), description="How long the failure lasts."
    )
    abort_if: AbortIf = Field(default_factory=AbortIf, description="When the drill stops itself.")
    history_limit: Whole = Field(default=10, ge=1, le=50, description="Runs kept in the status.")


class DrillRun(Block):
    """One run of a drill."""

    started: Moment = Field(description="When it started.")
    verdict: Verdict = Field(description="How it ended.")
    rto: Duration | None = Field(default=None, description="Measured time without bets.")
    rpo: Duration | None = Field(default=None, description="Measured stretch of accepted bets that were lost.")
    bets_lost: Whole | None = Field(default=None, ge=0, le=2**53, description="Accepted bets that were lost.")
    detail: Text | None = Field(default=None, description="Why it ended so.")


class FailoverDrillStatus(Status):
    """How the drill went."""

    verdict: Verdict | None = Field(default=None, description="How the last run ended.")
    measured_rto: Duration | None = Field(default=None, description="Time without bets in the last run.")
    measured_rpo: Duration | None = Field(default=None, description="Accepted bets lost in the last run, as a time.")
    bets_lost: Whole | None = Field(default=None, ge=0, le=2**53, description="Accepted bets lost in the last run.")
    last_run: Moment | None = Field(default=None, description="When it last started.")
    next_run: Moment | None = Field(default=None, description="When it starts next.")
    history: Annotated[tuple[DrillRun, ...], ListMap(keys=("started",), max_items=50)] = Field(
        default=(), description="Runs, the latest first."
    )


class FailoverDrill(ResourceBase):
    """A failure on purpose, with limits and a measured verdict."""

    info: ClassVar[KindInfo] = KindInfo(
        plural="failoverdrills",
        short_names=("drill",),
        columns=(
            Column(name="Verdict", path=".status.verdict", description="How the last run ended."),
            Column(
                name="RTO", path=".status.measuredRto", description="Time without bets in the last run.", priority=1
            ),
        ),
    )

    api_version: Literal["touchline.dev/v1alpha1"] = Field(default=API_VERSION, description="Version of the resource.")
    kind: Literal["FailoverDrill"] = Field(default="FailoverDrill", description="Kind of the resource.")
    spec: FailoverDrillSpec = Field(description="What is made to fail, and when.")
    status: FailoverDrillStatus | None = Field(default=None, description="How the drill went.")
