"""What one reconciliation looks at: the object, its namespace, and what was fetched for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from touchline.api import OddsEngine, Region
from touchline.api.v1alpha1.region import RegionRole
from touchline_operator.world.custom import Custom
from touchline_operator.world.index import World
from touchline_operator.world.keys import Key
from touchline_operator.world.material import Material


@dataclass(frozen=True)
class Capabilities:
    """Optional parts of this cluster's API."""

    pod_monitors: bool = False


@dataclass(frozen=True)
class Defaults:
    """What the operator's own installation decides for its engines."""

    image: str = "touchline:dev"
    operator_namespace: str = "touchline-system"


@dataclass(frozen=True)
class Health:
    """What the data plane says of itself: documents of the `status` bucket by key, without those that are stale.

    `connected` is False where there is no broker connection (and then nothing is known).
    """

    connected: bool = False
    documents: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    fault: str = ""
    refused_captures: Mapping[str, str] = field(default_factory=dict)
    """What the broker said to a provider's capture stream, by provider."""
    starting: bool = False
    """Nothing was heard because this operator has only begun to listen: what it told before is neither confirmed nor refuted."""

    def of_role(self, role: str) -> dict[str, Mapping[str, Any]]:
        """Documents of one role by node, in order."""
        return {
            key.partition(".")[2]: value for key, value in sorted(self.documents.items()) if key.split(".")[0] == role
        }


@dataclass(frozen=True)
class Observed:
    """Everything that a plan may look at.

    `secrets` has the keys of every Secret that was asked for, None where there is none; `unreadable` what the API server does not let us
    read; where the engine's own material is among it, `material_readable` is false. `config_maps` likewise, with their text. `children`
    are the object's own, by key. `now` is epoch microseconds.
    """

    target: Custom
    world: World
    now: int
    secrets: Mapping[str, tuple[str, ...] | None] = field(default_factory=dict)
    unreadable: tuple[str, ...] = ()
    config_maps: Mapping[str, Mapping[str, str] | None] = field(default_factory=dict)
    material: Material = field(default_factory=Material)
    material_readable: bool = True
    children: Mapping[Key, Mapping[str, Any]] = field(default_factory=dict)
    health: Health = field(default_factory=Health)
    capabilities: Capabilities = field(default_factory=Capabilities)
    defaults: Defaults = field(default_factory=Defaults)

    @property
    def namespace(self) -> str:
        return self.target.key.namespace

    @property
    def engine(self) -> Custom | None:
        """The namespace's engine."""
        return self.world.engine(self.namespace)

    @property
    def engine_resource(self) -> OddsEngine | None:
        engine = self.engine
        return engine.resource if engine is not None and isinstance(engine.resource, OddsEngine) else None

    def find(self, kind: str, name: str) -> Custom | None:
        """A custom resource of the same namespace."""
        return self.world.custom(Key(kind, self.namespace, name))

    @property
    def witness(self) -> bool:
        """Whether this cluster only votes: its engine's Region is a witness."""
        engine = self.engine_resource
        if engine is None or engine.spec.region is None:
            return False
        region = self.find("Region", engine.spec.region)
        return (
            region is not None
            and isinstance(region.resource, Region)
            and region.resource.spec.role == RegionRole.WITNESS
        )
