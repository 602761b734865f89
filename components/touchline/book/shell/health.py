"""A book node's status document: what it leads, how its markets stand, what it hears of providers, and its bets."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from touchline.book.shell.shard_node import ShardNode
from touchline.book.tally import Tally, documents
from touchline.bus.messages import Beat
from touchline.version import __version__


def shard_health(node: ShardNode, now: int, total: Tally) -> dict[str, Any]:
    """One shard: who leads it, and, where this node does, its markets by status and holds by reason.

    A led shard's markets are added to `total`, by class: what a node tells of classes is the sum over its shards, or its document would
    grow with their product.
    """
    lease, book, desk = node.lease, node.book, node.desk
    document: dict[str, Any] = {
        "leading": node.leading,
        "epoch": book.epoch,
        "holder": lease.holder,
        "decisions": desk.applied,
        "caughtUp": node.caught_up,
    }
    if not book.leading:
        return document
    tally = book.tally(now)
    total.add(tally)
    return document | {
        "seq": book.seq,
        "events": book.events,
        "markets": tally.statuses(),
        "holds": tally.reasons(),
        "oldestPriceMs": tally.oldest_us() // 1000,
        "desk": {
            "deciding": desk.leading,
            "closed": desk.closed,
            "durability": desk.durability,
            "inFlight": desk.in_flight,
            "pending": desk.pending,
            "keys": len(desk.memory),
        },
    }


def node_health(
    *,
    node: str,
    started: int,
    wall: int,
    now: int,
    shards: Sequence[ShardNode],
    details: Mapping[int, dict[str, Any]],
    total: Tally,
    beats: Mapping[str, tuple[int, Beat]],
    cache: str,
    dropped: int,
    pauses: int,
    waiting_for: str,
) -> dict[str, Any]:
    """The whole document. `details` are `shard_health` by shard, `total` the sum that it made; `beats` the last beat by provider, with when
    it was heard.
    """
    bets: Counter[str] = Counter()
    begun: Counter[tuple[str, str]] = Counter()
    for shard in shards:
        bets.update({kind.value: count for kind, count in shard.desk.counts.items()})
        if details.get(shard.shard, {}).get("markets") is not None:
            begun.update(shard.book.begun.totals(now))
    return {
        "version": __version__,
        "node": node,
        "started": started,
        "at": wall,
        "waitingFor": waiting_for,
        "leads": [shard.shard for shard in shards if shard.leading],
        "markets": total.statuses(),
        "holds": total.reasons(),
        "bets": dict(sorted(bets.items())),
        "providers": {
            name: {
                "state": beat.state,
                "detail": beat.detail,
                "beatAgeMs": (now - heard) // 1000,
                "provenAgeMs": (now - beat.echo[node]) // 1000 if node in beat.echo else None,
                "silenceMs": beat.silence_us // 1000,
                "delayMs": beat.delay_us // 1000 if beat.delay_us >= 0 else None,
            }
            for name, (heard, beat) in sorted(beats.items())
        },
        "cache": cache,
        "dropped": dropped,
        "pauses": pauses,
        "shards": {str(number): detail for number, detail in sorted(details.items())},
        **documents(total, begun),
    }
