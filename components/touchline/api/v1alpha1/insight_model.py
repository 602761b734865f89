"""InsightModel: a model that watches prices and bets beside the path of a bet, never on it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from touchline.api.types.block import Block, Whole
from touchline.api.types.decimals import DecimalString, Span
from touchline.api.types.durations import Between, Duration
from touchline.api.types.lists import ListSet
from touchline.api.types.references import ConfigMapKeyRef, HttpUrl
from touchline.api.types.resource import API_VERSION, Column, KindInfo, ResourceBase, Status
from touchline.api.types.rules import Immutable, Rule, Shape, block_named_after, exactly_one
from touchline.api.v1alpha1.market import Selector
from touchline.api.v1alpha1.odds_engine import Image

Sha256 = Annotated[
    str, Shape(pattern=r"^[0-9a-f]{64}$", max_length=64, says="must be a SHA-256 of 64 hexadecimal digits")
]
Score = Annotated[DecimalString, Span("0", "1")]


class Task(StrEnum):
    """What the model is for."""

    ANOMALY_DETECTION = "AnomalyDetection"
    FRAUD_DETECTION = "FraudDetection"
    RISK_FORECAST = "RiskForecast"
    SEGMENTATION = "Segmentation"
    RECOMMENDATION = "Recommendation"


class BuiltinName(StrEnum):
    """Models that Touchline brings along."""

    HALF_SPACE_TREES = "HalfSpaceTrees"


class InsightStream(StrEnum):
    """What a model may read."""

    PRICES = "Prices"
    BETS = "Bets"
    SUSPENSIONS = "Suspensions"


class InsightMode(StrEnum):
    """How far a model's word goes."""

    SHADOW = "Shadow"
    CANARY = "Canary"
    LIVE = "Live"


class Builtin(Block):
    """A model that Touchline brings along."""

    name: BuiltinName = Field(description="Which one.")


class Onnx(Block):
    """A model in ONNX format."""

    rules: ClassVar[tuple[Rule, ...]] = (exactly_one(("config_map_ref", "configMapRef"), ("url", "url")),)

    config_map_ref: ConfigMapKeyRef | None = Field(default=None, description="ConfigMap with the model as binaryData.")
    url: HttpUrl | None = Field(default=None, description="Where the model is fetched from.")
    sha256: Sha256 = Field(description="SHA-256 of the model's bytes; anything else is refused.")


class InsightInput(Block):
    """What the model reads."""

    market_selector: Selector = Field(default_factory=Selector, description="Markets that it reads.")
    streams: Annotated[tuple[InsightStream, ...], ListSet(min_items=1, max_items=3)] = Field(
        default=(InsightStream.PRICES,), description="What it reads of them."
    )


class InsightOutput(Block):
    """What becomes of the model's scores."""

    alert_above: Score = Field(
        default=DecimalString("0.95"), description="Score from 0 to 1 above which an alert is raised."
    )


class InsightScaling(Block):
    """How many instances run."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="self.minReplicas <= self.maxReplicas",
            message="must have minReplicas not above maxReplicas",
            holds=lambda block: block.min_replicas <= block.max_replicas,
            at="minReplicas",
        ),
    )

    min_replicas: Whole = Field(default=1, ge=0, le=50, description="Fewest instances.")
    max_replicas: Whole = Field(default=1, ge=1, le=50, description="Most instances.")
    target_lag: Annotated[Duration, Between("100ms", "1h")] = Field(
        default=Duration("5s"), description="Lag above which instances are added."
    )


class InsightModelSpec(Block):
    """What the model is, what it reads and how far its word goes."""

    rules: ClassVar[tuple[Rule, ...]] = (
        exactly_one(("builtin", "builtin"), ("onnx", "onnx"), ("image", "image")),
        block_named_after("mode", "Canary", "canary_percent", "canaryPercent"),
    )

    task: Annotated[Task, Immutable("scores of one task mean nothing in another")] = Field(
        description="What the model is for."
    )
    builtin: Builtin | None = Field(default=None, description="A model that Touchline brings along.")
    onnx: Onnx | None = Field(default=None, description="A model in ONNX format.")
    image: Image | None = Field(default=None, description="Container image that runs the model.")
    input: InsightInput = Field(default_factory=InsightInput, description="What the model reads.")
    output: InsightOutput = Field(default_factory=InsightOutput, description="What becomes of its scores.")
    mode: InsightMode = Field(
        default=InsightMode.SHADOW,
        description="Shadow only records; Canary acts on a share of markets; Live on all. Never on the path of a bet.",
    )
    canary_percent: Annotated[DecimalString, Span("0.1", "100")] | None = Field(
        default=None, description="Share of markets in percent, with Canary."
    )
    scaling: InsightScaling = Field(default_factory=InsightScaling, description="How many instances run.")


class InsightModelStatus(Status):
    """How the model does."""

    lag: Duration | None = Field(default=None, description="How far it is behind what it reads.")
    records_per_second: Whole | None = Field(default=None, ge=0, le=10**9, description="Records read a second.")
    alerts: Whole | None = Field(default=None, ge=0, le=2**53, description="Alerts raised in the last hour.")
    replicas: Whole | None = Field(default=None, ge=0, le=1000, description="Instances that run.")


class InsightModel(ResourceBase):
    """A model that watches prices and bets beside the path of a bet."""

    info: ClassVar[KindInfo] = KindInfo(
        plural="insightmodels",
        short_names=("im",),
        columns=(
            Column(name="Lag", path=".status.lag", description="How far it is behind what it reads."),
            Column(name="Mode", path=".spec.mode", description="How far its word goes.", priority=1),
        ),
    )

    api_version: Literal["touchline.dev/v1alpha1"] = Field(default=API_VERSION, description="Version of the resource.")
    kind: Literal["InsightModel"] = Field(default="InsightModel", description="Kind of the resource.")
    spec: InsightModelSpec = Field(description="What the model is, what it reads and how far its word goes.")
    status: InsightModelStatus | None = Field(default=None, description="How the model does.")
