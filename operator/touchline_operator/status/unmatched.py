"""Names that providers use and an EntityMap does not know, as their ingest processes report them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from touchline.api import FeedProvider
from touchline_operator.status.figures import whole
from touchline_operator.world.observed import Observed

MOST = 100
LONGEST = 256


def unmatched(observed: Observed, sport: str) -> list[str]:
    """Of the map of one sport: what the providers that refer to it asked for in vain, the most frequent first.

    A map of all sports also gets the sports that no other map of the provider takes.
    """
    seen: dict[str, int] = {}
    for key in observed.world.referrers(observed.target.key):
        custom = observed.world.custom(key)
        if custom is None or not isinstance(custom.resource, FeedProvider):
            continue
        for entry in _said(observed, key.name):
            theirs = str(entry.get("sport", ""))
            if theirs == sport or (sport == "*" and not theirs):
                name = f"{entry.get('what', '')} {entry.get('name', '')}".strip()[:LONGEST]
                seen[name] = seen.get(name, 0) + (whole(entry, "markets") or 0)
    return sorted(seen, key=lambda name: (-seen[name], name))[:MOST]


def _said(observed: Observed, provider: str) -> list[Mapping[str, Any]]:
    said = observed.health.documents.get(f"ingest.{provider}", {}).get("unmatched") or ()
    return [entry for entry in said if isinstance(entry, Mapping)]
