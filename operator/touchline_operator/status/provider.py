"""The status of a FeedProvider."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from touchline_operator.check.findings import Finding, Judgement
from touchline_operator.status.common import joined, obstacles, paused, references
from touchline_operator.status.conditions import FALSE, TRUE, UNKNOWN, Said
from touchline_operator.status.figures import Figures, percent, present, significant, steady, steady_duration, whole
from touchline_operator.status.outcome import Outcome
from touchline_operator.status.workloads import workloads
from touchline_operator.world.observed import Observed

CONNECTED = "Connected"
"""Ingest's own word for a feed that is complete (touchline.domain.status.ProviderState)."""


def provider_conditions(observed: Observed, judgement: Judgement, outcome: Outcome) -> list[Said]:
    """Every condition of a provider."""
    waiting = [each.waiting for each in workloads(observed.children, list(outcome.planned)) if each.waiting]
    wait = outcome.waits_for or "; ".join(waiting)
    degraded = tuple(_degraded(observed, judgement, outcome))
    connection = _connected(observed)
    return [
        paused(observed),
        references(judgement),
        Said("Degraded", TRUE, degraded[0].reason, joined(degraded))
        if degraded
        else Said("Degraded", FALSE, "AsDeclared"),
        Said("Progressing", TRUE, "PodsNotReady", wait) if wait else Said("Progressing", FALSE, "Settled"),
        connection,
        _ready(observed, judgement, outcome, wait, connection),
    ]


def document(observed: Observed) -> Mapping[str, Any]:
    """What the provider's ingest says of itself; empty where it says nothing."""
    return observed.health.documents.get(f"ingest.{observed.target.key.name}", {})


def _connected(observed: Observed) -> Said:
    said = document(observed)
    if not said:
        why = (
            "ingest has not reported in the last seconds"
            if observed.health.connected
            else "the broker is not connected"
        )
        return Said("Connected", UNKNOWN, "NoReport", why)
    state, detail = str(said.get("state", "")), str(said.get("detail", ""))
    if state == CONNECTED:
        return Said("Connected", TRUE, "Connected", f"connected to {said.get('endpoint', '')}")
    reason = state if state.isalnum() and state[:1].isupper() else "NotConnected"
    return Said("Connected", FALSE, reason, detail or f"ingest is {state}")


def _ready(observed: Observed, judgement: Judgement, outcome: Outcome, wait: str, connection: Said) -> Said:
    for obstacle in obstacles(observed, judgement):
        return Said("Ready", FALSE, obstacle.reason, obstacle.message)
    for key, message in outcome.refused:
        return Said("Ready", FALSE, "ChildRefused", f"{key.kind} {key.name}: {message}")
    if observed.witness:
        return Said("Ready", TRUE, "Witnessing", "no feed is received in a witness region")
    if wait:
        return Said("Ready", FALSE, "PodsNotReady", wait)
    if connection.status != TRUE:
        return Said("Ready", FALSE, connection.reason, connection.message)
    return Said("Ready", TRUE, "Receiving", connection.message)


def _degraded(observed: Observed, judgement: Judgement, outcome: Outcome) -> Iterator[Finding]:
    for key, message in outcome.refused:
        yield Finding("ChildRefused", f"{key.kind} {key.name}: {message}")
    refused = observed.health.refused_captures.get(observed.target.key.name)
    if refused:
        yield Finding("CaptureRefused", f"spec.capture: the broker keeps no raw capture: {refused}")
    said = document(observed)
    breaches = [str(each) for each in (said.get("health") or {}).get("breaches") or ()]
    if breaches:
        yield Finding("ThresholdBroken", f"beyond {', '.join(breaches)}")
    for problem in said.get("problems") or ():
        yield Finding("FeedProblem", str(problem))
    yield from judgement.remarks


def provider_figures(observed: Observed) -> Figures:
    """Rate, delay, losses: what ingest measures."""
    said = document(observed)
    if not said:
        return {}
    health = said.get("health") or {}
    before = observed.target.status
    return present(
        {
            "connected": bool(said.get("connected")),
            "endpoint": str(said.get("endpoint") or "")[:256] or None,
            "messagesPerSecond": steady(before.get("messagesPerSecond"), whole(health, "messagesPerSecond")),
            "delayP50": steady_duration(before.get("delayP50"), health.get("delayP50Us")),
            "delayP99": steady_duration(before.get("delayP99"), health.get("delayP99Us")),
            "lossPercent": percent(health.get("lossPpm")),
            "completenessPercent": percent(health.get("completenessPpm")),
            "gaps": whole(health, "gaps"),
            "disconnects": whole(health, "disconnects"),
            "quarantined": _quarantined(said),
        }
    )


def _quarantined(said: Mapping[str, Any]) -> int | None:
    """Frames and updates that were refused; each counts once, where it was refused."""
    parts = [whole(said, "frames", "quarantined"), whole(said, "updates", "quarantined")]
    found = [part for part in parts if part is not None]
    return significant(sum(found), 3) if found else None
