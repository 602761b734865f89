"""The gateways: what bettors connect to."""

from __future__ import annotations

from typing import Any

from touchline.local import credentials
from touchline_operator.plan.child import child
from touchline_operator.plan.names import child_name, labels, selector
from touchline_operator.plan.nats import credentials_name
from touchline_operator.plan.network import policy, tcp
from touchline_operator.plan.parts import disruption_budget, pod_monitor, service, service_account
from touchline_operator.plan.pods import container, health_probes, pod, user_secrets
from touchline_operator.plan.wiring import Wiring
from touchline_operator.world.keys import Manifest

PART = "gateway"
PORT = 8080
DRAIN_MOST_S = 20
"""A gateway drains no longer than this (touchline.gateway.process)."""
CONNECTIONS_METRIC = "touchline_gateway_connections"


def gateway(wiring: Wiring, *, image: str, pod_monitors: bool) -> list[Manifest]:
    """All children of the gateways."""
    owner, engine, spec = wiring.engine, wiring.name, wiring.spec.spec.gateway
    name = child_name(engine, PART)
    scheme = "HTTPS" if spec.tls is not None else "HTTP"
    service_port = {"https": (443, "http")} if spec.tls is not None else {"http": (80, "http")}
    children = [
        service_account(owner, name, engine, PART),
        service(owner, name, engine, PART, service_port, headless=False),
        policy(owner, name, engine, PART, ingress=[{"ports": tcp(PORT)}], egress=wiring.egress(cache=True)),
        disruption_budget(owner, name, engine, PART),
        _deployment(wiring, name, image, scheme),
    ]
    if spec.autoscaling is not None:
        children.append(_autoscaler(wiring, name))
    if pod_monitors:
        endpoint: dict[str, Any] = {"port": "http", "scheme": scheme.lower()}
        if spec.tls is not None:
            endpoint["tlsConfig"] = {"insecureSkipVerify": True}
        children.append(pod_monitor(owner, name, engine, PART, endpoint))
    return children


def _deployment(wiring: Wiring, name: str, image: str, scheme: str) -> Manifest:
    engine, spec = wiring.name, wiring.spec.spec.gateway
    command = ["python", "-m", "touchline.gateway", "--host", "0.0.0.0", "--port", str(PORT)]
    volumes, mounts = wiring.volumes()
    if spec.auth.jwt is not None:
        # Without its keys a gateway still serves prices; it accepts no token until they are there.
        more = user_secrets([spec.auth.jwt.jwks_secret_ref.name], optional=True)
        volumes, mounts = [*volumes, *_numbered(more[0], "jwks")], [*mounts, *_numbered(more[1], "jwks")]
    if spec.tls is not None:
        command += ["--tls-secret", spec.tls.secret_ref.name]
        more = user_secrets([spec.tls.secret_ref.name], optional=False)
        if all(each["mountPath"] != more[1][0]["mountPath"] for each in mounts):
            volumes, mounts = [*volumes, *_numbered(more[0], "tls")], [*mounts, *_numbered(more[1], "tls")]
    server = container(
        PART,
        image,
        command,
        env=[*wiring.env(credentials.GATEWAY, credentials_name(engine, credentials.GATEWAY)), *wiring.cache_env()],
        ports={"http": PORT},
        mounts=mounts,
        requests={"cpu": "200m", "memory": "192Mi"},
        limits={"memory": "1Gi"},
        probes=health_probes("http", scheme=scheme),
    )
    drain_s = min(-(-spec.drain_spread.micros // 1_000_000), DRAIN_MOST_S)
    template = pod(
        labels=labels(engine, PART),
        selector=selector(engine, PART),
        annotations=wiring.restarts_with(credentials.GATEWAY),
        service_account=name,
        containers=[server],
        volumes=volumes,
        grace_s=drain_s + 10,
        pull_secrets=wiring.pull_secrets,
    )
    body: dict[str, Any] = {
        # Nobody is sent away before somebody else can take him in.
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
        "minReadySeconds": 5,
        "selector": {"matchLabels": selector(engine, PART)},
        "template": template,
    }
    if spec.autoscaling is None:
        body["replicas"] = spec.replicas  # otherwise the number is the autoscaler's
    return child("Deployment", name, wiring.engine, labels(engine, PART), {"spec": body})


def _numbered(entries: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return [{**entry, "name": name} for entry in entries]


def _autoscaler(wiring: Wiring, name: str) -> Manifest:
    scaling = wiring.spec.spec.gateway.autoscaling
    assert scaling is not None
    metric = {
        "type": "Pods",
        "pods": {
            "metric": {"name": CONNECTIONS_METRIC},
            "target": {"type": "AverageValue", "averageValue": str(scaling.target_connections)},
        },
    }
    spec = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
        "minReplicas": scaling.min_replicas,
        "maxReplicas": scaling.max_replicas,
        "metrics": [metric],
        # Connections are long: what leaves too early only comes back somewhere else.
        "behavior": {"scaleDown": {"stabilizationWindowSeconds": 300}},
    }
    return child("HorizontalPodAutoscaler", name, wiring.engine, labels(wiring.name, PART), {"spec": spec})
