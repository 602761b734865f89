"""A book node's status document: what it leads, how its markets stand, what it hears of providers, and its bets."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from touchline.book.shell.shard_node import ShardNode
from touchline.bus.messages import Beat


def shard_health(node: ShardNode, now: int) -> dict[str, Any]:
    """One shard: who leads it, and, where this node does, its markets by status and holds by reason."""
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
    statuses: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    oldest = 0
    for market in book.markets():
        quote = book.quote(now, market)
        if quote is None:
            continue
        statuses[quote.status.value] += 1
        reasons.update(hold.reason.value for hold in quote.holds)
        if not quote.holds and quote.status.value == "Open":
            oldest = max(oldest, quote.age_us)
    return document | {
        "seq": book.seq,
        "markets": dict(sorted(statuses.items())),
        "holds": dict(sorted(reasons.items())),
        "oldestPriceMs": oldest // 1000,
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
    beats: Mapping[str, tuple[int, Beat]],
    cache: str,
    dropped: int,
    pauses: int,
    waiting_for: str,
) -> dict[str, Any]:
    """The whole document. `details` are `shard_health` by shard; `beats` the last beat by provider, with when it was heard."""
    bets: Counter[str] = Counter()
    markets: Counter[str] = Counter()
    holds: Counter[str] = Counter()
    for shard in shards:
        bets.update({kind.value: count for kind, count in shard.desk.counts.items()})
    for detail in details.values():
        markets.update(detail.get("markets", {}))
        holds.update(detail.get("holds", {}))
    return {
        "node": node,
        "started": started,
        "at": wall,
        "waitingFor": waiting_for,
        "leads": [shard.shard for shard in shards if shard.leading],
        "markets": dict(sorted(markets.items())),
        "holds": dict(sorted(holds.items())),
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
    }
