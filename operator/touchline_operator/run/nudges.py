"""Telling the kubelet that the brokers' configuration has changed (`plan/nudge`): when it changed, and once more if that did not help."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from touchline_operator.errors import Forbidden
from touchline_operator.kube.pods import Pods
from touchline_operator.plan.names import selector
from touchline_operator.plan.nats import PART
from touchline_operator.plan.nudge import CONFIG, to_nudge
from touchline_operator.world.keys import Key

log = logging.getLogger(__name__)

AGAIN_US = 5_000_000
"""The kubelet may have looked before its own watch showed it the new Secret: then it has to look again."""


@dataclass
class _Told:
    wanted: str
    at: int
    again: bool = False


class Nudges:
    """Remembers what each engine's pods were told, so that they are listed only when that changes. `clock` is monotonic microseconds."""

    def __init__(self, pods: Pods, clock: Callable[[], int]) -> None:
        self._pods = pods
        self._clock = clock
        self._told: dict[Key, _Told] = {}

    async def look(self, engine: Key, wanted: str, *, unheard: bool) -> int | None:
        """Tell the brokers' pods of the configuration `wanted` unless they have been told; `unheard`: somebody does not get in yet.

        Returns after how many microseconds to look again, or None. Raises Transient.
        """
        told, now = self._told.get(engine), self._clock()
        if not wanted:
            return None
        if told is None or told.wanted != wanted:
            await self._tell(engine, wanted, again=False)
            self._told[engine] = told = _Told(wanted, now)
        elif not told.again and unheard and now - told.at >= AGAIN_US:
            await self._tell(engine, wanted, again=True)
            told.again = True
        return max(0, told.at + AGAIN_US - now) if unheard and not told.again else None

    def forget(self, engine: Key) -> None:
        """The engine is gone."""
        self._told.pop(engine, None)

    async def _tell(self, engine: Key, wanted: str, *, again: bool) -> None:
        try:
            pods = await self._pods.of(engine.namespace, selector(engine.name, PART))
            for pod, value in to_nudge(pods, wanted, again=again):
                log.debug("%s: Pod %s is to look at its configuration again", engine, pod["metadata"]["name"])
                await self._pods.annotate(pod, CONFIG, value)
        except Forbidden:
            return  # it was logged; without it the kubelet looks within a minute
