"""Whether what the API server runs is what was planned, and all of it ready."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from touchline_operator.world.keys import Key

WORKLOADS = ("StatefulSet", "Deployment")
Raw = Mapping[str, Any]


class Workload(NamedTuple):
    """One workload: `waiting` says what it waits for; empty: everything is up to date and ready."""

    key: Key
    wanted: int
    ready: int
    waiting: str


def workload(key: Key, raw: Raw) -> Workload:
    """How a StatefulSet or Deployment stands, by its own status."""
    spec, status = raw.get("spec") or {}, raw.get("status") or {}
    wanted = int(spec.get("replicas", 1))
    ready = int(status.get("readyReplicas") or 0)
    updated = int(status.get("updatedReplicas") or 0)
    waiting = ""
    if int(status.get("observedGeneration") or 0) < int(raw["metadata"].get("generation") or 0):
        waiting = f"{key.kind} {key.name} is not taken up yet"
    elif updated < wanted:
        waiting = f"{key.kind} {key.name}: {updated} of {wanted} pods are of the wanted version"
    elif ready < wanted:
        waiting = f"{key.kind} {key.name}: {ready} of {wanted} pods are ready"
    return Workload(key, wanted, ready, waiting)


def workloads(children: Mapping[Key, Raw], planned: list[Key]) -> list[Workload]:
    """Every planned workload, in order; one that is not there yet waits to be created."""
    found = []
    for key in planned:
        if key.kind in WORKLOADS:
            raw = children.get(key)
            missing = Workload(key, 1, 0, f"{key.kind} {key.name} is not created yet")
            found.append(workload(key, raw) if raw is not None else missing)
    return found
