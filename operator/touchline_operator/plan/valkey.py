"""The managed last-value cache: Valkey without persistence, since the book's leaders can write all of it again.

Number 0 is written and read; further servers are replicas of it for whoever wants to read them.
"""

from __future__ import annotations

from touchline.api.v1alpha1.odds_engine import ManagedRedis
from touchline_operator.plan.child import child, fingerprint
from touchline_operator.plan.names import labels, selector
from touchline_operator.plan.network import DNS, pods_of, policy, tcp
from touchline_operator.plan.parts import secret, service, service_account
from touchline_operator.plan.pods import container, env_field, mount, pod, secret_volume, tcp_probe
from touchline_operator.plan.wiring import VALKEY_PORT, Wiring
from touchline_operator.world.keys import Manifest

PART = "valkey"
MOST_MEMORY = "384mb"


def valkey(wiring: Wiring, managed: ManagedRedis, *, image: str) -> list[Manifest]:
    """All children of the cache."""
    owner, engine, name = wiring.engine, wiring.name, wiring.valkey_name
    password = wiring.material.valkey_password
    users = [pods_of(engine, "book"), pods_of(engine, "gateway")]
    peers = {"ports": tcp(VALKEY_PORT)}
    return [
        service_account(owner, name, engine, PART),
        secret(
            owner,
            name,
            engine,
            PART,
            {
                "password": password,
                "primary.conf": _config(password),
                "replica.conf": _config(password)
                + f"replicaof {name}-0.{name}.{owner.key.namespace}.svc {VALKEY_PORT}\n",
            },
        ),
        service(owner, name, engine, PART, {"valkey": (VALKEY_PORT, "valkey")}, headless=True),
        policy(
            owner,
            name,
            engine,
            PART,
            ingress=[{"from": [*users, pods_of(engine, PART)], **peers}],
            egress=[DNS, {"to": [pods_of(engine, PART)], **peers}],
        ),
        _servers(wiring, managed, image),
    ]


def _config(password: str) -> str:
    lines = (
        f"port {VALKEY_PORT}",
        "bind * -::*",
        'save ""',
        "appendonly no",
        "dir /tmp",
        f"maxmemory {MOST_MEMORY}",
        "maxmemory-policy noeviction",
        f"requirepass {password}",
        f"masterauth {password}",
    )
    return "".join(f"{line}\n" for line in lines)


def _servers(wiring: Wiring, managed: ManagedRedis, image: str) -> Manifest:
    engine, name = wiring.name, wiring.valkey_name
    server = container(
        "valkey",
        image,
        ["python", "-m", "touchline_operator.servers.valkey", "/etc/valkey"],
        env=[env_field("POD_NAME", "metadata.name")],
        ports={"valkey": VALKEY_PORT},
        mounts=[mount("config", "/etc/valkey")],
        requests={"cpu": "50m", "memory": "64Mi"},
        limits={"memory": "512Mi"},
        probes={
            "readinessProbe": tcp_probe("valkey"),
            "livenessProbe": tcp_probe("valkey", period=10, failures=6),
        },
    )
    template = pod(
        labels=labels(engine, PART),
        selector=selector(engine, PART),
        annotations={"touchline.dev/credentials": fingerprint(wiring.material.valkey_password)},
        service_account=name,
        containers=[server],
        volumes=[secret_volume("config", name)],
        grace_s=10,
        pull_secrets=wiring.pull_secrets,
    )
    spec = {
        "replicas": managed.replicas,
        "serviceName": name,
        "podManagementPolicy": "Parallel",
        "updateStrategy": {"type": "RollingUpdate"},
        "selector": {"matchLabels": selector(engine, PART)},
        "template": template,
    }
    return child("StatefulSet", name, wiring.engine, labels(engine, PART), {"spec": spec})
