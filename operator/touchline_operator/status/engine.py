"""The status of an OddsEngine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from touchline.api import OddsEngine
from touchline_operator.check.findings import Finding, Judgement
from touchline_operator.status.common import conflicted, joined, obstacles, paused, references
from touchline_operator.status.conditions import FALSE, TRUE, Said
from touchline_operator.status.figures import Figures, present, significant, whole
from touchline_operator.status.outcome import Outcome
from touchline_operator.status.workloads import workloads
from touchline_operator.world.observed import Observed


def engine_conditions(observed: Observed, judgement: Judgement, outcome: Outcome) -> list[Said]:
    """Every condition of an engine."""
    waiting = [each.waiting for each in workloads(observed.children, list(outcome.planned)) if each.waiting]
    degraded = tuple(_degraded(observed, judgement, outcome))
    said = [
        paused(observed),
        references(judgement),
        conflicted(judgement),
        Said("Degraded", TRUE, degraded[0].reason, joined(degraded))
        if degraded
        else Said("Degraded", FALSE, "AsDeclared"),
    ]
    if waiting or outcome.waits_for:
        said.append(Said("Progressing", TRUE, "PodsNotReady", outcome.waits_for or "; ".join(waiting)))
    else:
        said.append(Said("Progressing", FALSE, "Settled"))
    return [*said, _ready(observed, judgement, outcome, waiting)]


def _ready(observed: Observed, judgement: Judgement, outcome: Outcome, waiting: list[str]) -> Said:
    for obstacle in obstacles(observed, judgement):
        return Said("Ready", FALSE, obstacle.reason, obstacle.message)
    for key, message in outcome.refused:
        return Said("Ready", FALSE, "ChildRefused", f"{key.kind} {key.name}: {message}")
    if waiting or outcome.waits_for:
        return Said("Ready", FALSE, "PodsNotReady", outcome.waits_for or waiting[0])
    if not observed.health.connected:
        return Said(
            "Ready", FALSE, "BrokerAway", observed.health.fault or "the operator has no connection to the broker"
        )
    if observed.witness:
        return Said("Ready", TRUE, "Witnessing", "the brokers vote; no book runs in a witness region")
    engine = observed.target.resource
    assert isinstance(engine, OddsEngine)
    led = leaders(observed)
    missing = [str(shard) for shard in range(engine.spec.shards) if shard not in led]
    if missing:
        return Said("Ready", FALSE, "ShardsWithoutLeader", f"nobody leads the shards {', '.join(missing)}")
    if not [each for each in observed.health.of_role("gateway").values() if each.get("ready")]:
        return Said("Ready", FALSE, "NoGatewayReady", "no gateway reports that clients may come")
    return Said("Ready", TRUE, "Serving", f"{engine.spec.shards} shards are led, gateways take clients")


def _degraded(observed: Observed, judgement: Judgement, outcome: Outcome) -> Iterator[Finding]:
    for key, message in outcome.refused:
        yield Finding("ChildRefused", f"{key.kind} {key.name}: {message}")
    yield from judgement.unresolved
    for shard, detail in sorted(_shards(observed).items()):
        closed = (detail.get("desk") or {}).get("closed")
        if closed:
            yield Finding("BetsClosed", f"shard {shard} takes no bets: {closed}")


def leaders(observed: Observed) -> dict[int, tuple[str, int]]:
    """Node and epoch of each shard's leader, by shard: of several the one of the highest epoch."""
    found: dict[int, tuple[str, int]] = {}
    for node, document in observed.health.of_role("book").items():
        for number, detail in (document.get("shards") or {}).items():
            epoch = whole(detail, "epoch") or 0
            if detail.get("leading") and str(number).isdigit() and epoch > found.get(int(number), ("", -1))[1]:
                found[int(number)] = (node, epoch)
    return found


def _shards(observed: Observed) -> dict[int, Mapping[str, Any]]:
    """The leader's own document of each shard."""
    books = observed.health.of_role("book")
    return {shard: books[node]["shards"][str(shard)] for shard, (node, _) in leaders(observed).items()}


def engine_figures(observed: Observed) -> Figures:
    """Leaders, connections, markets: what the components say."""
    if not observed.health.connected:
        return {}
    gateways, books = observed.health.of_role("gateway"), observed.health.of_role("book")
    ready = [each for each in gateways.values() if each.get("ready")]
    connections = sum(whole(each, "connections") or 0 for each in gateways.values())
    shards = _shards(observed)
    durability = sorted({str((detail.get("desk") or {}).get("durability") or "") for detail in shards.values()} - {""})
    versions = sorted({str(each.get("version")) for each in gateways.values() if each.get("version")})
    return present(
        {
            "versions": [{"component": "gateway", "version": version, "ready": len(ready)} for version in versions[:1]]
            or None,
            "shardLeaders": [
                {"shard": shard, "leader": node, "epoch": epoch}
                for shard, (node, epoch) in sorted(leaders(observed).items())
            ]
            if books
            else None,
            "connections": significant(connections, 3),
            "gateways": len(ready),
            "markets": sum(sum((detail.get("markets") or {}).values()) for detail in shards.values()),
            "durability": durability[0] if len(durability) == 1 and durability[0] in _DURABILITIES else None,
        }
    )


_DURABILITIES = ("Fsync", "Quorum", "GlobalQuorum")
