"""NetworkPolicies: each component may talk to those it needs and to nobody else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from touchline_operator.plan.child import child
from touchline_operator.plan.names import labels, selector
from touchline_operator.world.custom import Custom
from touchline_operator.world.keys import Manifest

Peer = dict[str, Any]
Rule = dict[str, Any]


def pods_of(instance: str, component: str) -> Peer:
    """The pods of one component in the same namespace."""
    return {"podSelector": {"matchLabels": selector(instance, component)}}


def ingest_pods() -> Peer:
    """The ingest pods of every provider in the namespace."""
    wanted = {"app.kubernetes.io/name": "touchline", "app.kubernetes.io/component": "ingest"}
    return {"podSelector": {"matchLabels": wanted}}


def operator_pods(namespace: str) -> Peer:
    """The operator's own pods."""
    return {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        "podSelector": {"matchLabels": {"app.kubernetes.io/name": "touchline-operator"}},
    }


def tcp(*ports: int) -> list[dict[str, Any]]:
    return [{"protocol": "TCP", "port": port} for port in ports]


DNS: Rule = {
    "to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}],
    "ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}],
}


def anywhere(ports: Sequence[int]) -> Rule:
    """Any address, on these ports."""
    return {"ports": tcp(*ports)}


def policy(
    owner: Custom, name: str, instance: str, component: str, *, ingress: Sequence[Rule], egress: Sequence[Rule]
) -> Manifest:
    """What one component's pods may receive and send; an empty list allows nothing."""
    spec = {
        "podSelector": {"matchLabels": selector(instance, component)},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [dict(rule) for rule in ingress],
        "egress": [dict(rule) for rule in egress],
    }
    return child("NetworkPolicy", name, owner, labels(instance, component), {"spec": spec})
