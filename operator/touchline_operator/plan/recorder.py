"""The audit log's writer: one pod. While it is replaced nothing is lost, since the broker holds prices for an hour and decisions for good;
two at once write nothing twice (`touchline.recorder.audit_log`)."""

from __future__ import annotations

from touchline.local import credentials
from touchline_operator.plan.child import child
from touchline_operator.plan.names import child_name, labels, selector
from touchline_operator.plan.nats import credentials_name
from touchline_operator.plan.network import policy, tcp
from touchline_operator.plan.parts import pod_monitor, service_account
from touchline_operator.plan.pods import HEALTH, HEALTH_OPTIONS, HEALTH_PORT, container, health_probes, pod
from touchline_operator.plan.wiring import Wiring
from touchline_operator.world.keys import Manifest

PART = "recorder"
GRACE_S = 15
"""It stores what it has read within two seconds; the rest is for a broker that does not answer."""


def recorder(wiring: Wiring, *, image: str, pod_monitors: bool) -> list[Manifest]:
    """All children of the recorder. No PodDisruptionBudget: a node that is drained may take it along."""
    owner, engine = wiring.engine, wiring.name
    name = child_name(engine, PART)
    volumes, mounts = wiring.volumes()
    writer = container(
        PART,
        image,
        ["python", "-m", "touchline.recorder", "--shards", str(wiring.spec.spec.shards), *HEALTH_OPTIONS],
        env=wiring.env(credentials.RECORDER, credentials_name(engine, credentials.RECORDER)),
        ports={HEALTH: HEALTH_PORT},
        mounts=mounts,
        requests={"cpu": "50m", "memory": "96Mi"},
        limits={"memory": "512Mi"},
        probes=health_probes(),
    )
    template = pod(
        labels=labels(engine, PART),
        selector=selector(engine, PART),
        annotations=wiring.restarts_with(credentials.RECORDER),
        service_account=name,
        containers=[writer],
        volumes=volumes,
        grace_s=GRACE_S,
        pull_secrets=wiring.pull_secrets,
    )
    spec = {
        "replicas": 1,
        "strategy": {"type": "Recreate"},
        "selector": {"matchLabels": selector(engine, PART)},
        "template": template,
    }
    children = [
        service_account(owner, name, engine, PART),
        policy(owner, name, engine, PART, ingress=[{"ports": tcp(HEALTH_PORT)}], egress=wiring.egress(cache=False)),
        child("Deployment", name, owner, labels(engine, PART), {"spec": spec}),
    ]
    if pod_monitors:
        children.append(pod_monitor(owner, name, engine, PART, {"port": HEALTH}))
    return children
