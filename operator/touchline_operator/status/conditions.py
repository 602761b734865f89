"""Conditions as the Kubernetes API conventions want them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

TRUE, FALSE, UNKNOWN = "True", "False", "Unknown"
NEVER = "1970-01-01T00:00:00Z"
"""What the CRDs' default condition has as its time: nobody had looked yet."""
LONGEST_MESSAGE = 2_000

Status = dict[str, Any]


class Said(NamedTuple):
    """One condition as it is now."""

    type: str
    status: str
    reason: str
    message: str = ""


def conditions(
    previous: Iterable[Mapping[str, Any]], now_said: Iterable[Said], *, generation: int, now: int
) -> list[dict[str, Any]]:
    """The conditions to write, by type. `now` is epoch microseconds; a condition that keeps its status keeps its time."""
    before = {each.get("type"): each for each in previous}
    found = []
    for said in now_said:
        old = before.get(said.type)
        unchanged = (
            old is not None and old.get("status") == said.status and old.get("lastTransitionTime", NEVER) != NEVER
        )
        found.append(
            {
                "type": said.type,
                "status": said.status,
                "reason": said.reason,
                "message": shortened(said.message),
                "lastTransitionTime": old["lastTransitionTime"] if unchanged and old is not None else moment(now),
                "observedGeneration": generation,
            }
        )
    return sorted(found, key=lambda each: str(each["type"]))


def moment(micros: int) -> str:
    """Epoch microseconds as Kubernetes writes a time, to the second."""
    return datetime.fromtimestamp(micros // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def since(told: Mapping[str, Any]) -> int:
    """When a condition last flipped, in epoch microseconds; 0 where it does not say."""
    try:
        return int(datetime.fromisoformat(str(told.get("lastTransitionTime", ""))).timestamp() * 1e6)
    except ValueError:
        return 0


def shortened(message: str) -> str:
    """A message that fits."""
    return message if len(message) <= LONGEST_MESSAGE else message[: LONGEST_MESSAGE - 2] + " …"


def condition(status: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    """The condition of one type in a status; empty for none."""
    return next((each for each in status.get("conditions") or () if each.get("type") == kind), {})
