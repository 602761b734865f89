"""Providers that are simulated (`touchline.dev/simulate`): the same simulator as in local mode, as pods of the namespace.

Providers of one group are served by one pod, so that they show the same matches in their own words. The data plane is told the
simulator's address in place of the declared one; everything else stays as declared, so ingest speaks the real protocol. A recording
comes from a volume that the provider names (`touchline.dev/recordings`): a ConfigMap holds up to a mebibyte, a claim anything.
Who asks for something that its group is not served (`touchline.api.simulated`) is neither simulated nor connected to the real provider.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from touchline.api import FeedProvider
from touchline.api.simulated import is_simulated, simulated_groups
from touchline_operator.plan.child import child
from touchline_operator.plan.names import child_name, labels, selector
from touchline_operator.plan.network import DNS, ingest_pods, policy, tcp
from touchline_operator.plan.parts import service, service_account
from touchline_operator.plan.pods import container, pod, tcp_probe
from touchline_operator.plan.recordings import recordings_volume, with_recordings
from touchline_operator.plan.wiring import Wiring
from touchline_operator.world.keys import Manifest

PART = "simulator"
CONTROL_PORT = 7100
"""On the pod's own loopback, for `kubectl port-forward` and `kubectl exec`: faults on demand, and what was really said."""
FIRST_PORT = 7101


@dataclass(frozen=True)
class Group:
    """One simulator. A provider's port follows from its place among all names of the group."""

    name: str
    what: str
    providers: tuple[str, ...]
    recordings: str = ""
    """The volume with the recording: kind and name, or nothing."""

    @property
    def host(self) -> str:
        return child_name(self.name, PART)

    def port_of(self, provider: str) -> int:
        return FIRST_PORT + self.providers.index(provider)


def groups(providers: Iterable[FeedProvider]) -> list[Group]:
    """The simulators that the annotated providers need, by name; those that do not fit in are in none."""
    found, _ = simulated_groups(providers)
    return [Group(each.name, each.what, each.providers, each.recordings) for each in found]


def group_of(provider: str, everybody: Iterable[Group]) -> Group | None:
    """The simulator that serves a provider."""
    return next((group for group in everybody if provider in group.providers), None)


def misfit(resource: object, everybody: Iterable[Group]) -> bool:
    """Whether this is a provider that asks for a simulator and fits in no group: nothing runs of it, and nothing is told."""
    return isinstance(resource, FeedProvider) and is_simulated(resource) and group_of(resource.name, everybody) is None


def redirected(document: Mapping[str, Any], group: Group, namespace: str) -> dict[str, Any]:
    """A FeedProvider as the data plane is told it: with the simulator's address."""
    changed = copy.deepcopy(dict(document))
    block = changed["spec"]["betfairStream"]
    block["endpoint"] = f"{group.host}.{namespace}.svc:{group.port_of(document['metadata']['name'])}"
    block["tls"] = {"mode": "Disabled"}
    return changed


def simulator(wiring: Wiring, group: Group, *, image: str) -> list[Manifest]:
    """All children of one simulator."""
    owner, name = wiring.engine, group.host
    ports = {f"feed-{number}": FIRST_PORT + number for number in range(len(group.providers))}
    command = ["python", "-m", "touchline.sim", "--host", "0.0.0.0", "--plain", "--control", str(CONTROL_PORT)]
    for provider in group.providers:
        command += ["--serve", f"{provider}={group.port_of(provider)}"]
    if group.what.startswith("recording:"):
        command += ["--recording", group.what.partition(":")[2].strip()]
    server = container(
        PART,
        image,
        command,
        ports=ports,
        requests={"cpu": "50m", "memory": "96Mi"},
        limits={"memory": "512Mi"},
        probes={"readinessProbe": tcp_probe("feed-0"), "livenessProbe": tcp_probe("feed-0", period=10, failures=6)},
    )
    volumes = recordings_volume(group.recordings)
    if volumes:
        server = with_recordings(server)
    template = pod(
        labels=labels(group.name, PART),
        selector=selector(group.name, PART),
        annotations={},
        service_account=name,
        containers=[server],
        volumes=volumes,
        grace_s=5,
        pull_secrets=wiring.pull_secrets,
    )
    spec = {
        "replicas": 1,
        "strategy": {"type": "Recreate"},
        "selector": {"matchLabels": selector(group.name, PART)},
        "template": template,
    }
    opened = {port: (number, port) for port, number in ports.items()}
    return [
        service_account(owner, name, group.name, PART),
        service(owner, name, group.name, PART, opened, headless=False),
        policy(
            owner,
            name,
            group.name,
            PART,
            ingress=[{"from": [ingest_pods()], "ports": tcp(*ports.values())}],
            egress=[DNS],
        ),
        child("Deployment", name, owner, labels(group.name, PART), {"spec": spec}),
    ]
