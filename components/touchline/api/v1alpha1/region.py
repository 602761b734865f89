"""Region: one cluster of several that run the same book, and how it takes over and gives back."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from touchline.api.types.block import Block, Whole
from touchline.api.types.durations import Between, Duration
from touchline.api.types.lists import ListAtomic
from touchline.api.types.moments import Moment
from touchline.api.types.references import Text
from touchline.api.types.resource import API_VERSION, Column, KindInfo, ResourceBase, Status
from touchline.api.types.rules import Rule, Shape

NatsEndpoint = Annotated[
    str,
    Shape(
        pattern=r"^(nats|tls)://[A-Za-z0-9._\[\]:-]+$",
        max_length=300,
        says="must be nats://host:port or tls://host:port",
    ),
]
GatewayEndpoint = Annotated[
    str,
    Shape(pattern=r"^wss?://[A-Za-z0-9._\[\]:/-]+$", max_length=300, says="must be a ws:// or wss:// URL"),
]


class RegionRole(StrEnum):
    """What a region does."""

    ACTIVE = "Active"
    PASSIVE = "Passive"
    WITNESS = "Witness"


class RecoveryPart(StrEnum):
    """What is brought up after a failover."""

    AUTHENTICATION = "Authentication"
    BETTING = "Betting"
    ODDS = "Odds"
    GATEWAY = "Gateway"
    REPORTING = "Reporting"


class FailbackMode(StrEnum):
    """Whether shards return by themselves."""

    AUTOMATIC = "Automatic"
    MANUAL = "Manual"


class Endpoints(Block):
    """Where the region is reached from the others."""

    nats: NatsEndpoint = Field(description="Gateway of its message broker, nats:// or tls://.")
    gateway: GatewayEndpoint | None = Field(
        default=None, description="Where bettors connect, ws:// or wss://; a witness has none."
    )


class Recovery(Block):
    """What a failover into the region must keep to."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="self.order.all(part, self.order.exists_one(other, other == part))",
            message="may not name a part twice in order",
            holds=lambda block: len(set(block.order)) == len(block.order),
            at="order",
        ),
    )

    rto: Annotated[Duration, Between("1s", "24h")] = Field(
        default=Duration("10s"), description="Longest time without bets in a failover."
    )
    rpo: Annotated[Duration, Between("0s", "24h")] = Field(
        default=Duration("0s"), description="Longest stretch of accepted bets that may be lost; 0s is none."
    )
    order: Annotated[tuple[RecoveryPart, ...], ListAtomic(max_items=5)] = Field(
        default=(
            RecoveryPart.AUTHENTICATION,
            RecoveryPart.BETTING,
            RecoveryPart.ODDS,
            RecoveryPart.GATEWAY,
            RecoveryPart.REPORTING,
        ),
        description="Order in which the parts are brought up.",
    )


class Failback(Block):
    """How shards return to a region that has recovered."""

    mode: FailbackMode = Field(default=FailbackMode.MANUAL, description="Whether shards return by themselves.")
    stable_for: Annotated[Duration, Between("10s", "168h")] = Field(
        default=Duration("10m"), description="Time that the region must be healthy before."
    )
    max_flaps_per_day: Whole = Field(
        default=2, ge=0, le=100, description="Automatic failbacks a day; above it they wait for a person."
    )


class RegionSpec(Block):
    """What the region is for."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="self.role != 'Witness' || !has(self.endpoints.gateway)",
            message="may not have endpoints.gateway with role Witness",
            holds=lambda spec: spec.role != RegionRole.WITNESS or spec.endpoints.gateway is None,
            at="endpoints.gateway",
        ),
    )

    role: RegionRole = Field(
        description="Active leads shards; Passive runs hot and leads only after a failover; Witness only votes."
    )
    weight: Whole = Field(default=100, ge=0, le=1000, description="Share of the shards, among active regions.")
    endpoints: Endpoints = Field(description="Where the region is reached from the others.")
    recovery: Recovery = Field(default_factory=Recovery, description="What a failover must keep to.")
    failback: Failback = Field(default_factory=Failback, description="How shards return.")


class RegionStatus(Status):
    """How the region is."""

    reachable: bool | None = Field(default=None, description="Whether the writer of this status reaches it.")
    shards_led: Whole | None = Field(default=None, ge=0, le=256, description="Shards that it leads.")
    replication_lag: Duration | None = Field(default=None, description="How far its copy of the log is behind.")
    last_failover: Moment | None = Field(default=None, description="When leadership last moved by failure.")
    last_failover_cause: Text | None = Field(default=None, description="Why.")
    flaps_today: Whole | None = Field(default=None, ge=0, le=2**31 - 1, description="Failbacks in the last 24 hours.")


class Region(ResourceBase):
    """One cluster of several that run the same book."""

    info: ClassVar[KindInfo] = KindInfo(
        plural="regions",
        short_names=("rgn",),
        columns=(
            Column(name="Shards", path=".status.shardsLed", type="integer", description="Shards that it leads."),
            Column(name="Role", path=".spec.role", description="What the region does.", priority=1),
        ),
    )

    api_version: Literal["touchline.dev/v1alpha1"] = Field(default=API_VERSION, description="Version of the resource.")
    kind: Literal["Region"] = Field(default="Region", description="Kind of the resource.")
    spec: RegionSpec = Field(description="What the region is for.")
    status: RegionStatus | None = Field(default=None, description="How the region is.")
