"""Which objects a component's new word concerns, and how soon: what people wait for at once, mere figures now and then."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from touchline_operator.world.index import World
from touchline_operator.world.keys import Key

SOON_US = 200_000
"""Of something that a condition tells; so long, so that the words of several nodes on one cause come together."""
HEARD_US = 2_000_000
"""Components speak each second; their engine and provider are looked at this often."""
FIGURES_US = 10_000_000
"""Of what only measures."""

Said = Mapping[str, Any]
_KINDS = {"classes": "Market", "policies": "SuspensionPolicy"}
_MEASURES = ("oldestPriceMs",)
"""Parts of a class's word that change all the time and tell nothing new."""


def concerned(world: World, engine: Key, entry: str, before: Said, after: Said) -> dict[Key, int]:
    """Delays in microseconds by key, after the `status` entry changed from one document to another; empty ones for none."""
    role, _, node = entry.partition(".")
    found: dict[Key, int] = {engine: HEARD_US}
    if role == "ingest":
        found[Key("FeedProvider", engine.namespace, node)] = HEARD_US
        if before.get("unmatched") != after.get("unmatched"):
            found |= dict.fromkeys(_maps(world, Key("FeedProvider", engine.namespace, node)), HEARD_US)
    elif role == "book":
        if before.get("leads") != after.get("leads"):
            found |= dict.fromkeys((each.key for each in world.customs("Region", engine.namespace)), HEARD_US)
            for (
                kind
            ) in _KINDS.values():  # those without a market in the book too: whether anybody counts them has changed
                found |= dict.fromkeys((each.key for each in world.customs(kind, engine.namespace)), FIGURES_US)
        for part, kind in _KINDS.items():
            old, new = _part(before, part), _part(after, part)
            for name in old.keys() | new.keys():
                told = _told(old.get(name)) == _told(new.get(name))
                found[Key(kind, engine.namespace, name)] = FIGURES_US if told else SOON_US
    return {key: delay for key, delay in found.items() if world.custom(key) is not None}


def _maps(world: World, provider: Key) -> Iterable[Key]:
    custom = world.custom(provider)
    references = custom.references if custom is not None else ()
    return [
        Key("EntityMap", provider.namespace, reference.name)
        for reference in references
        if reference.kind == "EntityMap"
    ]


def _part(document: Said, part: str) -> Said:
    found = document.get(part)
    return found if isinstance(found, Mapping) else {}


def _told(said: Any) -> Any:
    if not isinstance(said, Mapping):
        return said
    return {name: value for name, value in said.items() if name not in _MEASURES}
