"""The sweep: lists each kind once and puts the index right, whatever a watch has missed.

Before the first reconciliation (nothing is pruned from half a picture), and every few minutes. Custom resources are listed whole, children
by our label. What it finds and no watch has shown is owed by the watch (`WatchAge`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from touchline_operator.errors import Forbidden, OperatorError
from touchline_operator.kube.api import Api
from touchline_operator.kube.children import MANAGED_BY, Children
from touchline_operator.run.metrics import Metrics
from touchline_operator.run.observer import Observer
from touchline_operator.run.watch_age import WatchAge
from touchline_operator.world.affected import affected
from touchline_operator.world.index import World, version
from touchline_operator.world.keys import CHILD_PLACES, CUSTOM_PLACES, MANAGER, Key, key_of
from touchline_operator.world.observed import Capabilities

log = logging.getLogger(__name__)

EVERY_S = 300.0
LABELS = f"{MANAGED_BY}={MANAGER}"


class Sweep:
    """`clock` is monotonic, in microseconds; `namespaces` empty: all."""

    def __init__(
        self,
        *,
        api: Api,
        world: World,
        children: Children,
        observer: Observer,
        namespaces: tuple[str, ...],
        enqueue: Callable[[Iterable[Key]], None],
        watch_age: WatchAge,
        metrics: Metrics,
        clock: Callable[[], int],
    ) -> None:
        self._api = api
        self._world = world
        self._children = children
        self._observer = observer
        self._namespaces: tuple[str | None, ...] = namespaces or (None,)
        self._enqueue = enqueue
        self._watch_age = watch_age
        self._metrics = metrics
        self._clock = clock
        self._first = True

    async def discover(self) -> None:
        """Which optional parts of the API there are. Raises Transient."""
        place = CHILD_PLACES["PodMonitor"]
        try:
            found = Capabilities(pod_monitors=await self._api.served(place.group, place.version))
        except Forbidden as error:
            # A server that has just started knows no roles yet.
            log.warning("optional APIs cannot be looked for: %s", error)
            return
        if found != self._observer.capabilities:
            log.info("optional APIs: %s", found)
            self._observer.capabilities = found

    async def run(self) -> None:
        """One sweep. Raises Transient."""
        await self.discover()
        for kind in CUSTOM_PLACES:
            await self._customs(kind)
        for kind in CHILD_PLACES:
            if kind != "Secret" and (kind != "PodMonitor" or self._observer.capabilities.pod_monitors):
                await self._owned(kind)
        for key in self._world.orphans():
            try:
                await self._children.remove(key)
            except OperatorError as error:
                log.warning("orphan %s: %s", key, error)
        if self._first:
            self._enqueue([custom.key for custom in self._world.all_customs()])
        self._first = False

    async def _customs(self, kind: str) -> None:
        before = {key: self._world.version_of(key) for key in self._world.keys(kind)}
        seen: dict[Key, None] = {}
        place = CUSTOM_PLACES[kind]
        try:
            for namespace in self._namespaces:
                async for item in self._api.list(place, namespace):
                    raw = {"apiVersion": place.api_version, "kind": kind, **item}
                    key = key_of(raw)
                    seen[key] = None
                    if self._world.buried(raw):
                        continue  # it was deleted while we listed
                    if version(raw) > self._world.version_of(key):
                        self._found(key, version(raw))
                        change = self._world.put_custom(raw)
                        if change is not None:
                            self._enqueue(affected(self._world, *change))
        except Forbidden as error:
            log.error("%s cannot be listed: %s", place.plural, error)
            return
        for key in self._missing(before, seen):
            gone = self._world.remove_custom(key)
            self._enqueue(affected(self._world, gone, None))

    async def _owned(self, kind: str) -> None:
        before = {key: self._world.version_of(key) for key in self._world.keys(kind)}
        seen: dict[Key, None] = {}
        place = CHILD_PLACES[kind]
        try:
            for namespace in self._namespaces:
                async for item in self._api.list(place, namespace, labels=LABELS):
                    raw = {"apiVersion": place.api_version, "kind": kind, **item}
                    key = key_of(raw)
                    seen[key] = None
                    if version(raw) > self._world.version_of(key):
                        self._found(key, version(raw))
                        self._world.put_child(raw)
                        self._enqueue_owner(key)
        except Forbidden as error:
            log.warning("%s cannot be listed: %s", place.plural, error)
            return
        for key in self._missing(before, seen):
            self._enqueue_owner(key)
            self._world.remove_child(key)

    def _missing(self, before: dict[Key, int], seen: dict[Key, None]) -> list[Key]:
        """Known before the list, not in it, and not written since."""
        return [key for key, known in before.items() if key not in seen and self._world.version_of(key) == known]

    def _found(self, key: Key, found: int) -> None:
        if not self._first:
            self._metrics.stale.inc()
            self._watch_age.ahead(self._clock(), key, found)

    def _enqueue_owner(self, key: Key) -> None:
        raw = self._world.child(key)
        owner = self._world.owner_of(raw) if raw is not None else None
        if owner is not None:
            self._enqueue([owner])
