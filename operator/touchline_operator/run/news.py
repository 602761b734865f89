"""News from the watches: into the index, and the keys that they concern into the queue."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from touchline_operator.run.watch_age import WatchAge
from touchline_operator.world.affected import affected
from touchline_operator.world.index import World, version
from touchline_operator.world.keys import CUSTOM_PLACES, Key, Manifest, key_of


class News:
    """`take` is called in the operator's own loop, in the order of the watch."""

    def __init__(self, world: World, watch_age: WatchAge, enqueue: Callable[[Iterable[Key]], None]) -> None:
        self._world = world
        self._watch_age = watch_age
        self._enqueue = enqueue

    def take(self, kind: str, raw: Manifest, deleted: bool) -> None:
        """One object came, changed or went."""
        key = key_of(raw)
        if deleted:
            self._watch_age.gone(key)
        else:
            self._watch_age.delivered(key, version(raw))
        if kind in CUSTOM_PLACES:
            self._custom(key, raw, deleted)
        else:
            self._child(key, raw, deleted)

    def _custom(self, key: Key, raw: Manifest, deleted: bool) -> None:
        if deleted:
            known = self._world.custom(key)
            if known is not None and known.uid == raw["metadata"].get("uid"):
                self._enqueue(affected(self._world, self._world.remove_custom(key), None))
            return
        change = self._world.put_custom(raw)
        if change is not None:
            self._enqueue(affected(self._world, *change))

    def _child(self, key: Key, raw: Manifest, deleted: bool) -> None:
        known = self._world.child(key)
        if deleted:
            if known is None or known["metadata"].get("uid") != raw["metadata"].get("uid"):
                return  # we deleted it ourselves, or know the one that took its place
            self._world.remove_child(key)
        elif known is not None and version(known) == version(raw):
            return  # the echo of our own write
        elif not self._world.put_child(raw):
            return
        owner = self._world.owner_of(raw) or (self._world.owner_of(known) if known is not None else None)
        if owner is not None:
            self._enqueue([owner])
