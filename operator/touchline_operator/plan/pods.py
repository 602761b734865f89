"""Pods as the restricted Pod Security Standard wants them, spread over nodes and zones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

USER = 10001
SECRETS_DIR = "/etc/touchline/secrets"
Volume = dict[str, Any]
Mount = dict[str, Any]

CONTAINER_SECURITY: dict[str, Any] = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def container(
    name: str,
    image: str,
    command: Sequence[str],
    *,
    env: Sequence[Mapping[str, Any]] = (),
    ports: Mapping[str, int] | None = None,
    mounts: Sequence[Mount] = (),
    requests: Mapping[str, str],
    limits: Mapping[str, str],
    probes: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """A container that can write nowhere but into its mounts; `probes` by field name."""
    return {
        "name": name,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": list(command),
        **({"env": [dict(entry) for entry in env]} if env else {}),
        **(
            {
                "ports": [
                    {"name": port, "containerPort": number, "protocol": "TCP"} for port, number in (ports or {}).items()
                ]
            }
            if ports
            else {}
        ),
        "resources": {"requests": dict(requests), "limits": dict(limits)},
        **(probes or {}),
        "securityContext": CONTAINER_SECURITY,
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}, *mounts],
    }


def pod(
    *,
    labels: Mapping[str, str],
    selector: Mapping[str, str],
    annotations: Mapping[str, str],
    service_account: str,
    containers: Sequence[Mapping[str, Any]],
    volumes: Sequence[Volume] = (),
    grace_s: int,
    pull_secrets: Sequence[str],
    more: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """A pod template. `grace_s` is what a clean stop may take; `pull_secrets` are what the image is pulled with."""
    return {
        "metadata": {"labels": dict(labels), **({"annotations": dict(annotations)} if annotations else {})},
        "spec": {
            "serviceAccountName": service_account,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": grace_s,
            **({"imagePullSecrets": [{"name": name} for name in pull_secrets]} if pull_secrets else {}),
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": USER,
                "runAsGroup": USER,
                "fsGroup": USER,
                "fsGroupChangePolicy": "OnRootMismatch",
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "topologySpreadConstraints": [
                {
                    "maxSkew": 1,
                    "topologyKey": key,
                    "whenUnsatisfiable": "ScheduleAnyway",
                    "labelSelector": {"matchLabels": dict(selector)},
                }
                for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
            ],
            "containers": [dict(each) for each in containers],
            "volumes": [{"name": "tmp", "emptyDir": {"medium": "Memory", "sizeLimit": "64Mi"}}, *volumes],
            **(more or {}),
        },
    }


def http_probe(path: str, port: str, *, scheme: str = "HTTP", period: int = 5, failures: int = 3) -> dict[str, Any]:
    """A probe over HTTP; the first failure after `period * failures` seconds counts."""
    return {
        "httpGet": {"path": path, "port": port, "scheme": scheme},
        "periodSeconds": period,
        "timeoutSeconds": 3,
        "failureThreshold": failures,
    }


HEALTH = "health"
HEALTH_PORT = 8081
HEALTH_OPTIONS = ["--health-host", "0.0.0.0", "--health-port", str(HEALTH_PORT)]
"""What makes a component without a port of its own answer its probes (touchline.bus.health_port)."""


def health_probes(port: str = HEALTH, *, scheme: str = "HTTP") -> dict[str, Any]:
    """The probes of a component: `/healthz` while its loop turns, `/readyz` while it is of use.

    Readiness is asked often, for a rollout waits for it pod by pod.
    """
    return {
        "startupProbe": http_probe("/healthz", port, scheme=scheme, period=2, failures=60),
        "readinessProbe": http_probe("/readyz", port, scheme=scheme, period=2, failures=2),
        "livenessProbe": http_probe("/healthz", port, scheme=scheme, period=10),
    }


def tcp_probe(port: str, *, period: int = 5, failures: int = 3) -> dict[str, Any]:
    """A probe that opens a connection."""
    return {"tcpSocket": {"port": port}, "periodSeconds": period, "timeoutSeconds": 3, "failureThreshold": failures}


def secret_volume(name: str, secret: str, *, optional: bool = False) -> Volume:
    """A Secret as files. `optional`: the pod starts without it, and finds it a little after it was created."""
    return {
        "name": name,
        "secret": {"secretName": secret, "defaultMode": 0o440, **({"optional": True} if optional else {})},
    }


def mount(name: str, path: str, *, read_only: bool = True) -> Mount:
    return {"name": name, "mountPath": path, **({"readOnly": True} if read_only else {})}


def user_secrets(names: Sequence[str], *, optional: bool) -> tuple[list[Volume], list[Mount]]:
    """The user's Secrets, one folder each as the components expect them (`TOUCHLINE_SECRETS_DIR`)."""
    volumes = [
        secret_volume(f"secret-{number}", name, optional=optional) for number, name in enumerate(dict.fromkeys(names))
    ]
    mounts = [mount(f"secret-{number}", f"{SECRETS_DIR}/{name}") for number, name in enumerate(dict.fromkeys(names))]
    return volumes, mounts


def env_value(name: str, value: str) -> dict[str, Any]:
    return {"name": name, "value": value}


def env_secret(name: str, secret: str, key: str) -> dict[str, Any]:
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}


def env_field(name: str, path: str) -> dict[str, Any]:
    return {"name": name, "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": path}}}
