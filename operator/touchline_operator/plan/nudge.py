"""What makes the kubelet look at a pod's mounted Secrets at once.

It renews a mounted Secret only when it looks at the pod again, which without a cause is about once a minute; so long a new provider's
user would be unknown to a broker that runs. A changed annotation of the pod is such a cause. It is put on the pods, not on their
template: nothing restarts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from touchline.api import GROUP
from touchline_operator.plan.child import fingerprint
from touchline_operator.plan.names import child_name
from touchline_operator.world.keys import PLAN_HASH, Key, Manifest, key_of

CONFIG = f"{GROUP}/config"
"""Annotation on brokers' pods: which configuration the kubelet was last told to look for."""
AGAIN = ".again"
READ_AGAIN = ("nats-config", "nats-tls")
"""Secrets that a server reads again while it runs. Valkey reads its own only when it starts: what changes there restarts it."""


def configuration(engine: Key, planned: Iterable[Manifest], refused: Iterable[Key]) -> str:
    """A hash of what the brokers' pods should have mounted; empty where there are none, or where the API server refused it."""
    wanted = [Key("Secret", engine.namespace, child_name(engine.name, part)) for part in READ_AGAIN]
    hashes = {
        key: str(manifest["metadata"]["annotations"][PLAN_HASH])
        for manifest in planned
        if (key := key_of(manifest)) in wanted
    }
    if len(hashes) < len(wanted) or set(wanted) & set(refused):
        return ""
    return fingerprint(*(hashes[key] for key in wanted))


def to_nudge(pods: Iterable[Mapping[str, Any]], wanted: str, *, again: bool) -> list[tuple[Mapping[str, Any], str]]:
    """Pods to annotate, and with what. `again`: also those that were told once, but none a third time."""
    found = []
    for pod in pods:
        told = str((pod["metadata"].get("annotations") or {}).get(CONFIG, ""))
        if "deletionTimestamp" in pod["metadata"] or told == wanted + AGAIN or (told == wanted and not again):
            continue
        found.append((pod, wanted + AGAIN if told == wanted else wanted))
    return found
