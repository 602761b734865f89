"""Gathers what one reconciliation looks at: from the index, and by name what the index never holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from touchline_operator.check.secret_keys import config_maps_needed, secrets_needed
from touchline_operator.errors import Forbidden
from touchline_operator.kube.secrets import Secrets, values_of
from touchline_operator.plan.engine import material_name
from touchline_operator.run.channels import Channels
from touchline_operator.world.custom import Custom
from touchline_operator.world.index import World
from touchline_operator.world.keys import Key
from touchline_operator.world.material import Material, read_material
from touchline_operator.world.observed import Capabilities, Defaults, Observed

_WITH_MATERIAL = ("OddsEngine", "FeedProvider")


@dataclass
class Observer:
    """`wall` is epoch microseconds; `capabilities` is renewed by the sweep."""

    world: World
    secrets: Secrets
    channels: Channels
    defaults: Defaults
    wall: Callable[[], int]
    capabilities: Capabilities = field(default_factory=Capabilities)

    async def observe(self, custom: Custom) -> Observed:
        """Everything about one object. Raises Transient."""
        namespace = custom.key.namespace
        secrets: dict[str, tuple[str, ...] | None] = {}
        tables: dict[str, dict[str, str] | None] = {}
        unreadable: list[str] = []
        for need in secrets_needed(custom):
            try:
                secrets[need.name] = await self.secrets.keys(Key("Secret", namespace, need.name))
            except Forbidden:
                unreadable.append(f"the Secret {need.name!r}")
        for name in _config_maps(custom):
            try:
                tables[name] = await self.secrets.table(Key("ConfigMap", namespace, name))
            except Forbidden:
                unreadable.append(f"the ConfigMap {name!r}")
        material: Material | None = None
        try:
            material = await self._material(custom)
        except Forbidden:
            unreadable.append("the Secret with the engine's own material")
        return Observed(
            target=custom,
            world=self.world,
            now=self.wall(),
            secrets=secrets,
            unreadable=tuple(unreadable),
            config_maps=tables,
            material=material if material is not None else Material(),
            material_readable=material is not None,
            children=self.world.children_of(custom.uid),
            health=self.channels.health(namespace),
            capabilities=self.capabilities,
            defaults=self.defaults,
        )

    async def _material(self, custom: Custom) -> Material:
        engine = self.world.engine(custom.key.namespace)
        if custom.key.kind not in _WITH_MATERIAL or engine is None:
            return Material()
        found = await self.secrets.own(Key("Secret", engine.key.namespace, material_name(engine.key.name)))
        return read_material(values_of(found)) if found is not None else Material()


def _config_maps(custom: Custom) -> list[str]:
    return list(dict.fromkeys(need.name for need in config_maps_needed(custom.resource)))
