"""The book: nodes that are all candidates for every shard, so that each leader has a hot standby."""

from __future__ import annotations

from touchline.local import credentials
from touchline_operator.plan.child import child
from touchline_operator.plan.names import child_name, labels, selector
from touchline_operator.plan.nats import credentials_name
from touchline_operator.plan.network import policy, tcp
from touchline_operator.plan.parts import disruption_budget, pod_monitor, service, service_account
from touchline_operator.plan.pods import HEALTH, HEALTH_OPTIONS, HEALTH_PORT, container, env_value, health_probes, pod
from touchline_operator.plan.rollout import ON_DELETE
from touchline_operator.plan.wiring import Wiring
from touchline_operator.world.keys import Manifest

PART = "book"
SHARDS_PER_NODE = 8
MOST_NODES = 9
GRACE_S = 20
"""A node that stops releases its leases within a second; the rest is for a broker that does not answer."""


def book_nodes(shards: int) -> int:
    """Enough nodes to lead all shards, and one more that can take over from any of them."""
    return min(-(-shards // SHARDS_PER_NODE), MOST_NODES - 1) + 1


def book(wiring: Wiring, *, image: str, pod_monitors: bool) -> list[Manifest]:
    """All children of the book."""
    owner, engine = wiring.engine, wiring.name
    name = child_name(engine, PART)
    volumes, mounts = wiring.volumes()
    node = container(
        "book",
        image,
        ["python", "-m", "touchline.book", "--node", "$(TOUCHLINE_NODE)", *HEALTH_OPTIONS],
        env=[
            *wiring.env(credentials.BOOK, credentials_name(engine, credentials.BOOK)),
            *wiring.cache_env(),
            env_value("TOUCHLINE_BETS_SYNC", "always"),
        ],
        ports={HEALTH: HEALTH_PORT},
        mounts=mounts,
        requests={"cpu": "250m", "memory": "192Mi"},
        limits={"memory": "1Gi"},
        probes=health_probes(),
    )
    template = pod(
        labels=labels(engine, PART),
        selector=selector(engine, PART),
        annotations=wiring.restarts_with(credentials.BOOK),
        service_account=name,
        containers=[node],
        volumes=volumes,
        grace_s=GRACE_S,
        pull_secrets=wiring.pull_secrets,
    )
    spec = {
        "replicas": book_nodes(wiring.spec.spec.shards),
        "serviceName": name,
        "podManagementPolicy": "Parallel",
        # The operator deletes the pods one at a time, those that lead last: each hands its shards over when it stops.
        "updateStrategy": dict(ON_DELETE),
        "minReadySeconds": 5,
        "selector": {"matchLabels": selector(engine, PART)},
        "template": template,
    }
    children = [
        service_account(owner, name, engine, PART),
        service(owner, name, engine, PART, {}, headless=True),
        policy(owner, name, engine, PART, ingress=[{"ports": tcp(HEALTH_PORT)}], egress=wiring.egress(cache=True)),
        disruption_budget(owner, name, engine, PART),
        child("StatefulSet", name, owner, labels(engine, PART), {"spec": spec}),
    ]
    if pod_monitors:
        children.append(pod_monitor(owner, name, engine, PART, {"port": HEALTH}))
    return children
