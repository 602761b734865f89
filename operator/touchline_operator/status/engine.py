"""The status of an OddsEngine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from touchline.api import OddsEngine
from touchline_operator.check.findings import Finding, Judgement
from touchline_operator.status.books import leaders, shards
from touchline_operator.status.common import conflicted, joined, obstacles, paused, references
from touchline_operator.status.conditions import FALSE, TRUE, Said
from touchline_operator.status.figures import Figures, kept, present, significant, whole
from touchline_operator.status.outcome import Outcome
from touchline_operator.status.recorded import recorded
from touchline_operator.status.workloads import workloads
from touchline_operator.world.observed import Observed


def engine_conditions(observed: Observed, judgement: Judgement, outcome: Outcome) -> list[Said]:
    """Every condition of an engine."""
    rollout = outcome.rollout
    waiting = {
        each.key.name: rollout.message if rollout is not None and each.key == rollout.key else each.waiting
        for each in workloads(observed.children, list(outcome.planned))
        if each.waiting
    }
    degraded = tuple(_degraded(observed, judgement, outcome))
    said = [
        paused(observed),
        references(judgement),
        conflicted(judgement),
        Said("Degraded", TRUE, degraded[0].reason, joined(degraded))
        if degraded
        else Said("Degraded", FALSE, "AsDeclared"),
    ]
    engine = observed.target.resource
    if isinstance(engine, OddsEngine) and not observed.witness:
        said.append(recorded(observed, engine))
    if waiting or outcome.waits_for:
        said.append(Said("Progressing", TRUE, "PodsNotReady", outcome.waits_for or "; ".join(waiting.values())))
    else:
        said.append(Said("Progressing", FALSE, "Settled"))
    # Prices and bets are as right without a log: that it is not written is told by Recorded.
    serving = [words for name, words in waiting.items() if name not in _recorders(observed)]
    return [*said, _ready(observed, judgement, outcome, serving)]


def _recorders(observed: Observed) -> set[str]:
    labels = {key.name: raw["metadata"].get("labels") or {} for key, raw in observed.children.items()}
    return {name for name, each in labels.items() if each.get("app.kubernetes.io/component") == "recorder"}


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
    led = leaders(observed.health)
    missing = [str(shard) for shard in range(engine.spec.shards) if shard not in led]
    if missing:
        return Said("Ready", FALSE, "ShardsWithoutLeader", f"nobody leads the shards {', '.join(missing)}")
    if not [each for each in observed.health.of_role("gateway").values() if each.get("ready")]:
        return Said("Ready", FALSE, "NoGatewayReady", "no gateway reports that clients may come")
    return Said("Ready", TRUE, "Serving", f"{engine.spec.shards} shards are led, gateways take clients")


def _degraded(observed: Observed, judgement: Judgement, outcome: Outcome) -> Iterator[Finding]:
    for key, message in outcome.refused:
        yield Finding("ChildRefused", f"{key.kind} {key.name}: {message}")
    if outcome.rollout is not None and outcome.rollout.refused:
        yield Finding("RolloutNotPermitted", outcome.rollout.refused)
    yield from judgement.unresolved
    for shard, detail in sorted(shards(observed.health).items()):
        closed = (detail.get("desk") or {}).get("closed")
        if closed:
            yield Finding("BetsClosed", f"shard {shard} takes no bets: {closed}")


def engine_figures(observed: Observed) -> Figures:
    """Versions, leaders, connections, markets: what the components say."""
    if observed.health.starting:
        return kept(observed.target.status, _FIGURES)
    if not observed.health.connected:
        return {}
    gateways, books = observed.health.of_role("gateway"), observed.health.of_role("book")
    ready = [each for each in gateways.values() if each.get("ready")]
    connections = sum(whole(each, "connections") or 0 for each in gateways.values())
    led = shards(observed.health)
    durability = sorted({str((detail.get("desk") or {}).get("durability") or "") for detail in led.values()} - {""})
    return present(
        {
            "versions": _versions(observed) or None,
            "shardLeaders": [
                {"shard": shard, "leader": node, "epoch": epoch}
                for shard, (node, epoch) in sorted(leaders(observed.health).items())
            ]
            if books
            else None,
            "connections": significant(connections, 3),
            "gateways": len(ready),
            "markets": sum(sum((detail.get("markets") or {}).values()) for detail in led.values()),
            "events": sum(whole(detail, "events") or 0 for detail in led.values()),
            "durability": durability[0] if len(durability) == 1 and durability[0] in _DURABILITIES else None,
        }
    )


def _versions(observed: Observed) -> list[dict[str, Any]]:
    """What runs of each component; while an update rolls out, both versions."""
    found = []
    for component, is_ready in _COMPONENTS.items():
        documents = observed.health.of_role(component).values()
        versions = sorted({str(each["version"]) for each in documents if each.get("version")})
        if versions:
            ready = sum(is_ready(each) for each in documents)
            found.append({"component": component, "version": ", ".join(versions)[:64], "ready": ready})
    return found


def _book_ready(document: Mapping[str, Any]) -> bool:
    """Whether a node could take every shard over."""
    known = (document.get("shards") or {}).values()
    return not document.get("waitingFor") and bool(known) and all(each.get("caughtUp") for each in known)


_COMPONENTS: dict[str, Callable[[Mapping[str, Any]], bool]] = {
    "book": _book_ready,
    "gateway": lambda document: bool(document.get("ready")),
    "ingest": lambda document: bool(document.get("connected")),
    "recorder": lambda document: bool(document.get("recording")),
}
_FIGURES = ("versions", "shardLeaders", "connections", "gateways", "markets", "events", "durability")
_DURABILITIES = ("Fsync", "Quorum", "GlobalQuorum")
