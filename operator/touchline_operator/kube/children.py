"""Bringing children about: applied where they differ, deleted where they are not wanted any more."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence

from touchline_operator.errors import Forbidden, Permanent, Rejected
from touchline_operator.kube.api import Api
from touchline_operator.kube.authority import Authority
from touchline_operator.kube.differs import difference
from touchline_operator.kube.secrets import Secrets
from touchline_operator.world.index import Raw, World, owner_uid, version
from touchline_operator.world.keys import CHILD_PLACES, MANAGER, Key, Manifest, key_of

log = logging.getLogger(__name__)
MANAGED_BY = "app.kubernetes.io/managed-by"


class Children:
    """Writes what differs. What the API server answers goes into the index at once, so that the next look is not an old one;
    `learned` is told key and version of what no watch has shown yet."""

    def __init__(
        self, api: Api, world: World, secrets: Secrets, authority: Authority, learned: Callable[[Key, int], None]
    ) -> None:
        self._api = api
        self._world = world
        self._secrets = secrets
        self._authority = authority
        self._learned = learned

    async def bring_about(self, planned: Sequence[Manifest]) -> list[tuple[Key, str]]:
        """Apply every manifest that is not live as planned, in order; returns what was refused, with the server's reason.

        A child that is refused does not keep the others back. Raises Transient.
        """
        refused = []
        for manifest in planned:
            key = key_of(manifest)
            try:
                await self._bring_about(key, manifest)
            except Permanent as error:
                log.warning("%s is refused: %s", key, error)
                refused.append((key, str(error)))
        return refused

    async def _bring_about(self, key: Key, manifest: Manifest) -> None:
        live = await self._live(key)
        if live is not None:
            if owner_uid(live) != owner_uid(manifest):
                if (live["metadata"].get("labels") or {}).get(MANAGED_BY) != MANAGER:
                    raise Permanent(f"{key} exists and is not ours: rename or delete it")
                if owner_uid(live):
                    # The last one's of the same name, which goes.
                    await self._delete(key, live)
                    live = None
            if live is not None and difference(manifest, live) is None:
                return
        found = difference(manifest, live) if live is not None else "new"
        log.info("apply %s (%s)", key, found)
        try:
            applied = await self._api.apply(manifest, self._authority)
        except Rejected:
            if live is None or not await self._mended(key, manifest, live):
                raise
            applied = await self._api.apply(manifest, self._authority)
        self._know(key, applied)

    async def _mended(self, key: Key, manifest: Manifest, live: Raw) -> bool:
        """Put planned parts of the spec in place of live ones as a whole; false where that is refused too.

        An entry that somebody put into a list may make ours impossible beside it: applying keeps both, and is refused.
        """
        planned, found = manifest.get("spec") or {}, live.get("spec") or {}
        parts = {name: value for name, value in planned.items() if difference(value, found.get(name)) is not None}
        if not parts:
            return False
        log.warning("%s cannot be applied beside what was edited: %s replaced", key, ", ".join(parts))
        place = CHILD_PLACES[key.kind]
        status, _ = await self._api.send("PATCH", place, key.namespace, key.name, {"spec": parts}, self._authority)
        return status < 300

    async def prune(self, children: Mapping[Key, Raw], planned: Iterable[Key], retired: Iterable[Key]) -> None:
        """Delete the object's children that are not planned; `retired` are Secrets that it may have had. Raises Transient."""
        wanted = dict.fromkeys(planned)
        owner = next((owner_uid(raw) for raw in children.values()), "")
        for key, raw in children.items():
            if key not in wanted and "deletionTimestamp" not in raw["metadata"]:
                await self._delete(key, raw)
        for key in retired:
            secret = await self._secrets.own(key) if key not in wanted else None
            if secret is not None and owner and owner_uid(secret) == owner:
                await self._delete(key, secret)

    async def remove(self, key: Key) -> None:
        """Delete a child whose owner is no more. Raises Transient."""
        raw = self._world.child(key)
        if raw is not None and "deletionTimestamp" not in raw["metadata"]:
            await self._delete(key, raw)

    async def _delete(self, key: Key, raw: Raw) -> None:
        log.info("delete %s", key)
        try:
            await self._api.delete(key, str(raw["metadata"]["uid"]), self._authority)
        except Forbidden as error:
            log.warning("%s cannot be deleted: %s", key, error)
            return
        if key.kind == "Secret":
            self._secrets.forget(key)
        else:
            self._world.remove_child(key)

    async def _live(self, key: Key) -> Raw | None:
        if key.kind == "Secret":
            return await self._secrets.own(key)
        known = self._world.child(key)
        if known is not None:
            return known
        # The index has only what carries our label: never take over what is somebody else's.
        found = await self._api.get(CHILD_PLACES[key.kind], key.namespace, key.name)
        return found if found is None or "kind" in found else {**found, "kind": key.kind}

    def _know(self, key: Key, raw: Manifest) -> None:
        if key.kind == "Secret":
            self._secrets.know(key, raw)
            return
        if self._world.version_of(key) < version(raw):
            self._learned(key, version(raw))
        self._world.put_child({"kind": key.kind, **raw})
