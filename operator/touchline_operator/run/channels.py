"""The channels to the data planes of all engines, and which keys their news concern."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from touchline_operator.bus.channel import Broker, Channel
from touchline_operator.bus.mirror import Document
from touchline_operator.world.heard import concerned
from touchline_operator.world.index import World
from touchline_operator.world.keys import CUSTOM_PLACES, Key
from touchline_operator.world.observed import Health

Enqueue = Callable[[Iterable[Key], int], None]


class Channels:
    """One channel for each namespace that has an engine. `enqueue` takes keys and a delay in microseconds;
    `authorise` raises where nothing may be written."""

    def __init__(
        self, world: World, enqueue: Enqueue, clock: Callable[[], int], authorise: Callable[[], object]
    ) -> None:
        self._world = world
        self._enqueue = enqueue
        self._clock = clock
        self._authorise = authorise
        self._channels: dict[str, tuple[Key, Channel]] = {}

    async def configure(self, engine: Key, broker: Broker) -> Channel:
        """The channel of an engine, with this broker."""
        namespace = engine.namespace
        known = self._channels.get(namespace)
        if known is not None and known[0] != engine:
            await self.close(known[0])
            known = None
        channel = known[1] if known is not None else self._open(engine)
        await channel.configure(broker)
        return channel

    def of(self, namespace: str) -> Channel | None:
        """The channel of a namespace's engine."""
        known = self._channels.get(namespace)
        return known[1] if known is not None else None

    def health(self, namespace: str) -> Health:
        """What the namespace's components say."""
        channel = self.of(namespace)
        return (
            channel.health()
            if channel is not None
            else Health(fault="the engine's broker is not connected yet", starting=True)
        )

    async def tell(self, namespace: str, key: str, document: Document | None) -> bool | None:
        """Tell the namespace's data plane one document. Raises Transient."""
        channel = self.of(namespace)
        return await channel.tell(key, document) if channel is not None else None

    async def close(self, engine: Key) -> None:
        """The engine is gone."""
        known = self._channels.get(engine.namespace)
        if known is not None and known[0] == engine:
            del self._channels[engine.namespace]
            await known[1].close()

    async def close_all(self) -> None:
        """The operator stops."""
        for engine, _ in list(self._channels.values()):
            await self.close(engine)

    def _open(self, engine: Key) -> Channel:
        namespace = engine.namespace

        def news(document: str) -> None:
            if document:
                kind, _, name = document.partition(".")
                self._enqueue([Key(kind, namespace, name)] if kind in CUSTOM_PLACES else [], 0)
                return
            for kind in CUSTOM_PLACES:
                self._enqueue([each.key for each in self._world.customs(kind, namespace)], 0)

        def heard(entry: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
            for key, delay in concerned(self._world, engine, entry, before, after).items():
                self._enqueue([key], delay)

        channel = Channel(
            f"{namespace}/{engine.name}", news=news, heard=heard, clock=self._clock, authorise=self._authorise
        )
        self._channels[namespace] = (engine, channel)
        return channel
