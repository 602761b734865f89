"""What an engine's recorder says of the audit log: the condition `Recorded`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from touchline.api import Duration, OddsEngine
from touchline.api.unsupported import unrecorded
from touchline_operator.status.conditions import FALSE, TRUE, UNKNOWN, Said
from touchline_operator.status.figures import whole
from touchline_operator.world.observed import Observed

RECORDED = "Recorded"
FULL = 0.95
"""Part of its bytes that a log has which loses its oldest for want of room: the broker removes whole segments."""


def recorded(observed: Observed, engine: OddsEngine) -> Said:
    """Whether what happens is kept as declared. It keeps nothing from being ready: prices and bets are as right without it."""
    health = observed.health
    said = health.of_role("recorder")
    if not said:
        why = "the recorder has not reported in the last seconds" if health.connected else "the broker is not connected"
        return Said(RECORDED, UNKNOWN, "NoReport", why)
    writing = [each for each in said.values() if each.get("recording")]
    if not writing:
        waiting = next(iter(said.values())).get("waitingFor")
        return Said(RECORDED, FALSE, "NotRecording", f"{waiting or 'the recorder does not say why it stands still'}")
    short = _short(writing[0], engine.spec.recorder.retention, observed)
    if short:
        return Said(RECORDED, FALSE, "RetentionNotMet", short)
    missing = unrecorded(engine)
    if missing:
        return Said(
            RECORDED, FALSE, "NotRunByThisRelease", "; ".join(f"{each.message} ({each.fix})" for each in missing)
        )
    return Said(RECORDED, TRUE, "Recording", _words(writing[0]))


def _short(said: Mapping[str, Any], retention: Duration, observed: Observed) -> str:
    """Why the log loses what should be kept; empty where it has room."""
    most = whole(said, "mostBytes")
    if not said.get("rolled") or not most or (whole(said, "bytes") or 0) < FULL * most:
        return ""
    try:
        oldest = datetime.fromisoformat(f"{said.get('oldest', '')}").timestamp()
    except ValueError:
        return ""
    reach_us = max(0, observed.now - int(oldest * 1e6))
    if reach_us >= FULL * retention.micros:
        return ""
    return (
        f"the log is full and reaches back less far than the {retention.text} of spec.recorder.retention: give the brokers a larger volume "
        "(spec.nats.managed.storage.size) or declare a shorter retention"
    )


def _words(said: Mapping[str, Any]) -> str:
    lost = said.get("lastBreak")
    return (
        f"prices and decisions are recorded; since the recorder began it missed {lost}"
        if lost
        else "prices and decisions are recorded"
    )
