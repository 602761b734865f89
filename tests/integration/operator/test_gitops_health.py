"""How Flux (kstatus) and Argo CD (our health scripts) judge objects by the statuses that the operator wrote.

No pods run here. Where a test says that pods are there, it writes what the controllers and the components would: the same judgement with
real pods is part of the scenarios in e2e.
"""

import asyncio
import json
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from nats.aio.client import Client

from support.gitops import Manifest, all_kinds, customs, live
from support.observed_world import market
from support.operator_process import Operator, Server, eventually
from touchline.local.servers import NatsServer
from touchline_e2e.fixtures import need
from touchline_e2e.health_judges import Verdict, argocd_health, disagreements, kstatus

pytestmark = [pytest.mark.servers, pytest.mark.cluster]

WITH_PODS = {"OddsEngine", "FeedProvider"}


@pytest.fixture(autouse=True)
def _built() -> None:
    need("argocd-judge", "kstatus")


@pytest.fixture
def kinds(server: Server, tenant: str, operator: Operator, broker: NatsServer) -> list[Manifest]:
    """The sample of every kind, brought about as far as that goes without pods."""
    manifests = all_kinds(tenant, broker)
    server.apply(tenant, *manifests, manager="argocd-controller")
    ours = customs(manifests)
    eventually(lambda: all(settled(each) for each in live(server, ours)), "every kind has been told", within=60)
    operator.settle()
    return ours


def settled(found: Manifest) -> bool:
    """Nothing is missing any more but the pods."""
    ready = ready_of(found)
    if found["kind"] in WITH_PODS:
        return ready.get("reason") == "PodsNotReady"
    return ready.get("status") == "True"


def ready_of(found: Manifest) -> Mapping[str, Any]:
    conditions = (found.get("status") or {}).get("conditions") or ()
    return next((each for each in conditions if each["type"] == "Ready"), {})


def judged(server: Server, tenant: str, kind: str, name: str) -> tuple[str, str]:
    """What kstatus and Argo CD say of one object."""
    found = [server.get(tenant, kind, name) or {}]
    return kstatus(found)[0].status, argocd_health(found)[0].status


def judged_as(server: Server, tenant: str, kind: str, name: str, *wanted: str) -> None:
    eventually(lambda: judged(server, tenant, kind, name) == wanted, f"{kind} {name} is judged as {wanted}")


def test_49_every_kind_is_healthy_or_progresses_by_both_judges(server: Server, kinds: list[Manifest]) -> None:
    found = live(server, kinds)
    assert len({each["kind"] for each in found}) == 8
    assert disagreements(found) == []
    for flux, argo in zip(kstatus(found), argocd_health(found), strict=True):
        wanted = ("InProgress", "Progressing") if flux.kind in WITH_PODS else ("Current", "Healthy")
        assert (flux.status, argo.status) == wanted, f"{flux}, {argo}"
    said = {each.kind: each.message for each in argocd_health(found)}
    assert said["OddsEngine"].startswith("PodsNotReady: ")
    assert "but NotRunByThisRelease" in said["FailoverDrill"]


def test_an_object_whose_reference_is_broken_is_degraded(server: Server, tenant: str, kinds: list[Manifest]) -> None:
    server.patch(tenant, "market", "american-football", {"spec": {"suspensionPolicyRef": {"name": "nowhere"}}})
    judged_as(server, tenant, "market", "american-football", "InProgress", "Degraded")
    found = live(server, kinds)
    assert disagreements(found) == []
    said = next(each for each in argocd_health(found) if each.name == "american-football" and each.kind == "Market")
    assert said.message.startswith(
        'SuspensionPolicyNotFound: spec.suspensionPolicyRef.name: no SuspensionPolicy is named "nowhere"'
    )
    server.patch(tenant, "market", "american-football", {"spec": {"suspensionPolicyRef": {"name": "in-play"}}})
    judged_as(server, tenant, "market", "american-football", "Current", "Healthy")


def test_a_provider_whose_secret_is_missing_is_degraded_although_its_pods_are_waited_for(
    server: Server, tenant: str, kinds: list[Manifest]
) -> None:
    server.patch(tenant, "feedprovider", "genius", {"spec": {"credentialsSecretRef": {"name": "nowhere"}}})
    judged_as(server, tenant, "feedprovider", "genius", "InProgress", "Degraded")


def test_a_paused_object_is_suspended_also_when_it_was_changed(
    server: Server, tenant: str, kinds: list[Manifest]
) -> None:
    pause = {"metadata": {"annotations": {"touchline.dev/paused": "true"}}}
    server.patch(tenant, "region", "us-east", pause)
    judged_as(server, tenant, "region", "us-east", "Current", "Suspended")
    server.patch(tenant, "region", "us-east", {"spec": {"weight": 50}})
    judged_as(server, tenant, "region", "us-east", "InProgress", "Suspended")
    assert disagreements(live(server, kinds)) == []
    server.patch(tenant, "region", "us-east", {"metadata": {"annotations": {"touchline.dev/paused": None}}})
    judged_as(server, tenant, "region", "us-east", "Current", "Healthy")


def test_what_no_operator_has_acted_on_progresses(
    server: Server, tenant: str, operator: Operator, kinds: list[Manifest]
) -> None:
    operator.process.send_signal(signal.SIGSTOP)
    try:  # for less than the operator's Lease lasts
        server.patch(tenant, "suspensionpolicy", "in-play", {"spec": {"reopening": {"coolDown": "9s"}}})
        server.apply(tenant, market("fresh", providers=["sportradar", "genius"], policy="in-play"))
        assert judged(server, tenant, "suspensionpolicy", "in-play") == ("InProgress", "Progressing")
        assert judged(server, tenant, "market", "fresh") == ("InProgress", "Progressing")
    finally:
        operator.process.send_signal(signal.SIGCONT)
    judged_as(server, tenant, "suspensionpolicy", "in-play", "Current", "Healthy")


async def test_an_engine_and_a_provider_with_pods_that_serve_are_healthy_and_degraded_when_nobody_leads(
    server: Server, tenant: str, kinds: list[Manifest], nc: Client
) -> None:
    deployments = [("deployment", name) for name in ("main-gateway", "main-recorder", "genius-ingest")]
    for kind, name in (("statefulset", "main-book"), *deployments):
        await asyncio.to_thread(pods_are_ready, server, tenant, kind, name)
    # Nothing is under way any more, and still no shard has a leader: somebody should look.
    await asyncio.to_thread(judged_as, server, tenant, "oddsengine", "main", "InProgress", "Degraded")
    await asyncio.to_thread(judged_as, server, tenant, "feedprovider", "genius", "InProgress", "Degraded")

    serving = asyncio.create_task(components_report(nc))
    try:
        await asyncio.to_thread(judged_as, server, tenant, "oddsengine", "main", "Current", "Healthy")
        await asyncio.to_thread(judged_as, server, tenant, "feedprovider", "genius", "Current", "Healthy")
        assert disagreements(live(server, kinds)) == []
    finally:
        serving.cancel()


def pods_are_ready(server: Server, tenant: str, kind: str, name: str) -> None:
    """What the workloads' controllers and a kubelet would write."""
    found = server.get(tenant, kind, name) or {}
    wanted = found["spec"].get("replicas", 1)
    counts = dict.fromkeys(("replicas", "readyReplicas", "updatedReplicas", "availableReplicas"), wanted)
    status = {"status": {"observedGeneration": found["metadata"]["generation"], **counts}}
    server.api.kubectl(
        "patch", kind, name, "-n", tenant, "--subresource=status", "--type=merge", "-p", json.dumps(status)
    )


async def components_report(nc: Client) -> None:
    """What book, gateway and ingest renew in the broker's `status` bucket."""
    bucket = await nc.jetstream().key_value("status")
    words = {
        "book.main-book-0": {"shards": {str(shard): {"leading": True, "epoch": 1} for shard in range(8)}},
        "gateway.main-gateway-0": {"ready": True, "connections": 0, "version": "0.0.0"},
        "ingest.genius": {"state": "Connected", "connected": True, "endpoint": "api.genius.example.com"},
    }
    while True:
        for key, said in words.items():
            await bucket.put(key, json.dumps(said).encode())
        await asyncio.sleep(1)


def test_a_judge_that_says_otherwise_is_a_disagreement(server: Server, kinds: list[Manifest], tmp_path: Path) -> None:
    found = next(each for each in live(server, kinds) if each["kind"] == "Region")
    assert disagreements([found]) == []
    without_ready = {**found, "status": {**found["status"], "conditions": []}}
    assert [each.status for each in kstatus([without_ready])] == ["Current"], (
        "kstatus takes it for a kind without Ready"
    )
    assert len(disagreements([without_ready])) == 1
    nothing = tmp_path / "argocd-cm.yaml"
    nothing.write_text("apiVersion: v1\nkind: ConfigMap\ndata: {}\n")
    assert argocd_health([found], settings=nothing) == [Verdict("Region", "us-east", "None", "")]
