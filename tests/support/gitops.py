"""Examples as a GitOps tool gives them to a cluster, and what it then sees there."""

import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from support.observed_world import documents
from support.operator_process import ROOT, Operator, Server, eventually
from touchline.local.servers import NatsServer
from touchline_operator.bus.channel import STARTING_US

TRACKED_BY = "argocd.argoproj.io/tracking-id"
KINDS = ROOT / "examples" / "kinds"
QUIET_S = STARTING_US / 1e6 + 2
Manifest = dict[str, Any]


def tracked(namespace: str, folder: Path) -> list[Manifest]:
    """Every manifest of a folder in a namespace, with the annotation by which Argo CD knows what is its own."""
    found = documents([folder])
    for each in found:
        metadata, group = each["metadata"], each["apiVersion"].rpartition("/")[0]
        metadata["namespace"] = namespace
        mark = f"touchline:{group}/{each['kind']}:{namespace}/{metadata['name']}"
        metadata["annotations"] = {**metadata.get("annotations", {}), TRACKED_BY: mark}
    return found


def all_kinds(namespace: str, broker: NatsServer) -> list[Manifest]:
    """The sample of every kind, with one small broker instead of somebody's cluster of them."""
    found = tracked(namespace, KINDS)
    for each in found:
        if each["kind"] == "OddsEngine":
            each["spec"]["nats"] = {"external": {"urls": [broker.url]}}
            each["spec"]["bets"] = {"durability": "Fsync"}
        if each["kind"] == "FeedProvider":
            each["spec"]["capture"] = {"maxBytes": "10Mi"}
    return found


def live(server: Server, manifests: Iterable[Manifest]) -> list[Manifest]:
    """What the cluster has of them, in their order; each must be there."""
    text = server.api.kubectl(
        *("get", "-f", "-", "-o", "json", "--show-managed-fields"), stdin=yaml.safe_dump_all(manifests)
    )
    found = json.loads(text)
    items: list[Manifest] = found["items"] if found["kind"] == "List" else [found]
    return items


def customs(manifests: Iterable[Manifest]) -> list[Manifest]:
    """Those of our kinds."""
    return [each for each in manifests if each["apiVersion"].startswith("touchline.dev/")]


def versions(server: Server, manifests: Iterable[Manifest]) -> dict[str, tuple[str, int | None]]:
    """`resourceVersion` and `generation` of each."""
    return versions_of(live(server, manifests))


def versions_of(found: Iterable[Manifest]) -> dict[str, tuple[str, int | None]]:
    """As `versions`, of what was read."""
    return {
        f"{each['kind']} {each['metadata']['name']}": (
            each["metadata"]["resourceVersion"],
            each["metadata"].get("generation"),
        )
        for each in found
    }


def at_rest(server: Server, operator: Operator, manifests: list[Manifest]) -> dict[str, tuple[str, int | None]]:
    """Wait until the operator has acted on every object and writes nothing more; the versions then.

    It must have been quiet for longer than the operator gives components to report for the first time: then it writes that they did not.
    """
    seen: dict[str, tuple[str, int | None]] = {}
    quiet_since = time.monotonic()

    def rested() -> bool:
        nonlocal seen, quiet_since
        found = live(server, manifests)
        before, seen = seen, versions_of(found)
        if before != seen or not all(acted_on(each) for each in customs(found)):
            quiet_since = time.monotonic()
        return time.monotonic() - quiet_since > QUIET_S

    eventually(rested, "nothing changes any more", within=90)
    operator.settle()
    assert versions(server, manifests) == seen
    return seen


def acted_on(found: Manifest) -> bool:
    """Whether the operator has seen the last change."""
    seen: bool = (found.get("status") or {}).get("observedGeneration") == found["metadata"]["generation"]
    return seen


def owned(found: Manifest, manager: str) -> set[str]:
    """Which top-level fields (`f:spec`) a field manager owns of an object."""
    return {
        name
        for entry in found["metadata"]["managedFields"]
        if entry["manager"] == manager
        for name in entry["fieldsV1"]
    }
