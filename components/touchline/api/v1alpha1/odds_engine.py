"""OddsEngine: one per namespace that serves bettors; owns brokers, book shards and gateways."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from touchline.api.types.block import Block, Whole
from touchline.api.types.durations import Between, Duration
from touchline.api.types.lists import ListMap, ListSet
from touchline.api.types.references import EntityId, HostPort, LabelName, NameRef, ObjectName, SecretKeyRef
from touchline.api.types.resource import API_VERSION, Column, KindInfo, ResourceBase, Status
from touchline.api.types.rules import Immutable, Rule, Shape, exactly_one
from touchline.api.types.sizes import Quantity
from touchline.api.v1alpha1.gateway import Gateway

Currency = Annotated[str, Shape(pattern=r"^[A-Z]{3}$", max_length=3, says="must be an ISO 4217 code such as USD")]
Image = Annotated[
    str,
    Shape(
        pattern=r"^[a-z0-9][a-zA-Z0-9._/:@-]*$",
        max_length=512,
        says="must be a container image, such as registry.example.com/touchline:1.0",
    ),
]
NatsUrl = Annotated[
    str,
    Shape(
        pattern=r"^(nats|tls)://[A-Za-z0-9._\[\]:-]+$",
        max_length=300,
        says="must be nats://host:port or tls://host:port",
    ),
]
RedisUrl = Annotated[
    str,
    Shape(
        pattern=r"^(redis|rediss)://[A-Za-z0-9._\[\]:-]+(/[0-9]{1,4})?$",
        max_length=300,
        says="must be redis://host:port/db or rediss://host:port/db, without a password",
    ),
]
TopicPrefix = Annotated[
    str, Shape(pattern=r"^[A-Za-z0-9._-]+$", max_length=100, says="must be letters, digits, ., _ and -")
]


class Durability(StrEnum):
    """What a decision has survived before the bettor is told."""

    FSYNC = "Fsync"
    QUORUM = "Quorum"
    GLOBAL_QUORUM = "GlobalQuorum"


class LogLevel(StrEnum):
    """The least that is logged."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


class Storage(Block):
    """Disk of each server."""

    size: Quantity = Field(default=Quantity("20Gi"), description="Size of the volume.")
    storage_class_name: ObjectName | None = Field(
        default=None, description="StorageClass; left out, the cluster's default."
    )


class ExternalTls(Block):
    """How a server that Touchline does not run is verified."""

    ca_secret_ref: SecretKeyRef | None = Field(
        default=None, description="Secret with the authority's certificate; the key is ca.crt by default."
    )


class ManagedNats(Block):
    """NATS servers that the operator runs."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="self.replicas in [1, 3, 5]",
            message="must be 1, 3 or 5 servers: an even number survives no more failures than one less",
            holds=lambda nats: nats.replicas in (1, 3, 5),
            at="replicas",
        ),
    )

    replicas: Whole = Field(default=3, ge=1, le=5, description="Servers: 1, 3 or 5.")
    storage: Storage = Field(default_factory=Storage, description="Disk of each server.")


class ExternalNats(Block):
    """NATS servers that somebody else runs."""

    urls: Annotated[tuple[NatsUrl, ...], ListSet(min_items=1, max_items=16)] = Field(
        description="Servers to connect to, nats:// or tls://."
    )
    credentials_secret_ref: NameRef | None = Field(
        default=None, description="Secret with one NATS credentials file for each role, such as gateway.creds."
    )
    tls: ExternalTls | None = Field(default=None, description="How the servers are verified.")


class Nats(Block):
    """The message broker: exactly one of managed and external."""

    rules: ClassVar[tuple[Rule, ...]] = (exactly_one(("managed", "managed"), ("external", "external")),)

    managed: ManagedNats | None = Field(default=None, description="The operator runs the servers.")
    external: ExternalNats | None = Field(default=None, description="Somebody else runs the servers.")


class ManagedRedis(Block):
    """Redis servers (Valkey) that the operator runs."""

    replicas: Whole = Field(default=1, ge=1, le=5, description="Servers; above one the others are read replicas.")


class ExternalRedis(Block):
    """A Redis or Valkey server that somebody else runs."""

    url: RedisUrl = Field(description="Server to connect to, redis:// or rediss://, without a password.")
    credentials_secret_ref: NameRef | None = Field(
        default=None, description="Secret with the keys username and password."
    )
    tls: ExternalTls | None = Field(default=None, description="How the server is verified.")


class Redis(Block):
    """The last-value cache and session store: exactly one of managed and external."""

    rules: ClassVar[tuple[Rule, ...]] = (exactly_one(("managed", "managed"), ("external", "external")),)

    managed: ManagedRedis | None = Field(default=None, description="The operator runs the servers.")
    external: ExternalRedis | None = Field(default=None, description="Somebody else runs the server.")


class Bets(Block):
    """How bets are decided and stored."""

    durability: Durability = Field(
        default=Durability.QUORUM,
        description=(
            "What a decision has survived before it is answered: Fsync (one server, synced), Quorum (a majority in "
            "the region, synced) or GlobalQuorum (a majority over regions). Bets are refused below it."
        ),
    )
    deadline: Annotated[Duration, Between("100ms", "1m")] = Field(
        default=Duration("2s"),
        description="Longest time until a bet is answered, its in-play delay not counted; after it the call is 504.",
    )
    max_legs: Whole = Field(default=20, ge=1, le=100, description="Most legs of one multiple.")
    remember_keys: Annotated[Duration, Between("1m", "720h")] = Field(
        default=Duration("24h"), description="How long a repeated idempotency key gets its first answer."
    )


class KafkaSink(Block):
    """Copies what the recorder stores to Kafka."""

    bootstrap_servers: Annotated[tuple[HostPort, ...], ListSet(min_items=1, max_items=32)] = Field(
        description="Brokers to ask first, host:port."
    )
    topic_prefix: TopicPrefix = Field(default="odds", description="Start of every topic's name.")
    credentials_secret_ref: NameRef | None = Field(
        default=None, description="Secret with the keys username and password (SASL)."
    )
    tls: ExternalTls | None = Field(default=None, description="TLS to the brokers; left out, plain.")


class Recorder(Block):
    """The audit log and its copies."""

    retention: Annotated[Duration, Between("1h", "87600h")] = Field(
        default=Duration("2160h"), description="How long prices and decisions are kept."
    )
    kafka: KafkaSink | None = Field(default=None, description="Copies the log to Kafka.")


class OddsEngineSpec(Block):
    """What the engine should be."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="self.bets.durability != 'Quorum' || !has(self.nats.managed) || self.nats.managed.replicas >= 3",
            message="must have nats.managed.replicas of at least 3 for bets.durability Quorum",
            holds=lambda spec: (
                spec.bets.durability != Durability.QUORUM
                or spec.nats.managed is None
                or spec.nats.managed.replicas >= 3
            ),
            at="bets.durability",
        ),
        Rule(
            cel="self.bets.durability != 'GlobalQuorum' || has(self.region)",
            message="must have region for bets.durability GlobalQuorum",
            holds=lambda spec: spec.bets.durability != Durability.GLOBAL_QUORUM or spec.region is not None,
            at="bets.durability",
        ),
    )

    image: Image | None = Field(
        default=None, description="Container image of the components; left out, the operator's own release."
    )
    image_pull_secrets: Annotated[tuple[NameRef, ...], ListMap(keys=("name",), max_items=16)] = Field(
        default=(),
        description="Secrets with which the pods of the engine, its providers and simulators pull the image.",
    )
    region: LabelName | None = Field(
        default=None, description="Name of the Region that this cluster is; may be left out with one region."
    )
    currency: Annotated[Currency, Immutable("limits and stored bets are in it")] = Field(
        description="Currency of stakes and limits, as an ISO 4217 code."
    )
    shards: Annotated[Whole, Immutable("events are spread over the shards by a stable hash")] = Field(
        default=8, ge=1, le=256, description="Slices of the book; each has one leader."
    )
    nats: Nats = Field(default_factory=lambda: Nats(managed=ManagedNats()), description="The message broker.")
    redis: Redis = Field(
        default_factory=lambda: Redis(managed=ManagedRedis()), description="The last-value cache and session store."
    )
    gateway: Gateway = Field(description="What bettors connect to.")
    bets: Bets = Field(default_factory=Bets, description="How bets are decided and stored.")
    recorder: Recorder = Field(default_factory=Recorder, description="The audit log and its copies.")
    log_level: LogLevel = Field(
        default=LogLevel.INFO, description="What the pods of book, gateways and ingest log; a change rolls them."
    )


class ShardLeader(Block):
    """Who leads one shard."""

    shard: Whole = Field(ge=0, le=255, description="Number of the shard.")
    leader: Annotated[str, Field(max_length=253)] = Field(description="Instance that leads it; empty for none.")
    region: EntityId | None = Field(default=None, description="Region of the leader.")
    epoch: Whole = Field(ge=0, le=2**53, description="How often its leadership has changed.")


class ComponentVersion(Block):
    """What version runs of one component."""

    component: EntityId = Field(description="Name of the component.")
    version: Annotated[str, Field(max_length=64)] = Field(description="Version that runs.")
    ready: Whole = Field(ge=0, le=10_000, description="Instances that are ready.")


class OddsEngineStatus(Status):
    """What the engine is."""

    versions: Annotated[tuple[ComponentVersion, ...], ListMap(keys=("component",), max_items=32)] = Field(
        default=(), description="Versions that run."
    )
    shard_leaders: Annotated[tuple[ShardLeader, ...], ListMap(keys=("shard",), max_items=256)] = Field(
        default=(), description="Who leads each shard."
    )
    connections: Whole | None = Field(default=None, ge=0, le=2**53, description="Bettors connected to all gateways.")
    gateways: Whole | None = Field(default=None, ge=0, le=10_000, description="Gateways that are ready.")
    markets: Whole | None = Field(default=None, ge=0, le=2**53, description="Markets in the book.")
    events: Whole | None = Field(default=None, ge=0, le=2**53, description="Events in the book.")
    durability: Durability | None = Field(
        default=None, description="The durability that decisions really have at present."
    )


class OddsEngine(ResourceBase):
    """An odds engine for bettors of one namespace: brokers, book shards, gateways, bets and audit log."""

    info: ClassVar[KindInfo] = KindInfo(
        plural="oddsengines",
        short_names=("oe",),
        columns=(
            Column(
                name="Connections",
                path=".status.connections",
                type="integer",
                description="Bettors connected to all gateways.",
            ),
            Column(name="Markets", path=".status.markets", type="integer", description="Markets in the book."),
            Column(
                name="Gateways",
                path=".status.gateways",
                type="integer",
                description="Gateways that are ready.",
                priority=1,
            ),
        ),
    )

    api_version: Literal["touchline.dev/v1alpha1"] = Field(default=API_VERSION, description="Version of the resource.")
    kind: Literal["OddsEngine"] = Field(default="OddsEngine", description="Kind of the resource.")
    spec: OddsEngineSpec = Field(description="What the engine should be.")
    status: OddsEngineStatus | None = Field(default=None, description="What the engine is.")
