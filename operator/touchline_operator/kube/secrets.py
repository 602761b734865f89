"""Secrets and ConfigMaps that are named, one by one: never a list, never a watch.

Of the users' Secrets only the names of their keys leave this module, except where the operator itself must log in with one. What was
read is believed for a few seconds, so that many objects that name one Secret cost one request.
"""

from __future__ import annotations

import base64
from collections.abc import Callable

from touchline_operator.kube.api import Api
from touchline_operator.world.index import Raw
from touchline_operator.world.keys import CHILD_PLACES, Key, Manifest

BELIEVED_US = 10_000_000
_MOST = 10_000


class Secrets:
    """Reads by name. `clock` is monotonic, in microseconds."""

    def __init__(self, api: Api, clock: Callable[[], int]) -> None:
        self._api = api
        self._clock = clock
        self._read: dict[Key, tuple[int, Manifest | None]] = {}

    async def own(self, key: Key) -> Raw | None:
        """A Secret that the operator made, whole. Raises Transient, Forbidden."""
        return await self._get(key)

    async def keys(self, key: Key) -> tuple[str, ...] | None:
        """The keys of a Secret or ConfigMap that have a value; None where there is none of that name. Raises Transient, Forbidden."""
        found = await self._get(key)
        if found is None:
            return None
        values = {**(found.get("data") or {}), **(found.get("binaryData") or {})}
        return tuple(sorted(name for name, value in values.items() if value))

    async def table(self, key: Key) -> dict[str, str] | None:
        """A ConfigMap's text. Raises Transient, Forbidden."""
        found = await self._get(key)
        return None if found is None else {str(name): str(text) for name, text in (found.get("data") or {}).items()}

    async def text(self, key: Key, name: str) -> str:
        """One value of a Secret, for the operator's own use; empty where there is none. Raises Transient, Forbidden."""
        found = await self._get(key)
        return values_of(found).get(name, "") if found is not None else ""

    def know(self, key: Key, raw: Manifest) -> None:
        """What the API server answered to a write."""
        self._read[key] = (self._clock(), {"kind": key.kind, **raw})

    def forget(self, key: Key) -> None:
        """Ask again next time."""
        self._read.pop(key, None)

    async def _get(self, key: Key) -> Manifest | None:
        now = self._clock()
        known = self._read.get(key)
        if known is not None and now - known[0] < BELIEVED_US:
            return known[1]
        found = await self._api.get(CHILD_PLACES[key.kind], key.namespace, key.name)
        if found is not None:
            found = {"kind": key.kind, **found}
        if len(self._read) >= _MOST:
            self._read = {each: read for each, read in self._read.items() if now - read[0] < BELIEVED_US}
        self._read[key] = (now, found)
        return found


def values_of(raw: Raw) -> dict[str, str]:
    """A Secret's values as text, by key."""
    return {
        str(name): base64.b64decode(value).decode(errors="replace")
        for name, value in (raw.get("data") or {}).items()
        if value
    }
