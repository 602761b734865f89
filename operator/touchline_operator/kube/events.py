"""Kubernetes events: one for each condition that changes, aggregated by object, reason and message."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from touchline.api import API_VERSION
from touchline_operator.errors import Leaving, OperatorError
from touchline_operator.kube.api import Api
from touchline_operator.kube.authority import Authority
from touchline_operator.world.custom import Custom
from touchline_operator.world.keys import MANAGER, Place

log = logging.getLogger(__name__)
EVENTS = Place("", "v1", "events")
LONGEST_NOTE = 1_000
_GOOD_WHEN_TRUE = frozenset(
    {
        "Ready",
        "ReferencesResolved",
        "Connected",
        "Redundant",
        "FreshnessAttainable",
        "Available",
        "Executed",
        "Recorded",
    }
)
_QUIET = frozenset({"Executed", "Progressing"})
"""Types that tell nothing which Ready does not tell, or what is so with every object of this release."""
_TOLD_BOTH_WAYS = frozenset({"Ready", "Connected", "Suspended"})
"""Types whose good end is news too."""
_COUNTING = frozenset({"Suspended"})
"""Types whose message counts: events of one reason are one event, with the latest words."""
_ON_THE_WAY = frozenset({"PodsNotReady", "PausedByAnnotation"})
"""Reasons that nobody need be warned of."""


class Events:
    """`wall` is epoch microseconds. An event that cannot be written is logged and forgotten: it is news, not state."""

    def __init__(self, api: Api, authority: Authority, wall: Callable[[], int], identity: str) -> None:
        self._api = api
        self._authority = authority
        self._wall = wall
        self._identity = identity

    async def tell(self, custom: Custom, condition: Mapping[str, Any]) -> None:
        """Tell that a condition became what it is."""
        if condition["status"] == "Unknown" or condition["type"] in _QUIET or _is_dull(condition):
            return
        body = event(custom, condition, at=_micro_time(self._wall()), identity=self._identity)
        namespace, name = custom.key.namespace, body["metadata"]["name"]
        try:
            status, answer = await self._api.send("POST", EVENTS, namespace, name, body, self._authority)
            if status == 409:
                await self._count_up(namespace, name, body)
            elif status >= 300:
                log.warning("event %s of %s is refused: %s", condition["reason"], custom.key, answer.get("message"))
        except Leaving:
            return  # it would go with its namespace
        except OperatorError as error:
            log.warning("event %s of %s was not written: %s", condition["reason"], custom.key, error)

    async def _count_up(self, namespace: str, name: str, body: Mapping[str, Any]) -> None:
        known = await self._api.get(EVENTS, namespace, name)
        count = int((known or {}).get("count") or 1) + 1
        again = {"count": count, "lastTimestamp": body["lastTimestamp"], "message": body["message"]}
        await self._api.send("PATCH", EVENTS, namespace, name, again, self._authority)


def event(custom: Custom, condition: Mapping[str, Any], *, at: str, identity: str) -> dict[str, Any]:
    """The event of a condition; the same object, reason and message have the same name, or the same reason where messages count."""
    note = f"{condition['type']}={condition['status']}: {condition.get('message') or condition['reason']}"[
        :LONGEST_NOTE
    ]
    cause = f"{condition['type']}={condition['status']}" if condition["type"] in _COUNTING else note
    digest = hashlib.sha256(f"{custom.uid}\x00{condition['reason']}\x00{cause}".encode()).hexdigest()[:16]
    good = (condition["status"] == "True") == (condition["type"] in _GOOD_WHEN_TRUE)
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{custom.key.name}.{digest}", "namespace": custom.key.namespace},
        "involvedObject": {
            "apiVersion": API_VERSION,
            "kind": custom.key.kind,
            "name": custom.key.name,
            "namespace": custom.key.namespace,
            "uid": custom.uid,
        },
        "reason": condition["reason"],
        "message": note,
        "type": "Normal" if good or condition["reason"] in _ON_THE_WAY else "Warning",
        "source": {"component": MANAGER},
        "reportingComponent": f"touchline.dev/{MANAGER}",
        "reportingInstance": identity[:128],
        "firstTimestamp": at,
        "lastTimestamp": at,
        "count": 1,
    }


def _is_dull(condition: Mapping[str, Any]) -> bool:
    """That nothing is wrong is no news, unless it was wrong before: the good end of it is told by Ready."""
    return condition["type"] not in _TOLD_BOTH_WAYS and (
        (condition["status"] == "True") == (condition["type"] in _GOOD_WHEN_TRUE)
    )


def _micro_time(micros: int) -> str:
    return datetime.fromtimestamp(micros // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
