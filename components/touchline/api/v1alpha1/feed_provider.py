"""FeedProvider: a company that sells a feed, and how its feed must behave to be trusted."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from touchline.api.types.block import Block, Whole
from touchline.api.types.decimals import DecimalString, Percent
from touchline.api.types.durations import Between, Duration
from touchline.api.types.lists import ListMap, ListSet
from touchline.api.types.references import EntityIdOrAll, NameRef, Text
from touchline.api.types.resource import API_VERSION, Column, KindInfo, ResourceBase, Status
from touchline.api.types.rules import Immutable, Rule, block_named_after
from touchline.api.types.sizes import Quantity
from touchline.api.v1alpha1.protocols import (
    BetfairStream,
    GeniusSports,
    OpticOdds,
    Pinnacle,
    Protocol,
    Replay,
    SportradarUOF,
    SportsDataIO,
    TheOddsAPI,
)

# (protocol, attribute, name on the wire)
PROTOCOL_BLOCKS: tuple[tuple[Protocol, str, str], ...] = (
    (Protocol.BETFAIR_STREAM, "betfair_stream", "betfairStream"),
    (Protocol.SPORTRADAR_UOF, "sportradar_uof", "sportradarUOF"),
    (Protocol.GENIUS_SPORTS, "genius_sports", "geniusSports"),
    (Protocol.SPORTS_DATA_IO, "sports_data_io", "sportsDataIO"),
    (Protocol.THE_ODDS_API, "the_odds_api", "theOddsAPI"),
    (Protocol.PINNACLE, "pinnacle", "pinnacle"),
    (Protocol.OPTIC_ODDS, "optic_odds", "opticOdds"),
    (Protocol.REPLAY, "replay", "replay"),
)


class ClockTrust(StrEnum):
    """How the provider's clock is related to ours when delay is measured."""

    SYNCHRONISED = "Synchronised"
    ESTIMATED = "Estimated"


class Coverage(Block):
    """What the provider covers."""

    sports: Annotated[tuple[EntityIdOrAll, ...], ListSet(min_items=1, max_items=100)] = Field(
        default=("*",), description="Sports, by internal id; * is all."
    )
    leagues: Annotated[tuple[EntityIdOrAll, ...], ListSet(min_items=1, max_items=1000)] = Field(
        default=("*",), description="Leagues, by internal id; * is all."
    )


class MaxDisconnects(Block):
    """How often the connection may break."""

    count: Whole = Field(default=3, ge=1, le=1000, description="Disconnects that are still tolerated.")
    within: Annotated[Duration, Between("1s", "24h")] = Field(
        default=Duration("1m"), description="Time in which they are counted."
    )


class HealthThresholds(Block):
    """How the feed must behave; beyond a threshold its prices are not trusted."""

    max_silence: Annotated[Duration, Between("200ms", "1h")] = Field(
        default=Duration("3s"), description="Longest time without proof of life: any message or heartbeat."
    )
    max_delay: Annotated[Duration, Between("1ms", "10m")] = Field(
        default=Duration("500ms"),
        description="Longest delay from the provider's publish time to receipt, skew-corrected, p99 over 10 s.",
    )
    max_loss_percent: Percent = Field(default=DecimalString("0.5"), description="Most messages lost, in percent.")
    max_disconnects: MaxDisconnects = Field(
        default_factory=MaxDisconnects, description="How often the connection may break."
    )
    min_completeness_percent: Percent = Field(
        default=DecimalString("98"),
        description="Fewest selections with a price, in percent of those that should have one.",
    )


class Capture(Block):
    """Keeping the exact bytes that were received."""

    retention: Annotated[Duration, Between("1m", "8760h")] = Field(
        default=Duration("72h"), description="How long they are kept."
    )
    max_bytes: Quantity = Field(default=Quantity("50Gi"), description="Most bytes kept; the oldest go first.")


class Sla(Block):
    """What the provider's contract promises, for the report of compliance."""

    availability_percent: Percent | None = Field(default=None, description="Promised availability in percent.")
    delay_p99: Annotated[Duration, Between("1ms", "10m")] | None = Field(
        default=None, alias="delayP99", description="Promised delay, p99."
    )


class Reconnect(Block):
    """Back-off between attempts to connect."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="duration(self.initial) <= duration(self.longest)",
            message="must have initial not above longest",
            holds=lambda block: block.initial <= block.longest,
            at="initial",
        ),
    )

    initial: Annotated[Duration, Between("10ms", "1m")] = Field(
        default=Duration("100ms"), description="Wait after the first failure; it doubles with each further one."
    )
    longest: Annotated[Duration, Between("100ms", "10m")] = Field(
        default=Duration("10s"), description="Longest wait between two attempts."
    )


def _outlives(spec: FeedProviderSpec) -> bool:
    """Whether maxSilence is longer than what the provider's protocol leaves silent on purpose."""
    beating = (block.heartbeat for block in (spec.betfair_stream, spec.replay) if block is not None)
    polling = (
        block.poll_interval for block in (spec.sports_data_io, spec.the_odds_api, spec.pinnacle) if block is not None
    )
    return all(spec.health.max_silence > interval for interval in (*beating, *polling))


class FeedProviderSpec(Block):
    """Where the feed comes from and how it must behave."""

    rules: ClassVar[tuple[Rule, ...]] = (
        *(block_named_after("protocol", protocol, attribute, wire) for protocol, attribute, wire in PROTOCOL_BLOCKS),
        Rule(
            cel="self.protocol == 'Replay' || has(self.credentialsSecretRef)",
            message="must have credentialsSecretRef for every protocol but Replay",
            holds=lambda spec: spec.protocol == Protocol.REPLAY or spec.credentials_secret_ref is not None,
        ),
        Rule(
            cel=" && ".join(
                f"(!has(self.{block}) || duration(self.health.maxSilence) > duration(self.{block}.{interval}))"
                for block, interval in (
                    ("betfairStream", "heartbeat"),
                    ("replay", "heartbeat"),
                    ("sportsDataIO", "pollInterval"),
                    ("theOddsAPI", "pollInterval"),
                    ("pinnacle", "pollInterval"),
                )
            ),
            message="must have health.maxSilence longer than the protocol's heartbeat or poll interval",
            holds=_outlives,
            at="health.maxSilence",
        ),
    )

    protocol: Annotated[Protocol, Immutable("what was captured before would no longer be readable")] = Field(
        description="How the provider is spoken to; the block of the same name says where."
    )
    betfair_stream: BetfairStream | None = Field(default=None, description="Betfair Exchange Stream API.")
    sportradar_uof: SportradarUOF | None = Field(
        default=None, alias="sportradarUOF", description="Sportradar Unified Odds Feed."
    )
    genius_sports: GeniusSports | None = Field(default=None, description="Genius Sports.")
    sports_data_io: SportsDataIO | None = Field(default=None, alias="sportsDataIO", description="SportsDataIO.")
    the_odds_api: TheOddsAPI | None = Field(default=None, alias="theOddsAPI", description="The Odds API.")
    pinnacle: Pinnacle | None = Field(default=None, description="Pinnacle.")
    optic_odds: OpticOdds | None = Field(default=None, description="OpticOdds.")
    replay: Replay | None = Field(default=None, description="A recorded file.")
    credentials_secret_ref: NameRef | None = Field(
        default=None, description="Secret with the account; the protocol's block says with which keys."
    )
    coverage: Coverage = Field(default_factory=Coverage, description="What the provider covers.")
    upstream: Text | None = Field(
        default=None,
        description="Who really makes the data: two providers with one upstream are not redundant. Left out, unknown.",
    )
    clock: ClockTrust = Field(
        default=ClockTrust.ESTIMATED,
        description=(
            "Synchronised takes the provider's times as they are; Estimated corrects them by the smallest difference "
            "seen in a sliding window."
        ),
    )
    entity_map_refs: Annotated[tuple[NameRef, ...], ListMap(keys=("name",), max_items=64)] = Field(
        default=(), description="EntityMaps that translate the provider's names, the first match wins."
    )
    health: HealthThresholds = Field(default_factory=HealthThresholds, description="How the feed must behave.")
    reconnect: Reconnect = Field(default_factory=Reconnect, description="Back-off between attempts to connect.")
    capture: Capture = Field(default_factory=Capture, description="Keeping the exact bytes that were received.")
    sla: Sla | None = Field(default=None, description="What the provider's contract promises.")

    @property
    def spoken(self) -> Protocol:
        """The protocol whose names and ids the messages use: for a replay, the recording's."""
        return Protocol(self.replay.format.value) if self.replay is not None else self.protocol


class FeedProviderStatus(Status):
    """How the feed behaves."""

    connected: bool | None = Field(default=None, description="Whether there is a connection.")
    endpoint: Text | None = Field(default=None, description="Where it is connected to.")
    messages_per_second: Whole | None = Field(default=None, ge=0, le=10**9, description="Messages a second.")
    delay_p50: Duration | None = Field(default=None, alias="delayP50", description="Delay, median over 10 s.")
    delay_p99: Duration | None = Field(default=None, alias="delayP99", description="Delay, p99 over 10 s.")
    silence: Duration | None = Field(default=None, description="Time since the last proof of life.")
    loss_percent: Percent | None = Field(default=None, description="Messages lost, in percent.")
    completeness_percent: Percent | None = Field(default=None, description="Selections with a price, in percent.")
    gaps: Whole | None = Field(default=None, ge=0, le=2**53, description="Sequence gaps seen.")
    disconnects: Whole | None = Field(default=None, ge=0, le=2**53, description="Disconnects seen.")
    quarantined: Whole | None = Field(default=None, ge=0, le=2**53, description="Messages in quarantine.")
    sla_compliance_percent: Percent | None = Field(
        default=None, description="Share of time in which the contract's promises were kept, in percent."
    )


class FeedProvider(ResourceBase):
    """A provider's feed: where it comes from, what it covers and how it must behave to be trusted."""

    info: ClassVar[KindInfo] = KindInfo(
        plural="feedproviders",
        short_names=("fp",),
        columns=(
            Column(name="Delay", path=".status.delayP99", description="Delay, p99 over 10 s."),
            Column(
                name="Messages",
                path=".status.messagesPerSecond",
                type="integer",
                description="Messages a second.",
                priority=1,
            ),
            Column(name="Protocol", path=".spec.protocol", description="How the provider is spoken to.", priority=1),
        ),
    )

    api_version: Literal["touchline.dev/v1alpha1"] = Field(default=API_VERSION, description="Version of the resource.")
    kind: Literal["FeedProvider"] = Field(default="FeedProvider", description="Kind of the resource.")
    spec: FeedProviderSpec = Field(description="Where the feed comes from and how it must behave.")
    status: FeedProviderStatus | None = Field(default=None, description="How the feed behaves.")
