"""What the book's nodes say together: who leads which shard, and the sums of what the leaders counted, by class and by policy.

A node's counts are the sums over the shards that it leads. Between two terms of a shard the former leader's last word is up to five
seconds old and would count the shard twice; so a node is left out as soon as somebody else leads one of its shards in a later epoch. What
it still leads is counted again with its next word, a second later; a node that is dead leads nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from touchline_operator.status.figures import whole
from touchline_operator.world.observed import Health

Said = Mapping[str, Any]


class Hold(NamedTuple):
    """One cause that holds markets of a class: how many, one of them, and why that one."""

    cause: str
    reason: str
    markets: int
    example: str
    detail: str


class ClassSum(NamedTuple):
    """One class over all shards that are led. `markets` and `serving` are counts by status and by provider; `holds` the widest first."""

    markets: Mapping[str, int]
    serving: Mapping[str, int]
    oldest_ms: int
    holds: tuple[Hold, ...]

    def count(self, status: str) -> int:
        """Markets of one status."""
        return self.markets.get(status, 0)


class PolicySum(NamedTuple):
    """One policy: its triggers' holds now, and how often each type fired in the last hour."""

    holds: int
    last_hour: Mapping[str, int]


def leaders(health: Health) -> dict[int, tuple[str, int]]:
    """Node and epoch of each shard's leader, by shard: of several the one of the highest epoch."""
    found: dict[int, tuple[str, int]] = {}
    for node, document in health.of_role("book").items():
        for number, epoch in _led(document).items():
            if epoch > found.get(number, ("", -1))[1]:
                found[number] = (node, epoch)
    return found


def shards(health: Health) -> dict[int, Said]:
    """The leader's own document of each shard."""
    books = health.of_role("book")
    return {shard: books[node]["shards"][str(shard)] for shard, (node, _) in leaders(health).items()}


def counting(health: Health) -> list[Said]:
    """The documents whose counts are added up: of nodes that lead, whose shards nobody leads in a later epoch, and that count at all."""
    led = leaders(health)
    return [
        document
        for node, document in health.of_role("book").items()
        if (mine := _led(document))
        and isinstance(document.get("classes"), Mapping)
        and all(led[number][0] == node for number in mine)
    ]


def class_sum(health: Health, name: str) -> ClassSum:
    """One class over all nodes; empty where none has a market of it."""
    markets: dict[str, int] = {}
    serving: dict[str, int] = {}
    holds: dict[tuple[str, str], Hold] = {}
    oldest = 0
    for document in counting(health):
        said = _part(document, "classes", name)
        _add(markets, said.get("markets"))
        _add(serving, said.get("providers"))
        oldest = max(oldest, whole(said, "oldestPriceMs") or 0)
        for entry in said.get("holds") or ():
            key = (str(entry.get("cause", "")), str(entry.get("reason", "")))
            known = holds.get(key, Hold(*key, 0, "", ""))
            example = known if known.example else known._replace(
                example=str(entry.get("example", "")), detail=str(entry.get("detail", ""))
            )  # fmt: skip
            holds[key] = example._replace(markets=known.markets + (whole(entry, "markets") or 0))
    widest = sorted(holds.values(), key=lambda hold: (-hold.markets, hold.cause, hold.reason))
    return ClassSum(markets, serving, oldest, tuple(widest))


def policy_sum(health: Health, name: str) -> PolicySum:
    """One policy over all nodes."""
    holds: dict[str, int] = {}
    last_hour: dict[str, int] = {}
    for document in counting(health):
        said = _part(document, "policies", name)
        _add(holds, said.get("holds"))
        _add(last_hour, said.get("lastHour"))
    return PolicySum(sum(holds.values()), dict(sorted(last_hour.items())))


def _led(document: Said) -> dict[int, int]:
    """Epochs of the shards that a node says it leads."""
    return {
        int(number): whole(detail, "epoch") or 0
        for number, detail in (document.get("shards") or {}).items()
        if detail.get("leading") and str(number).isdigit()
    }


def _part(document: Said, part: str, name: str) -> Said:
    parts = document.get(part)
    found = parts.get(name) if isinstance(parts, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _add(total: dict[str, int], counts: Any) -> None:
    for name, count in (counts or {}).items():
        total[name] = total.get(name, 0) + count
