"""What every custom resource has: apiVersion, kind, metadata, conditions.

The models read files and live objects alike, so metadata that the API server adds is ignored rather than refused.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field

from touchline.api.types.block import Block, Whole
from touchline.api.types.lists import ListMap
from touchline.api.types.moments import Moment
from touchline.api.types.references import LabelName
from touchline.api.types.rules import Shape

GROUP = "touchline.dev"
VERSION = "v1alpha1"
API_VERSION: Literal["touchline.dev/v1alpha1"] = "touchline.dev/v1alpha1"

# Annotations that Touchline reads.
SIMULATE = f"{GROUP}/simulate"
"""On a FeedProvider: `fixtures` or `recording:PATH`; the built-in simulator serves it in place of the real provider."""
SIMULATE_GROUP = f"{GROUP}/simulate-group"
"""On a FeedProvider: providers of one group are served the same fixtures."""
RECORDINGS = f"{GROUP}/recordings"
"""On a FeedProvider that plays a recording, in a cluster: where its relative path is found, `ConfigMap/NAME` or
`PersistentVolumeClaim/NAME`."""
RECORDINGS_PATTERN = r"(ConfigMap|PersistentVolumeClaim)/([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?)"
PAUSED = f"{GROUP}/paused"
"""On any resource: `"true"` keeps the operator from writing anything for it."""

Reason = Annotated[
    str,
    Shape(
        pattern=r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$",
        max_length=256,
        says="must be a CamelCase reason",
    ),
]
ConditionType = Annotated[
    str, Shape(pattern=r"^[A-Z][A-Za-z0-9]*$", max_length=64, says="must be a CamelCase condition type")
]


class ObjectMeta(Block):
    """The part of Kubernetes' ObjectMeta that Touchline reads; the rest is ignored."""

    model_config = ConfigDict(extra="ignore")

    name: LabelName = Field(description="Name, unique for its kind in the namespace.")
    namespace: LabelName | None = Field(default=None, description="Namespace; a namespace is a tenant.")
    labels: dict[str, str] = Field(default_factory=dict, description="Labels.")
    annotations: dict[str, str] = Field(default_factory=dict, description="Annotations.")
    uid: str | None = Field(default=None, description="Unique id, set by the API server.")
    resource_version: str | None = Field(default=None, description="Version of the stored object, opaque.")
    generation: int | None = Field(default=None, description="Counts changes of spec, set by the API server.")
    deletion_timestamp: str | None = Field(default=None, description="Set once the object is being deleted.")


class ConditionStatus(StrEnum):
    """Whether a condition holds."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Condition(Block):
    """One observation of the object's state, as in Kubernetes' metav1.Condition."""

    type: ConditionType = Field(description="What is observed, in CamelCase; every kind has Ready.")
    status: ConditionStatus = Field(description="Whether it holds.")
    reason: Reason = Field(description="Why, as one CamelCase word.")
    message: str = Field(default="", max_length=32768, description="Why, as a sentence for people.")
    last_transition_time: Moment = Field(description="When status last changed.")
    observed_generation: Whole | None = Field(
        default=None, ge=0, le=2**53, description="The generation of the spec that this was observed for."
    )


Conditions = Annotated[tuple[Condition, ...], ListMap(keys=("type",), max_items=32)]


class Status(Block):
    """What the operator has observed. Written by the operator only, through the status subresource."""

    # An older reader must survive a newer operator's figures.
    model_config = ConfigDict(extra="ignore")

    observed_generation: Whole | None = Field(
        default=None, ge=0, le=2**53, description="The generation of the spec that the status is about."
    )
    conditions: Conditions = Field(default=(), description="Conditions, at least Ready.")

    def condition(self, kind: str) -> Condition | None:
        """The condition of one type, if it is there."""
        return next((condition for condition in self.conditions if condition.type == kind), None)


class Column(Block):
    """A column of `kubectl get`."""

    name: str
    path: str
    type: Literal["string", "integer", "date", "boolean"] = "string"
    description: str
    priority: int = 0


class KindInfo(Block):
    """How a kind is named and shown by kubectl."""

    plural: str
    short_names: tuple[str, ...]
    columns: tuple[Column, ...]


class ResourceBase(Block):
    """The base of the custom resources; each has `spec` and `status` of its own."""

    # API server and kubectl may add fields of their own beside spec and status, never inside spec.
    model_config = ConfigDict(extra="forbid")

    info: ClassVar[KindInfo]

    metadata: ObjectMeta = Field(description="Standard object metadata.")

    @property
    def name(self) -> str:
        """The object's name."""
        return self.metadata.name

    @property
    def namespace(self) -> str:
        """The object's namespace; `default` where a file names none."""
        return self.metadata.namespace or "default"
