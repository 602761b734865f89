"""The managed brokers: a StatefulSet of NATS servers with JetStream, and what they need."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from touchline.api.v1alpha1.odds_engine import ManagedNats
from touchline.local import credentials
from touchline_operator.plan.broker_config import NAME_VARIABLE, PID_FILE, TLS_DIR, broker_config
from touchline_operator.plan.child import child, fingerprint
from touchline_operator.plan.names import child_name, labels, selector
from touchline_operator.plan.network import DNS, ingest_pods, operator_pods, pods_of, policy, tcp
from touchline_operator.plan.parts import disruption_budget, secret, service, service_account
from touchline_operator.plan.pods import container, env_field, env_value, http_probe, mount, pod, secret_volume
from touchline_operator.plan.wiring import CA_FILE, MONITOR_PORT, NATS_PORT, ROUTES_PORT, Wiring
from touchline_operator.world.keys import Manifest

PART = "nats"
ENGINE_USERS = (credentials.ADMIN, credentials.BOOK, credentials.GATEWAY, credentials.CLI, credentials.RECORDER)
"""Broker users of the engine itself; each provider's is the provider's."""
GRACE_S = 30


def nats(
    wiring: Wiring, managed: ManagedNats, providers: Sequence[str], *, image: str, operator: str
) -> list[Manifest]:
    """All children of the brokers. `operator` is the namespace that the operator connects from."""
    owner, engine, name = wiring.engine, wiring.name, wiring.nats_name
    config_name, tls_name = child_name(engine, "nats-config"), child_name(engine, "nats-tls")
    authority, server = wiring.material.authority, wiring.material.server
    assert authority is not None
    assert server is not None
    ports = {"client": (NATS_PORT, "client"), "routes": (ROUTES_PORT, "routes"), "monitor": (MONITOR_PORT, "monitor")}
    parts = ("book", "gateway", "recorder")
    clients = [*(pods_of(engine, part) for part in parts), ingest_pods(), operator_pods(operator)]
    between = {"ports": tcp(ROUTES_PORT)}
    return [
        service_account(owner, name, engine, PART),
        secret(owner, config_name, engine, PART, {"nats.conf": broker_config(wiring, managed, providers)}),
        secret(
            owner,
            tls_name,
            engine,
            PART,
            {"tls.crt": server.certificate, "tls.key": server.key, CA_FILE: authority.certificate},
        ),
        *(
            secret(
                owner,
                credentials_name(engine, user),
                engine,
                PART,
                {"user": user, "password": wiring.material.passwords.get(user, "")},
            )
            for user in ENGINE_USERS[1:]  # the admin is the operator, which has the material
        ),
        child("ConfigMap", wiring.ca_name, owner, labels(engine, PART), {"data": {CA_FILE: authority.certificate}}),
        service(owner, name, engine, PART, ports, headless=True),
        policy(
            owner,
            name,
            engine,
            PART,
            ingress=[{"from": clients, "ports": tcp(NATS_PORT)}, {"from": [pods_of(engine, PART)], **between}],
            egress=[DNS, {"to": [pods_of(engine, PART)], **between}],
        ),
        disruption_budget(owner, name, engine, PART),
        _servers(wiring, managed, image, config_name, tls_name),
    ]


def credentials_name(owner: str, user: str) -> str:
    """Name of the Secret with one broker user."""
    return child_name(owner, f"{user}-credentials")


def readiness(replicas: int) -> str:
    """What a server answers 200 to when it is ready. Of several, each must hold current copies before the next may be restarted; the
    narrower question is answered 200 even before it has found the others. Nobody is kept from a server that is not ready: its name
    is known all the same."""
    return "/healthz" if replicas > 1 else "/healthz?js-server-only=true"


def _servers(wiring: Wiring, managed: ManagedNats, image: str, config: str, tls: str) -> Manifest:
    engine, name = wiring.name, wiring.nats_name
    server = wiring.material.server
    assert server is not None
    mounts = [
        mount("config", "/etc/nats/config"),
        mount("tls", TLS_DIR),
        mount("run", "/run/nats", read_only=False),
    ]
    containers = [
        container(
            "nats",
            image,
            ["nats-server", "-c", "/etc/nats/config/nats.conf"],
            env=[env_field(NAME_VARIABLE, "metadata.name"), env_value("GOMEMLIMIT", "1700MiB")],
            ports={"client": NATS_PORT, "routes": ROUTES_PORT, "monitor": MONITOR_PORT},
            mounts=[*mounts, mount("data", "/data", read_only=False)],
            requests={"cpu": "100m", "memory": "256Mi"},
            limits={"memory": "2Gi"},
            probes={
                "startupProbe": http_probe("/healthz?js-enabled-only=true", "monitor", period=2, failures=90),
                "readinessProbe": http_probe(readiness(managed.replicas), "monitor"),
                "livenessProbe": http_probe("/healthz?js-enabled-only=true", "monitor", period=10, failures=6),
            },
        ),
        container(
            "reload",
            image,
            ["python", "-m", "touchline_operator.servers.reload", "--pid-file", PID_FILE, "/etc/nats/config", TLS_DIR],
            mounts=mounts,
            requests={"cpu": "5m", "memory": "32Mi"},
            limits={"memory": "64Mi"},
        ),
    ]
    # A changed list of users is read again while the servers run; what they only read at their start must restart them.
    start = fingerprint(str(managed.replicas), managed.storage.size.text)
    template = pod(
        labels=labels(engine, PART),
        selector=selector(engine, PART),
        annotations={"touchline.dev/start": start},
        service_account=name,
        containers=containers,
        volumes=[
            secret_volume("config", config),
            secret_volume("tls", tls),
            {"name": "run", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}},
        ],
        grace_s=GRACE_S,
        pull_secrets=wiring.pull_secrets,
        more={"shareProcessNamespace": True},
    )
    storage: dict[str, Any] = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": managed.storage.size.text}},
    }
    if managed.storage.storage_class_name is not None:
        storage["storageClassName"] = managed.storage.storage_class_name
    spec = {
        "replicas": managed.replicas,
        "serviceName": name,
        "podManagementPolicy": "Parallel",
        "updateStrategy": {"type": "RollingUpdate"},
        "minReadySeconds": 5,
        "selector": {"matchLabels": selector(engine, PART)},
        "template": template,
        "volumeClaimTemplates": [
            {"metadata": {"name": "data", "labels": selector(engine, PART)}, "spec": storage},
        ],
        "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
    }
    return child("StatefulSet", name, wiring.engine, labels(engine, PART), {"spec": spec})
