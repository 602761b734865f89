"""A custom resource as the API server gave it, and what it says if it can be understood."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from touchline.api import PAUSED, ApiError, Market, Resource, parse_resource
from touchline.api.references_check import Reference, references_in
from touchline_operator.world.keys import Key, key_of


@dataclass(frozen=True)
class Custom:
    """`resource` is None where the object does not parse; `fault` then says why. `raw` is never changed."""

    key: Key
    raw: Mapping[str, Any]
    resource: Resource | None
    fault: str
    references: tuple[Reference, ...]
    """Every `fooRef` of the spec and, for a Market, its providers."""

    @property
    def uid(self) -> str:
        return str(self.raw["metadata"].get("uid", ""))

    @property
    def generation(self) -> int:
        return int(self.raw["metadata"].get("generation", 0))

    @property
    def created(self) -> str:
        return str(self.raw["metadata"].get("creationTimestamp", ""))

    @property
    def paused(self) -> bool:
        return dict(self.raw["metadata"].get("annotations") or {}).get(PAUSED) == "true"

    @property
    def deleting(self) -> bool:
        return "deletionTimestamp" in self.raw["metadata"]

    @property
    def status(self) -> Mapping[str, Any]:
        return self.raw.get("status") or {}


def understand(raw: Mapping[str, Any], before: Custom | None = None) -> Custom:
    """Parse an object; what cannot be read is kept with the reason.

    `before` is what was known of it: where it says the same (only its status is another) it is not parsed again.
    """
    key = key_of(raw)
    if before is not None and _intent(before.raw) == _intent(raw):
        return replace(before, raw=raw)
    try:
        resource = parse_resource({name: value for name, value in raw.items() if name != "status"})
    except ApiError as error:
        return Custom(key, raw, None, str(error), ())
    return Custom(key, raw, resource, "", tuple(_references(resource)))


def _intent(raw: Mapping[str, Any]) -> tuple[Any, ...]:
    """What is parsed of an object, but for what the API server counts by itself."""
    metadata = raw["metadata"]
    kept = ("name", "namespace", "uid", "generation", "labels", "annotations", "deletionTimestamp")
    return (raw["apiVersion"], raw.get("spec"), *(metadata.get(name) for name in kept))


def _references(resource: Resource) -> list[Reference]:
    found = list(references_in(resource.spec, ("spec",)))
    if isinstance(resource, Market):
        found += [
            Reference(("spec", "feeds", "providers", index, "name"), "FeedProvider", choice.name)
            for index, choice in enumerate(resource.spec.feeds.providers)
        ]
    return found
