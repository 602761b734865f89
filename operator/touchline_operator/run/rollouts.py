"""Carrying out what `plan/rollout` says: pods of an old revision are deleted in order, each in its own look at the engine."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from touchline_operator.errors import Forbidden
from touchline_operator.kube.pods import Pods
from touchline_operator.plan.book import PART
from touchline_operator.plan.names import child_name, selector
from touchline_operator.plan.rollout import Member, members, next_step, under_way
from touchline_operator.status.books import leaders
from touchline_operator.status.outcome import Rollout
from touchline_operator.world.keys import Key
from touchline_operator.world.observed import Observed

log = logging.getLogger(__name__)

AGAIN_US = 2_000_000
"""Who leads, and for how long a pod has been ready, nobody tells us in time."""
REFUSED_AGAIN_US = 30_000_000
LEADERLESS_US = 60_000_000
"""So long a leader is waited for. What keeps shards from having one may be just what the update mends."""


class Rollouts:
    """Pods are listed only while there is something to replace. `clock` is monotonic, in microseconds."""

    def __init__(self, pods: Pods, clock: Callable[[], int]) -> None:
        self._pods = pods
        self._clock = clock
        self._leaderless: dict[Key, int] = {}

    async def look(self, observed: Observed) -> tuple[Rollout | None, int | None]:
        """Take the next step of the engine's book; returns how it stands, and after how many microseconds to look again.

        Raises Transient.
        """
        engine = observed.target.key
        key = Key("StatefulSet", engine.namespace, child_name(engine.name, PART))
        raw = observed.children.get(key)
        if raw is None or not under_way(raw):
            self._leaderless.pop(engine, None)
            return None, None
        wanted = int(raw["spec"].get("replicas", 1))
        try:
            pods = await self._pods.of(engine.namespace, selector(engine.name, PART))
            found = members(raw, pods, Counter(node for node, _ in leaders(observed.health).values()), now=observed.now)
            step = next_step(raw, found, leaders_known=self._known(observed, found))
            if step.delete is not None:
                log.info("%s: %d of %d pods updated, next is %s", key, step.updated, wanted, step.delete)
                await self._pods.delete(engine.namespace, step.delete.name, step.delete.uid)
        except Forbidden:
            return _refused(key, raw, wanted), REFUSED_AGAIN_US
        message = f"{PART}: {step.updated} of {wanted} pods updated; waiting for {step.waits_for}"
        return Rollout(key, message), AGAIN_US

    def forget(self, engine: Key) -> None:
        """The engine is gone."""
        self._leaderless.pop(engine, None)

    def _known(self, observed: Observed, found: list[Member]) -> bool:
        """Whether each shard is led by one of these pods, or was waited for long enough."""
        resource, led = observed.engine_resource, leaders(observed.health)
        names = {pod.name for pod in found if not pod.going}
        shards = resource.spec.shards if resource is not None else 0
        if all(number in led and led[number][0] in names for number in range(shards)):
            self._leaderless.pop(observed.target.key, None)
            return True
        since = self._leaderless.setdefault(observed.target.key, self._clock())
        return self._clock() - since >= LEADERLESS_US


def _refused(key: Key, raw: Mapping[str, Any], wanted: int) -> Rollout:
    updated = int(raw["status"].get("updatedReplicas") or 0)
    return Rollout(
        key,
        f"{PART}: {updated} of {wanted} pods updated; the operator may not replace the others",
        f"StatefulSet {key.name} stays at its old version: the operator may not list and delete pods in the namespace {key.namespace}. "
        f"Upgrade its chart, whose role allows it, or delete the pods {key.name}-… yourself, one at a time",
    )
