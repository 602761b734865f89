"""Whether a book node could take over at this moment, and its figures for a scrape.

A rollout takes the next node away once this one is ready, so ready means: what the leaders decided is read here. Who leads is no part of
it, for a node that leads nothing is as ready as one that leads everything.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from touchline.book.shell.shard_node import ShardNode
from touchline.desk.records import DecisionKind
from touchline.domain.reasons import HoldReason
from touchline.domain.status import MarketStatus

if TYPE_CHECKING:
    from prometheus_client.core import Metric

READ_WITHIN_US = 5_000_000
"""Followers read the leaders' decisions several times a second; after this long without success one is behind."""


def unready(now: int, *, broker: bool, engine: bool, shards: Sequence[ShardNode]) -> list[str]:
    """Why this node could not take over; empty: it could. `engine`: whether an OddsEngine is known."""
    reasons = [] if broker else ["the broker is not connected"]
    if not engine:
        return [*reasons, "there is no OddsEngine in the config bucket yet"]
    if not shards:
        return [*reasons, "the shards are not set up yet"]
    behind = [each.shard for each in shards if not each.leading and not _read(each, now)]
    if behind:
        reasons.append(f"decisions of shards {', '.join(map(str, behind))} are not read to their end")
    return reasons


def _read(shard: ShardNode, now: int) -> bool:
    return shard.caught_up and now - shard.read_at < READ_WITHIN_US


def figures(
    *, ready: bool, broker: bool, shards: Sequence[ShardNode], document: Mapping[str, Any], pauses: int
) -> "Iterator[Metric]":
    """Everything for one scrape. `document` is the last status document: markets are counted once a second, whoever asks."""
    from touchline.bus.operations import counter, gauge

    def book(name: str) -> str:
        return f"touchline_book_{name}"

    def of(name: str, words: Iterator[str]) -> dict[str, float]:
        counted = document.get(name, {})
        return {word: counted.get(word, 0) for word in words}

    bets: Counter[str] = Counter()
    for shard in shards:
        bets.update(shard.decided())
    leading = {str(each.shard): float(each.leading) for each in shards}
    yield gauge(book("ready"), "1 if this node could take over", int(ready))
    yield gauge(book("broker_connected"), "1 if the broker is connected", int(broker))
    yield gauge(book("leading"), "1 for each shard that this node leads", leading, "shard")
    statuses = of("markets", (each.value for each in MarketStatus))
    yield gauge(book("markets"), "Markets of the shards that this node leads", statuses, "status")
    holds = of("holds", (each.value for each in HoldReason))
    yield gauge(book("holds"), "Holds on markets of the shards that this node leads", holds, "reason")
    decisions = {each.value: float(bets[each.value]) for each in DecisionKind}
    yield counter(
        book("bets"),
        "Decisions of all shards since this node caught up, whichever node made them",
        decisions,
        "decision",
    )
    dropped = document.get("dropped", 0)
    yield counter(book("dropped"), "Messages not sent: the broker was away, or the lease had lapsed", dropped)
    yield counter(book("pauses"), "Times that the process stood still and gave its leases up", pauses)
