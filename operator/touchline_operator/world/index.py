"""Every object that the operator has seen, found by key, namespace, owner and by who refers to it.

Fed by watches and by the sweep, which may be late on each other: the newer `resourceVersion` wins. Nothing here decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from touchline.api import SIMULATE, FeedProvider, Market, OddsEngine
from touchline_operator.world.custom import Custom, understand
from touchline_operator.world.keys import CUSTOM_PLACES, Key, key_of
from touchline_operator.world.selectors import SelectorIndex

Raw = Mapping[str, Any]
MOST_BURIED = 10_000


class World:
    """The index. `put` and `remove` return what was known before, or raise nothing and do nothing where the news is old."""

    def __init__(self) -> None:
        self._customs: dict[tuple[str, str], dict[str, Custom]] = {}
        self._children: dict[Key, Raw] = {}
        self._by_owner: dict[str, dict[Key, Raw]] = {}
        self._owners: dict[str, Key] = {}
        self._referrers: dict[Key, dict[Key, None]] = {}
        self._selectors: dict[str, SelectorIndex] = {}
        self._simulated: dict[str, dict[str, FeedProvider]] = {}
        self._buried: dict[str, None] = {}

    # Custom resources

    def put_custom(self, raw: Raw) -> tuple[Custom | None, Custom] | None:
        """Take an object in; returns what was known before and what is known now, or None where this is older news."""
        key = key_of(raw)
        before = self.custom(key)
        if self.buried(raw) or (before is not None and version(before.raw) > version(raw)):
            return None
        after = understand(raw, before)
        if before is not None:
            self._forget(before)
        self._customs.setdefault((key.kind, key.namespace), {})[key.name] = after
        self._owners[after.uid] = key
        for reference in after.references:
            target = Key(reference.kind, key.namespace, reference.name)
            self._referrers.setdefault(target, {})[key] = None
        if isinstance(after.resource, Market):
            self.selectors(key.namespace).put(key.name, after.resource.spec.selector)
        elif isinstance(after.resource, FeedProvider) and _simulated(after.resource) and not after.deleting:
            self._simulated.setdefault(key.namespace, {})[key.name] = after.resource
        return before, after

    def remove_custom(self, key: Key) -> Custom | None:
        """Forget an object; returns what was known."""
        before = self.custom(key)
        if before is not None:
            self._forget(before)
            del self._customs[key.kind, key.namespace][key.name]
            self._buried[before.uid] = None
            if len(self._buried) > MOST_BURIED:
                del self._buried[next(iter(self._buried))]
        return before

    def buried(self, raw: Raw) -> bool:
        """Whether this very object is known to have been deleted: an answer that was on its way must not raise it."""
        return str(raw["metadata"].get("uid", "")) in self._buried

    def _forget(self, custom: Custom) -> None:
        self._owners.pop(custom.uid, None)
        for reference in custom.references:
            target = Key(reference.kind, custom.key.namespace, reference.name)
            referrers = self._referrers.get(target, {})
            referrers.pop(custom.key, None)
            if not referrers:
                self._referrers.pop(target, None)
        if custom.key.kind == "Market":
            self.selectors(custom.key.namespace).remove(custom.key.name)
        elif custom.key.kind == "FeedProvider":
            self._simulated.get(custom.key.namespace, {}).pop(custom.key.name, None)

    def custom(self, key: Key) -> Custom | None:
        """One custom resource, if it is known."""
        return self._customs.get((key.kind, key.namespace), {}).get(key.name)

    def customs(self, kind: str, namespace: str) -> list[Custom]:
        """The custom resources of one kind in a namespace, by name."""
        return [custom for _, custom in sorted(self._customs.get((kind, namespace), {}).items())]

    def simulated(self, namespace: str) -> list[FeedProvider]:
        """The FeedProviders of a namespace that ask for a simulator, but for those that are being deleted."""
        return list(self._simulated.get(namespace, {}).values())

    def all_customs(self, within: str | None = None) -> Iterator[Custom]:
        """Every custom resource (`within` one namespace), by kind in order of dependency, then namespace and name."""
        order = {kind: number for number, kind in enumerate(CUSTOM_PLACES)}
        for kind, namespace in sorted(self._customs, key=lambda place: (order[place[0]], place[1])):
            if within in {None, namespace}:
                yield from self.customs(kind, namespace)

    def count(self) -> dict[str, int]:
        """Number of objects by kind."""
        counts = dict.fromkeys(CUSTOM_PLACES, 0)
        for (kind, _), named in self._customs.items():
            counts[kind] += len(named)
        for key in self._children:
            counts[key.kind] = counts.get(key.kind, 0) + 1
        return counts

    def referrers(self, key: Key) -> list[Key]:
        """Who refers to an object, whether it exists or not."""
        return sorted(self._referrers.get(key, {}))

    def selectors(self, namespace: str) -> SelectorIndex:
        """The selectors of a namespace's Markets."""
        return self._selectors.setdefault(namespace, SelectorIndex())

    def engine(self, namespace: str) -> Custom | None:
        """The namespace's engine: of several the oldest, then the first by name; those that cannot be read do not count."""
        engines = [each for each in self.customs("OddsEngine", namespace) if isinstance(each.resource, OddsEngine)]
        return min(engines, key=lambda each: (each.created, each.key.name), default=None)

    # Children

    def put_child(self, raw: Raw) -> bool:
        """Take a child in; false where this is older news."""
        key = key_of(raw)
        before = self._children.get(key)
        if before is not None and version(before) > version(raw):
            return False
        self.remove_child(key)
        self._children[key] = raw
        self._by_owner.setdefault(owner_uid(raw), {})[key] = raw
        return True

    def remove_child(self, key: Key) -> Raw | None:
        """Forget a child; returns what was known."""
        before = self._children.pop(key, None)
        if before is not None:
            owned = self._by_owner[owner_uid(before)]
            del owned[key]
            if not owned:
                del self._by_owner[owner_uid(before)]
        return before

    def child(self, key: Key) -> Raw | None:
        """One child, if it is known."""
        return self._children.get(key)

    def children_of(self, uid: str) -> dict[Key, Raw]:
        """The children of an owner, by key."""
        return dict(sorted(self._by_owner.get(uid, {}).items()))

    def owner_of(self, raw: Raw) -> Key | None:
        """The custom resource that owns a child, if it is there."""
        return self._owners.get(owner_uid(raw))

    def orphans(self) -> list[Key]:
        """Children of ours whose owner is no more."""
        return sorted(key for key, raw in self._children.items() if owner_uid(raw) not in self._owners)

    def keys(self, kind: str) -> list[Key]:
        """Every key of one kind, custom or child."""
        if kind in CUSTOM_PLACES:
            return sorted(each.key for (of, _), named in self._customs.items() if of == kind for each in named.values())
        return sorted(key for key in self._children if key.kind == kind)

    def version_of(self, key: Key) -> int:
        """The resourceVersion under which an object is known; 0 for none."""
        custom = self.custom(key)
        raw = custom.raw if custom is not None else self._children.get(key)
        return version(raw) if raw is not None else 0


def version(raw: Raw) -> int:
    """The object's resourceVersion, which orders the versions of objects of one kind (comparable since Kubernetes 1.35)."""
    return int(raw["metadata"].get("resourceVersion") or 0)


def owner_uid(raw: Raw) -> str:
    """uid of the object's controller; empty for none."""
    for owner in raw["metadata"].get("ownerReferences") or ():
        if owner.get("controller"):
            return str(owner.get("uid", ""))
    return ""


def _simulated(provider: FeedProvider) -> bool:
    return bool(provider.metadata.annotations.get(SIMULATE))
