"""Writing statuses: conditions when they change, figures now and then, nothing when nothing did."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from touchline.api import API_VERSION
from touchline_operator.kube.api import Api
from touchline_operator.kube.authority import Authority
from touchline_operator.kube.events import Events
from touchline_operator.status.conditions import Status
from touchline_operator.status.write import any_change, changes, significant_change, transitions
from touchline_operator.world.custom import Custom
from touchline_operator.world.index import World
from touchline_operator.world.keys import Key

log = logging.getLogger(__name__)

FIGURES_US = 10_000_000
"""Figures of one object are written at most this often."""


class Statuses:
    """Writes through `/status`, and tells transitions in events. `clock` is monotonic, in microseconds."""

    def __init__(self, api: Api, world: World, events: Events, authority: Authority, clock: Callable[[], int]) -> None:
        self._api = api
        self._world = world
        self._events = events
        self._authority = authority
        self._clock = clock
        self._written: dict[Key, int] = {}

    async def write(self, custom: Custom, status: Status) -> int | None:
        """Write the status if it says something new; returns after how many microseconds figures that changed may be written.

        Raises OperatorError.
        """
        before: Mapping[str, Any] = custom.status
        now = self._clock()
        if not significant_change(before, status):
            if not any_change(before, status):
                return None
            wait = self._written.get(custom.key, now - FIGURES_US) + FIGURES_US - now
            if wait > 0:
                return wait
        manifest = {
            "apiVersion": API_VERSION,
            "kind": custom.key.kind,
            "metadata": {"name": custom.key.name, "namespace": custom.key.namespace},
            "status": status,
        }
        log.debug("status of %s: %s", custom.key, changes(before, status))
        written = await self._api.apply(manifest, self._authority, subresource="status")
        if before.get("observedGeneration") == status.get("observedGeneration"):
            self._written[custom.key] = now
        else:  # what a new spec brings about is counted only a moment later, and somebody waits to see it
            self._written.pop(custom.key, None)
        self._world.put_custom({"kind": custom.key.kind, "apiVersion": API_VERSION, **written})
        for transition in transitions(before, status):
            await self._events.tell(custom, transition)
        return None

    def forget(self, key: Key) -> None:
        """The object is gone."""
        self._written.pop(key, None)
