"""Small children that several components have: service accounts, services, disruption budgets, Secrets."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from touchline_operator.plan.child import child
from touchline_operator.plan.names import labels, selector
from touchline_operator.world.custom import Custom
from touchline_operator.world.keys import Manifest


def service_account(owner: Custom, name: str, instance: str, component: str) -> Manifest:
    """An identity without permissions; its token is mounted nowhere."""
    return child("ServiceAccount", name, owner, labels(instance, component), {"automountServiceAccountToken": False})


def service(
    owner: Custom, name: str, instance: str, component: str, ports: Mapping[str, tuple[int, str]], *, headless: bool
) -> Manifest:
    """A Service; `ports` are port and container port's name, by name. Headless ones name pods before they are ready: peers must find
    each other to become so."""
    spec: dict[str, Any] = {
        "selector": selector(instance, component),
        "ports": [
            {"name": port, "port": number, "targetPort": target, "protocol": "TCP"}
            for port, (number, target) in ports.items()
        ],
    }
    if headless:
        spec |= {"clusterIP": "None", "publishNotReadyAddresses": True}
    else:
        spec |= {"type": "ClusterIP"}
    return child("Service", name, owner, labels(instance, component), {"spec": spec})


def disruption_budget(owner: Custom, name: str, instance: str, component: str) -> Manifest:
    """One pod at a time may be taken away on purpose."""
    spec = {"maxUnavailable": 1, "selector": {"matchLabels": selector(instance, component)}}
    return child("PodDisruptionBudget", name, owner, labels(instance, component), {"spec": spec})


def pod_monitor(owner: Custom, name: str, instance: str, component: str, endpoint: Mapping[str, Any]) -> Manifest:
    """Where a monitoring system reads the pods' figures; `endpoint` is added to their path."""
    spec = {
        "selector": {"matchLabels": selector(instance, component)},
        "podMetricsEndpoints": [{"path": "/metrics", **endpoint}],
    }
    return child("PodMonitor", name, owner, labels(instance, component), {"spec": spec})


def secret(owner: Custom, name: str, instance: str, component: str, values: Mapping[str, str]) -> Manifest:
    """A Secret of the operator's making; `values` are text."""
    data = {key: base64.b64encode(value.encode()).decode() for key, value in sorted(values.items())}
    return child("Secret", name, owner, labels(instance, component), {"type": "Opaque", "data": data})
