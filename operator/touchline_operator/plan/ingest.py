"""The reception of one provider: an active and a standby pod in a Deployment of its own, with a broker user of its own."""

from __future__ import annotations

from touchline.api import RECORDINGS, FeedProvider
from touchline.local import credentials
from touchline_operator.plan import simulators
from touchline_operator.plan.child import child
from touchline_operator.plan.names import PROVIDER_LABEL, child_name, labels, selector
from touchline_operator.plan.nats import credentials_name
from touchline_operator.plan.network import Rule, anywhere, pods_of, policy, tcp
from touchline_operator.plan.parts import disruption_budget, pod_monitor, secret
from touchline_operator.plan.pods import (
    HEALTH,
    HEALTH_OPTIONS,
    HEALTH_PORT,
    container,
    health_probes,
    pod,
    user_secrets,
)
from touchline_operator.plan.recordings import recordings_volume, with_recordings
from touchline_operator.plan.simulators import Group
from touchline_operator.plan.wiring import Wiring, port_of
from touchline_operator.world.custom import Custom
from touchline_operator.world.keys import Manifest

PART = "ingest"
REPLICAS = 2
"""One receives, the other stands by: they take turns by a lease in the broker (touchline.ingest.turn)."""
GRACE_S = 20
HTTPS_PORT = 443


def accounts_name(engine: str) -> str:
    """The service account of all ingest pods; it has no permissions."""
    return child_name(engine, PART)


def ingest(
    wiring: Wiring,
    owner: Custom,
    provider: FeedProvider,
    *,
    image: str,
    simulated: Group | None,
    pod_monitors: bool,
) -> list[Manifest]:
    """All children of one FeedProvider; `simulated` is the simulator that stands in for the real provider."""
    name, user = child_name(provider.name, PART), credentials.ingest_user(provider.name)
    marks = labels(provider.name, PART) | {PROVIDER_LABEL: provider.name}
    volumes, mounts = wiring.volumes()
    # Ingest says itself what it waits for, and reads a Secret again when it changes.
    more = user_secrets([each.name for each in owner.references if each.kind == "Secret"], optional=True)
    volumes, mounts = [*volumes, *more[0]], [*mounts, *more[1]]
    credentials_secret = credentials_name(provider.name, PART)
    children = []
    if wiring.spec.spec.nats.managed is not None:
        values = {"user": user, "password": wiring.material.passwords.get(user, "")}
        children.append(secret(owner, credentials_secret, provider.name, PART, values))
    receiver = container(
        PART,
        image,
        ["python", "-m", "touchline.ingest", "--provider", provider.name, *HEALTH_OPTIONS],
        env=wiring.env(user, credentials_secret),
        ports={HEALTH: HEALTH_PORT},
        mounts=mounts,
        requests={"cpu": "100m", "memory": "128Mi"},
        limits={"memory": "768Mi"},
        probes=health_probes(),
    )
    recordings = recordings_volume(provider.metadata.annotations.get(RECORDINGS, ""))
    if provider.spec.replay is not None and recordings:
        receiver, volumes = with_recordings(receiver), [*volumes, *recordings]
    template = pod(
        labels=marks,
        selector=selector(provider.name, PART),
        annotations=wiring.restarts_with(user),
        service_account=accounts_name(wiring.name),
        containers=[receiver],
        volumes=volumes,
        grace_s=GRACE_S,
        pull_secrets=wiring.pull_secrets,
    )
    spec = {
        "replicas": REPLICAS,
        # A new one stands by before an old one goes; whoever has the turn gives it away when it is stopped.
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
        "selector": {"matchLabels": selector(provider.name, PART)},
        "template": template,
    }
    egress = [*wiring.egress(cache=False), _way_out(provider, simulated)]
    children += [
        policy(owner, name, provider.name, PART, ingress=[{"ports": tcp(HEALTH_PORT)}], egress=egress),
        disruption_budget(owner, name, provider.name, PART),
        child("Deployment", name, owner, marks, {"spec": spec}),
    ]
    if pod_monitors:
        children.append(pod_monitor(owner, name, provider.name, PART, {"port": HEALTH}))
    return children


def _way_out(provider: FeedProvider, simulated: Group | None) -> Rule:
    if simulated is None:
        return anywhere(provider_ports(provider))
    return {"to": [pods_of(simulated.name, simulators.PART)], "ports": tcp(simulated.port_of(provider.name))}


def provider_ports(provider: FeedProvider) -> list[int]:
    """Where the provider is spoken to: its endpoint's port, 443 where none is named."""
    spec = provider.spec
    ports = {HTTPS_PORT: None}
    for block in (
        spec.betfair_stream,
        spec.sportradar_uof,
        spec.genius_sports,
        spec.sports_data_io,
        spec.the_odds_api,
        spec.pinnacle,
        spec.optic_odds,
    ):
        if block is not None:
            ports[port_of(str(block.endpoint), HTTPS_PORT)] = None
    return sorted(ports)
