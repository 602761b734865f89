"""Names of objects, and where each kind stands in the API."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from touchline.api import GROUP, KINDS, VERSION

Manifest = dict[str, Any]

MANAGER = "touchline-operator"
"""Field manager of everything that the operator applies, and the value of the managed-by label."""
PLAN_HASH = f"{GROUP}/plan"
"""Annotation on children: a hash of the manifest that was applied."""


class Key(NamedTuple):
    """One object of a kind. Orders by kind, namespace, name."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


class Place(NamedTuple):
    """Where a kind stands in the API: `group` is empty for the core."""

    group: str
    version: str
    plural: str

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version


CHILD_PLACES: dict[str, Place] = {
    "ServiceAccount": Place("", "v1", "serviceaccounts"),
    "Secret": Place("", "v1", "secrets"),
    "ConfigMap": Place("", "v1", "configmaps"),
    "Service": Place("", "v1", "services"),
    "NetworkPolicy": Place("networking.k8s.io", "v1", "networkpolicies"),
    "PodDisruptionBudget": Place("policy", "v1", "poddisruptionbudgets"),
    "StatefulSet": Place("apps", "v1", "statefulsets"),
    "Deployment": Place("apps", "v1", "deployments"),
    "HorizontalPodAutoscaler": Place("autoscaling", "v2", "horizontalpodautoscalers"),
    "PodMonitor": Place("monitoring.coreos.com", "v1", "podmonitors"),
}
"""Kinds of children in the order in which they are applied: what a pod needs comes before the pod."""

CUSTOM_PLACES: dict[str, Place] = {kind: Place(GROUP, VERSION, model.info.plural) for kind, model in KINDS.items()}
POD = Place("", "v1", "pods")
"""Pods are no children of ours but their workloads': asked for by label when it matters, never watched."""
PLACES: dict[str, Place] = {**CUSTOM_PLACES, **CHILD_PLACES, "Pod": POD}


def key_of(manifest: Mapping[str, Any]) -> Key:
    """The key of a plain object."""
    metadata = manifest["metadata"]
    return Key(str(manifest["kind"]), str(metadata.get("namespace") or ""), str(metadata["name"]))
