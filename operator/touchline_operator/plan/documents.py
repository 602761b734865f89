"""What the data plane is told: the `config` bucket's content for a namespace, each resource under `<Kind>.<name>`.

A resource is written as its author declared it, without its status and without metadata that changes by itself, so that only a change of
meaning is a change of the document. EntityMaps have their table put in; simulated providers have their simulator's address.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from touchline.api import EntityMap, FeedProvider, Resource
from touchline.api.entity_source import expand_source
from touchline.api.errors import InvalidSource
from touchline.bus import subjects
from touchline_operator.plan.simulators import Group, group_of, groups, misfit, redirected
from touchline_operator.world.custom import Custom
from touchline_operator.world.index import World

Document = dict[str, Any]
Table = Mapping[str, str] | None


def config_key(custom: Custom) -> str:
    """The key of an object's document."""
    return subjects.config_key(custom.key.kind, custom.key.name)


def document(custom: Custom, simulators: list[Group], config_maps: Mapping[str, Table]) -> Document | None:
    """One object's document; None where what it says cannot be told, and the last word stands.

    `config_maps` has the ConfigMaps that EntityMaps refer to, by name.
    """
    resource = custom.resource
    if resource is None or custom.deleting:
        return None
    wire = plain(resource)
    if isinstance(resource, FeedProvider):
        if misfit(resource, simulators):
            return None
        group = group_of(resource.name, simulators)
        return redirected(wire, group, custom.key.namespace) if group is not None else wire
    if isinstance(resource, EntityMap) and resource.spec.source is not None:
        reference = resource.spec.source.config_map_ref
        table = config_maps.get(reference.name)
        if table is None or reference.key not in table:
            return None
        try:
            wire["spec"] = expand_source(resource.spec, table[reference.key]).to_wire()
        except InvalidSource:
            return None  # the condition says what is wrong with it
    return wire


def documents(world: World, namespace: str) -> dict[str, Document | None]:
    """What a namespace's documents are, as its engine tells them, by key; None: keep what was told last.

    Every other object's own reconciliation tells its document. The engine tells its own, and those of simulated providers: a new member
    of a group may change another one's address.
    """
    engine = world.engine(namespace)
    found: dict[str, Document | None] = {}
    simulators = simulated(world, namespace)
    for custom in world.all_customs(namespace):
        if custom.deleting:
            continue
        if custom.key.kind == "OddsEngine" and engine is not None and custom.key != engine.key:
            continue  # a second engine has no say
        if misfit(custom.resource, simulators) and not custom.paused:
            continue  # what was told of it before may be the address of another one
        tells = custom.key.kind == "OddsEngine" or (simulators and group_of(custom.key.name, simulators) is not None)
        found[config_key(custom)] = document(custom, simulators, {}) if tells and not custom.paused else None
    return found


def simulated(world: World, namespace: str) -> list[Group]:
    """The simulators of a namespace."""
    return groups(world.simulated(namespace))


def plain(resource: Resource) -> Document:
    """A resource as its author wrote it, with the defaults filled in."""
    wire = resource.to_wire()
    wire.pop("status", None)
    kept = ("name", "namespace", "labels", "annotations")
    wire["metadata"] = {name: wire["metadata"][name] for name in kept if wire["metadata"].get(name)}
    wire["metadata"].get("annotations", {}).pop("kubectl.kubernetes.io/last-applied-configuration", None)
    if not wire["metadata"].get("annotations", True):
        del wire["metadata"]["annotations"]
    return wire
