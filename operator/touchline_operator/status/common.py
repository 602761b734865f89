"""Conditions that every kind has: Paused, ReferencesResolved, and what keeps an object from being ready whatever its kind."""

from __future__ import annotations

from collections.abc import Iterator

from touchline_operator.check.findings import Finding, Judgement
from touchline_operator.status.conditions import FALSE, TRUE, UNKNOWN, Said, condition
from touchline_operator.status.outcome import Outcome
from touchline_operator.world.observed import Observed


def paused(observed: Observed) -> Said:
    """Whether somebody holds the operator's hand."""
    if observed.target.paused:
        return Said(
            "Paused", TRUE, "PausedByAnnotation", "touchline.dev/paused is true: nothing is written for this object"
        )
    return Said("Paused", FALSE, "NotPaused")


def references(judgement: Judgement) -> Said:
    """Whether every reference leads somewhere."""
    if judgement.invalid:
        return Said("ReferencesResolved", UNKNOWN, "Invalid", "the object cannot be read")
    if judgement.unresolved:
        return Said("ReferencesResolved", FALSE, judgement.unresolved[0].reason, joined(judgement.unresolved))
    if judgement.unknown:
        return Said("ReferencesResolved", UNKNOWN, judgement.unknown[0].reason, joined(judgement.unknown))
    return Said("ReferencesResolved", TRUE, "Resolved")


def conflicted(judgement: Judgement) -> Said:
    """Whether another object claims the same."""
    if judgement.conflicts:
        return Said("Conflicted", TRUE, judgement.conflicts[0].reason, joined(judgement.conflicts))
    return Said("Conflicted", FALSE, "NoConflict")


def obstacles(observed: Observed, judgement: Judgement) -> Iterator[Finding]:
    """What keeps an object of any kind from being ready."""
    if judgement.invalid:
        yield Finding("Invalid", judgement.invalid)
    yield from judgement.unresolved
    yield from judgement.conflicts
    if observed.engine is None and observed.target.key.kind != "OddsEngine":
        yield Finding("NoEngine", "there is no OddsEngine in this namespace")


def ready_by_telling(observed: Observed, judgement: Judgement, outcome: Outcome) -> Said:
    """Ready for kinds without pods: they are right, and the data plane has been told them as they are.

    While the broker is away, what was told before still holds.
    """
    for obstacle in obstacles(observed, judgement):
        return Said("Ready", FALSE, obstacle.reason, obstacle.message)
    if outcome.told:
        return Said("Ready", TRUE, "Live", "the data plane works with this version")
    before = condition(observed.target.status, "Ready")
    if (
        outcome.told is None
        and before.get("status") == TRUE
        and before.get("observedGeneration") == observed.target.generation
    ):
        return Said("Ready", TRUE, str(before["reason"]), str(before.get("message", "")))
    return Said(
        "Ready", UNKNOWN, "BrokerAway", "not told to the data plane yet: the operator has no connection to its broker"
    )


def joined(findings: tuple[Finding, ...]) -> str:
    """Several findings as one message."""
    return "; ".join(finding.message for finding in findings)
