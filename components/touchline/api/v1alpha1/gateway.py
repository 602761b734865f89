"""OddsEngine.spec.gateway: what bettors connect to."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from touchline.api.types.block import Block, Whole
from touchline.api.types.durations import Between, Duration
from touchline.api.types.lists import ListSet
from touchline.api.types.references import NameRef, SecretKeyRef, Text
from touchline.api.types.rules import Rule, Shape, exactly_one
from touchline.api.types.sizes import Quantity
from touchline.api.v1alpha1.jurisdictions import Jurisdiction

ClaimName = Annotated[
    str, Shape(pattern=r"^[A-Za-z0-9_.:/-]+$", max_length=128, says="must be the name of a claim, such as jurisdiction")
]
Origin = Annotated[
    str,
    Shape(
        pattern=r"^(\*|https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?)$",
        max_length=261,
        says="must be * or an origin, such as https://bets.example.com",
    ),
]


class SlowAction(StrEnum):
    """What happens to a client that does not read fast enough."""

    CONFLATE = "Conflate"
    DISCONNECT = "Disconnect"


class JwtAlgorithm(StrEnum):
    """Signature algorithms that are accepted; symmetric ones are not among them."""

    RS256 = "RS256"
    RS512 = "RS512"
    ES256 = "ES256"
    ES384 = "ES384"
    PS256 = "PS256"
    EDDSA = "EdDSA"


class GatewayAutoscaling(Block):
    """Gateways follow the number of connections."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="self.minReplicas <= self.maxReplicas",
            message="must have minReplicas not above maxReplicas",
            holds=lambda block: block.min_replicas <= block.max_replicas,
            at="minReplicas",
        ),
    )

    min_replicas: Whole = Field(default=2, ge=1, le=200, description="Fewest gateways.")
    max_replicas: Whole = Field(default=20, ge=1, le=200, description="Most gateways.")
    target_connections: Whole = Field(
        default=10_000, ge=1, le=1_000_000, description="Connections that one gateway should hold on average."
    )


class JwtAuth(Block):
    """Bettors show a signed token (JWT)."""

    issuer: Text = Field(description="The token's iss must equal this.")
    audience: Text = Field(description="The token's aud must contain this.")
    jwks_secret_ref: SecretKeyRef = Field(
        description="Secret with the issuer's public keys as a JWKS document; the key is jwks.json by default."
    )
    algorithms: Annotated[tuple[JwtAlgorithm, ...], ListSet(min_items=1, max_items=6)] = Field(
        default=(JwtAlgorithm.RS256, JwtAlgorithm.ES256, JwtAlgorithm.EDDSA),
        description="Signature algorithms that are accepted.",
    )
    jurisdiction_claim: ClaimName = Field(
        default="jurisdiction", description="The claim that says from which jurisdiction the bettor bets."
    )
    leeway: Annotated[Duration, Between("0s", "5m")] = Field(
        default=Duration("30s"), description="How far the issuer's clock may be off."
    )


class AnonymousAuth(Block):
    """Anybody may connect and bet: for trying out, never for real money."""

    jurisdiction: Jurisdiction | None = Field(
        default=None, description="The jurisdiction that anonymous bettors count as; none by default."
    )


class GatewayAuth(Block):
    """Who may connect: exactly one of jwt and anonymous."""

    rules: ClassVar[tuple[Rule, ...]] = (exactly_one(("jwt", "jwt"), ("anonymous", "anonymous")),)

    jwt: JwtAuth | None = Field(default=None, description="Bettors show a signed token (JWT).")
    anonymous: AnonymousAuth | None = Field(default=None, description="Anybody may connect.")


class GatewayTls(Block):
    """TLS at the gateway itself."""

    secret_ref: NameRef = Field(description="Secret of type kubernetes.io/tls with tls.crt and tls.key.")


class SlowConsumer(Block):
    """What happens to clients that read too slowly."""

    max_pending: Quantity = Field(
        default=Quantity("256Ki"), description="Unsent bytes of one client above which it counts as slow."
    )
    action: SlowAction = Field(
        default=SlowAction.CONFLATE,
        description="Conflate sends the newest state and skips what lies between; Disconnect closes with code 4408.",
    )


class GatewayLimits(Block):
    """What one connection may ask for."""

    commands_per_second: Whole = Field(
        default=20, ge=1, le=10_000, description="Commands a second of one connection; above it the code is 4429."
    )
    topics: Whole = Field(default=1_000, ge=1, le=100_000, description="Topics that one connection may subscribe to.")
    command_size: Quantity = Field(default=Quantity("64Ki"), description="Largest command in bytes.")
    connections: Whole = Field(
        default=20_000, ge=1, le=1_000_000, description="Connections that one gateway process accepts."
    )


class Gateway(Block):
    """What bettors connect to."""

    replicas: Whole = Field(default=2, ge=1, le=200, description="Gateways, where autoscaling is not set.")
    autoscaling: GatewayAutoscaling | None = Field(default=None, description="Gateways follow the connections.")
    auth: GatewayAuth = Field(description="Who may connect.")
    tls: GatewayTls | None = Field(default=None, description="TLS at the gateway itself; left out, plain.")
    slow_consumer: SlowConsumer = Field(
        default_factory=SlowConsumer, description="What happens to clients that read too slowly."
    )
    limits: GatewayLimits = Field(default_factory=GatewayLimits, description="What one connection may ask for.")
    shard_silence: Annotated[Duration, Between("200ms", "1m")] = Field(
        default=Duration("2s"),
        description="Silence of a shard after which the gateway shows its markets suspended (AuthorityLost).",
    )
    drain_spread: Annotated[Duration, Between("0s", "5m")] = Field(
        default=Duration("5s"), description="Time over which clients of a leaving gateway are told to reconnect."
    )
    allowed_origins: Annotated[tuple[Origin, ...], ListSet(min_items=1, max_items=64)] = Field(
        default=("*",), description="Origins of web pages that may connect; * is every origin."
    )
