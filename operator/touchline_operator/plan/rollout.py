"""Which pod of a StatefulSet is replaced next while it is rolled to another revision. Pure.

Kubernetes replaces the highest ordinal first, whoever leads; then the first pod that goes may hand its shards to one that goes next. The
operator knows who leads. So the StatefulSet waits for deletions (`OnDelete`), and they come in an order in which a shard changes hands
once wherever that is possible: who leads nothing first, who leads most last; one at a time, and only while every other pod is ready.

The exception is a pod of an old revision that is broken: to mend it is what the update may be for, so nobody waits for it to be ready,
and of those that lead nothing it goes first. A broken pod of the new revision stops everything: to go on would break the rest too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

ON_DELETE = {"type": "OnDelete"}
"""A StatefulSet's updateStrategy."""
REVISION = "controller-revision-hash"
BROKEN_US = 60_000_000
"""A pod that runs and was not ready for so long is broken; a shorter time it may need to start, or to catch up."""
Raw = Mapping[str, Any]


@dataclass(frozen=True)
class Member:
    """One pod. `broken`: it is not ready and is not about to be. `leads`: how many shards, none if nothing runs in it."""

    name: str
    uid: str
    old: bool
    ready: bool
    going: bool = False
    running: bool = True
    broken: bool = False
    leads: int = 0

    @property
    def order(self) -> tuple[int, bool, int, str]:
        """Who goes first."""
        ordinal = self.name.rpartition("-")[2]
        return self.leads, not self.broken, -int(ordinal) if ordinal.isdigit() else 0, self.name


class Step(NamedTuple):
    """What to do now: a pod to delete, or None; `waits_for` says in words what is waited for. `updated`: pods of the wanted revision."""

    delete: Member | None
    waits_for: str
    updated: int


def under_way(raw: Raw) -> bool:
    """Whether a StatefulSet that waits for deletions has pods of an old revision, by its own status of its present spec.

    `currentRevision` is of no use: without a rolling update nobody moves it on.
    """
    spec, status = raw.get("spec") or {}, raw.get("status") or {}
    return (
        (spec.get("updateStrategy") or {}).get("type") == ON_DELETE["type"]
        and bool(status.get("updateRevision"))
        and int(status.get("observedGeneration") or 0) >= int(raw["metadata"].get("generation") or 0)
        and int(status.get("updatedReplicas") or 0) < int(spec.get("replicas", 1))
    )


def members(raw: Raw, pods: Iterable[Raw], leads: Mapping[str, int], *, now: int) -> list[Member]:
    """The StatefulSet's own pods. `leads` has the number of shards by pod; `now` is epoch microseconds."""
    revision, uid = raw["status"]["updateRevision"], raw["metadata"]["uid"]
    found = []
    for pod in pods:
        about, status = pod["metadata"], pod.get("status") or {}
        if not any(owner.get("uid") == uid for owner in about.get("ownerReferences") or ()):
            continue
        running = any("running" in (each.get("state") or {}) for each in status.get("containerStatuses") or ())
        condition: Raw = next((each for each in status.get("conditions") or () if each.get("type") == "Ready"), {})
        ready = condition.get("status") == "True"
        found.append(
            Member(
                name=str(about["name"]),
                uid=str(about["uid"]),
                old=(about.get("labels") or {}).get(REVISION) != revision,
                ready=ready,
                going="deletionTimestamp" in about,
                running=running,
                broken=not ready and (not running or now - _since(condition, now) >= BROKEN_US),
                leads=leads.get(str(about["name"]), 0) if running else 0,
            )
        )
    return found


def next_step(raw: Raw, found: Iterable[Member], *, leaders_known: bool) -> Step:
    """The next step of a rollout that is under way. `leaders_known`: of each shard it is known who leads it."""
    pods = sorted(found, key=lambda pod: pod.order)
    wanted, name = int(raw["spec"].get("replicas", 1)), str(raw["metadata"]["name"])
    updated = sum(not pod.old and not pod.going for pod in pods)
    coming = {f"{name}-{number}" for number in range(wanted)} - {pod.name for pod in pods}
    coming |= {pod.name for pod in pods if pod.going or (not pod.ready and not (pod.old and pod.broken))}
    if coming:
        return Step(None, ", ".join(sorted(coming)), updated)
    old = [pod for pod in pods if pod.old]
    if not old:
        return Step(None, "the StatefulSet to count them", updated)
    chosen = old[0]
    if chosen.running and not leaders_known:
        return Step(None, "each shard to have a leader", updated)
    available = int((raw.get("status") or {}).get("availableReplicas") or 0)
    if available < sum(pod.ready for pod in pods):
        return Step(None, "pods to have been ready for a while", updated)
    return Step(chosen, chosen.name, updated)


def _since(condition: Raw, now: int) -> int:
    try:
        return int(datetime.fromisoformat(str(condition.get("lastTransitionTime", ""))).timestamp() * 1e6)
    except ValueError:
        return now
