"""Examples as a GitOps tool gives them to a cluster, and what it then sees there."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from support.observed_world import documents
from support.operator_process import ROOT, Operator, Server, eventually
from touchline.local.servers import NatsServer

TRACKED_BY = "argocd.argoproj.io/tracking-id"
KINDS = ROOT / "examples" / "kinds"
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
    found = [
        server.get(each["metadata"]["namespace"], each["kind"], each["metadata"]["name"]) or {} for each in manifests
    ]
    assert all(found), "an object is gone"
    return found


def customs(manifests: Iterable[Manifest]) -> list[Manifest]:
    """Those of our kinds."""
    return [each for each in manifests if each["apiVersion"].startswith("touchline.dev/")]


def versions(server: Server, manifests: Iterable[Manifest]) -> dict[str, tuple[str, int | None]]:
    """`resourceVersion` and `generation` of each."""
    return {
        f"{each['kind']} {each['metadata']['name']}": (
            each["metadata"]["resourceVersion"],
            each["metadata"].get("generation"),
        )
        for each in live(server, manifests)
    }


def at_rest(server: Server, operator: Operator, manifests: list[Manifest]) -> dict[str, tuple[str, int | None]]:
    """Wait until the operator has looked at every object and has nothing more to write; the versions then."""
    seen: dict[str, tuple[str, int | None]] = {}

    def rested() -> bool:
        nonlocal seen
        before, seen = seen, versions(server, manifests)
        operator.settle()
        acted = all(
            each["status"].get("observedGeneration") == each["metadata"]["generation"]
            for each in customs(live(server, manifests))
        )
        return acted and before == seen == versions(server, manifests)

    eventually(rested, "nothing changes any more", within=90)
    return seen


def owned(found: Manifest, manager: str) -> set[str]:
    """Which top-level fields (`f:spec`) a field manager owns of an object."""
    return {
        name
        for entry in found["metadata"]["managedFields"]
        if entry["manager"] == manager
        for name in entry["fieldsV1"]
    }
