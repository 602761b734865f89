"""Whether and what to write into a status: changes of conditions at once, figures now and then."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from touchline_operator.check.findings import Judgement
from touchline_operator.status.common import paused
from touchline_operator.status.conditions import FALSE, NEVER, TRUE, Said, Status, conditions
from touchline_operator.status.engine import engine_conditions, engine_figures
from touchline_operator.status.market import SUSPENDED
from touchline_operator.status.others import plain_conditions, plain_figures
from touchline_operator.status.outcome import Outcome
from touchline_operator.status.provider import provider_conditions, provider_figures
from touchline_operator.world.custom import Custom
from touchline_operator.world.observed import Observed

_OURS = ("conditions", "observedGeneration")
_COUNTING = (SUSPENDED,)
"""Conditions whose message counts: the words alone are written no more often than figures."""
YOUNG_S = 3


def status_of(observed: Observed, judgement: Judgement, outcome: Outcome) -> Status:
    """The whole status that the object should have."""
    match observed.target.key.kind:
        case "OddsEngine":
            return _status(observed, engine_conditions(observed, judgement, outcome), engine_figures(observed))
        case "FeedProvider":
            return _status(observed, provider_conditions(observed, judgement, outcome), provider_figures(observed))
        case _:
            return _status(observed, plain_conditions(observed, judgement, outcome), plain_figures(observed))


def just_created(custom: Custom, now: int) -> bool:
    """Whether the object is younger than three seconds and nothing was said of it yet; clocks that disagree make it old."""
    if custom.status.get("observedGeneration") is not None:
        return False
    try:
        created = datetime.fromisoformat(custom.created).timestamp()
    except ValueError:
        return False
    return 0 <= now / 1e6 - created < YOUNG_S


def paused_status(observed: Observed) -> Status:
    """The status of a paused object: as it was, and that it is paused. `observedGeneration` stays: nothing was done for a newer one."""
    before = dict(observed.target.status)
    old = [
        each
        for each in before.get("conditions") or ()
        if each.get("type") != "Paused" and each.get("lastTransitionTime") != NEVER  # the CRD's default says nothing
    ]
    generation = observed.target.generation
    said = conditions(before.get("conditions") or (), [paused(observed)], generation=generation, now=observed.now)
    if not any(each.get("type") == "Ready" for each in old):
        said += conditions(
            (),
            [Said("Ready", "Unknown", "Paused", "nothing was done for it yet")],
            generation=generation,
            now=observed.now,
        )
    return {**before, "conditions": sorted([*old, *said], key=lambda each: str(each["type"]))}


def _status(observed: Observed, said: list[Said], figures: Mapping[str, Any]) -> Status:
    generation, before = observed.target.generation, observed.target.status.get("conditions") or ()
    return {
        "observedGeneration": generation,
        "conditions": conditions(before, said, generation=generation, now=observed.now),
        **figures,
    }


def significant_change(before: Mapping[str, Any], after: Status) -> bool:
    """Whether more than figures changed: conditions (those of other writers do not count) or the observed generation."""
    if before.get("observedGeneration") != after.get("observedGeneration"):
        return True
    ours = {each["type"]: _told(each) for each in after["conditions"]}
    theirs = {each.get("type"): _told(each) for each in before.get("conditions") or ()}
    return any(theirs.get(kind) != each for kind, each in ours.items())


def _told(condition: Mapping[str, Any]) -> Mapping[str, Any]:
    """A condition without words that are figures."""
    if condition.get("type") not in _COUNTING:
        return condition
    return {name: value for name, value in condition.items() if name != "message"}


def changes(before: Mapping[str, Any], after: Status) -> list[str]:
    """What is new in a status, for the log."""
    theirs = {each.get("type"): each for each in before.get("conditions") or ()}
    found = [
        f"{each['type']}={each['status']} {each['reason']} {each['message'][:200]}"
        for each in after["conditions"]
        if theirs.get(each["type"]) != each
    ]
    return found + [name for name, value in after.items() if name != "conditions" and before.get(name) != value]


def any_change(before: Mapping[str, Any], after: Status) -> bool:
    """Whether anything of ours changed, words and figures that vanished among it."""
    return significant_change(before, after) or _words(before) != _words(after) or _figures(before) != _figures(after)


def _words(status: Mapping[str, Any]) -> dict[Any, Any]:
    """Messages that count, by type."""
    return {
        each["type"]: each.get("message") for each in status.get("conditions") or () if each.get("type") in _COUNTING
    }


def _figures(status: Mapping[str, Any]) -> dict[str, Any]:
    """Without what is empty: the API server fills in empty lists."""
    return {name: value for name, value in status.items() if name not in _OURS and value not in ([], {}, None)}


def transitions(before: Mapping[str, Any], after: Status) -> list[Mapping[str, Any]]:
    """Conditions whose status or reason changed: what an event tells. That nothing is suspended is news only where something was."""
    theirs = {each.get("type"): each for each in before.get("conditions") or ()}

    def news(each: Mapping[str, Any]) -> bool:
        old = theirs.get(each["type"], {})
        if each["type"] == SUSPENDED and each["status"] == FALSE and old.get("status") != TRUE:
            return False
        return (old.get("status"), old.get("reason")) != (each["status"], each["reason"])

    return [each for each in after["conditions"] if news(each)]
