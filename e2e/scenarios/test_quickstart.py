"""`kubectl apply -f examples/quickstart` where the chart is installed: pods, prices, bets, suspensions, and edits while it serves."""

import asyncio
import functools
import json
from collections.abc import AsyncIterator

import pytest

from scenarios.in_cluster import InCluster
from support.bettors import bettors
from support.waiting import kept, until, wait_until
from touchline.domain.version import Version
from touchline.local.client import TouchlineClient
from touchline.local.replica import Replica
from touchline_e2e import deployment
from touchline_e2e.cluster import Cluster

HEALS_S = 60.0
LIVE_S = 1.0
"""What is changed with `kubectl apply` is live in the book within this."""


@pytest.fixture
async def client(quickstart: InCluster) -> AsyncIterator[TouchlineClient]:
    """A strict client outside the cluster: any breach of the version rules fails the test."""
    async with TouchlineClient(quickstart.url, customer="e2e") as client:
        await client.subscribe("*", within=HEALS_S)
        yield client


def opened(replica: Replica, kind: str = "") -> list[str]:
    """Open markets with prices, of a type or of all."""
    return [
        view.id
        for view in replica.markets.values()
        if view.status == "Open" and f":{kind}" in view.id and all(view.sel.values())
    ]


def held(replica: Replica, reason: str) -> bool:
    """Whether every market that is offered is shut for a reason."""
    offered = [view for view in replica.markets.values() if view.status in {"Open", "Suspended"}]
    return bool(offered) and all(reason in {hold["reason"] for hold in view.holds} for view in offered)


def test_every_pod_runs_and_is_ready_and_none_was_started_twice(quickstart: InCluster) -> None:
    quickstart.settled()
    components = {pod["metadata"]["labels"]["app.kubernetes.io/component"] for pod in quickstart.pods()}
    assert components >= {"operator", "nats", "valkey", "book", "gateway", "ingest", "recorder", "simulator"}
    assert {name: count for name, count in quickstart.restarts().items() if count} == {}


async def test_a_client_outside_the_cluster_sees_prices_move_and_a_bet_is_accepted(
    quickstart: InCluster, client: TouchlineClient
) -> None:
    await client.wait_for(lambda replica: len(opened(replica)) >= 3, within=HEALS_S)
    before = {name: view.version for name, view in client.replica.markets.items()}
    await client.wait_for(
        lambda replica: any(replica.markets[one].version > before.get(one, Version(0, 0)) for one in opened(replica)),
        within=HEALS_S,
    )
    async with bettors(quickstart.url, count=1, seed=7) as answers:
        await until(lambda: bool(answers.accepted), within=HEALS_S, what=answers.tally)
    assert answers.accepted[0]["durability"] == "Fsync"


def test_what_happens_is_recorded_and_the_log_can_be_checked(quickstart: InCluster) -> None:
    wait_until(
        lambda: quickstart.condition("oddsengine", "main", "Recorded").get("status") == "True",
        within=HEALS_S,
    )
    verify = ("exec", "deploy/main-recorder", "--", "python", "-m", "touchline.recorder", "--verify")

    def has_both() -> bool:
        said = quickstart.kubectl(*verify)
        assert "the chain is whole" in said
        return "  BOOK " in said and "  BETS_" in said

    wait_until(has_both, within=HEALS_S)


async def test_a_threshold_changed_by_kubectl_apply_is_live_within_a_second_and_restarts_no_pod(
    quickstart: InCluster, client: TouchlineClient
) -> None:
    await client.wait_for(lambda replica: bool(opened(replica)), within=HEALS_S)
    pods, restarts = quickstart.uids(), quickstart.restarts()
    policy = quickstart.get("suspensionpolicy", "football")
    strict = json.loads(json.dumps(policy["spec"]).replace('"500ms"', '"1ms"'))
    loop = asyncio.get_running_loop()

    async def changed(_attempt: int) -> float:
        """Measured from when kubectl has returned."""
        await asyncio.to_thread(_replace_spec, quickstart, "suspensionpolicy", "football", strict)
        applied = loop.time()
        await client.wait_for(lambda replica: held(replica, "FeedDelay"), within=HEALS_S)
        took = loop.time() - applied
        await asyncio.to_thread(_replace_spec, quickstart, "suspensionpolicy", "football", policy["spec"])
        await client.wait_for(lambda replica: len(opened(replica)) >= 3, within=HEALS_S)
        return took

    await kept(LIVE_S, changed)
    assert (quickstart.uids(), quickstart.restarts()) == (pods, restarts)


def _replace_spec(engine: InCluster, kind: str, name: str, spec: object) -> None:
    patch = [{"op": "replace", "path": "/spec", "value": spec}]
    engine.kubectl("patch", kind, name, "--type=json", "-p", json.dumps(patch))


async def test_a_suspension_is_seen_in_kubectl_get_markets_and_described(
    quickstart: InCluster, client: TouchlineClient
) -> None:
    await client.wait_for(lambda replica: bool(opened(replica, "TotalGoals")), within=HEALS_S)
    name = "football-total-goals"
    quickstart.kubectl("patch", "market", name, "--type=merge", "-p", '{"spec": {"suspended": true}}')
    try:
        await client.wait_for(lambda replica: not opened(replica, "TotalGoals"), within=HEALS_S)
        await until(lambda: quickstart.row("market", name)["OPEN"] == "0", within=HEALS_S)
        assert int(quickstart.row("market", name)["SUSPENDED"]) > 0
        assert "spec.suspended" in quickstart.kubectl("describe", "market", name)
    finally:
        quickstart.kubectl("patch", "market", name, "--type=merge", "-p", '{"spec": {"suspended": false}}')
    await client.wait_for(lambda replica: bool(opened(replica, "TotalGoals")), within=HEALS_S)


async def test_pods_are_rolled_without_losing_a_client_or_a_bet(quickstart: InCluster) -> None:
    gateways = quickstart.uids("gateway")
    before = quickstart.get("oddsengine", "main")["spec"]["gateway"].get("drainSpread", "")
    async with TouchlineClient(quickstart.url) as client, bettors(quickstart.url, count=2, seed=8) as answers:
        await client.subscribe("*", within=HEALS_S)
        await until(lambda: len(answers.accepted) >= 3, within=HEALS_S, what=answers.tally)
        spread = "3s" if before != "3s" else "4s"
        patch = json.dumps({"spec": {"gateway": {"drainSpread": spread}}})
        quickstart.kubectl("patch", "oddsengine", "main", "--type=merge", "-p", patch)
        renewed = functools.partial(_renewed, quickstart, gateways)
        await until(renewed, within=120, what=lambda: f"{quickstart.not_ready()}")
        await until(lambda: client.connections >= 2, within=HEALS_S, what="the client's move to the new gateway")
        assert client.drains >= 1, "told to go, not cut off"
        accepted = len(answers.accepted)
        await until(lambda: len(answers.accepted) >= accepted + 3, within=HEALS_S, what=answers.tally)
    assert not answers.unanswered


def _renewed(engine: InCluster, gone: dict[str, str]) -> bool:
    now = engine.uids("gateway")
    return bool(now) and not set(now.values()) & set(gone.values()) and not engine.not_ready()


def test_20_applying_the_same_files_again_makes_the_operator_write_nothing(
    own_cluster: Cluster, quickstart: InCluster
) -> None:
    quickstart.settled()
    versions = _versions(quickstart)
    mark = own_cluster.audit.mark()
    deployment.apply_quickstart(own_cluster)
    # A later object is answered for: so the earlier ones have been looked at.
    later = {
        "apiVersion": "touchline.dev/v1alpha1",
        "kind": "SuspensionPolicy",
        "metadata": {"name": "later"},
        "spec": quickstart.get("suspensionpolicy", "football")["spec"],
    }
    quickstart.apply(later)
    wait_until(lambda: not quickstart.unready("suspensionpolicies"), within=HEALS_S)
    user = f"system:serviceaccount:{quickstart.namespace}:touchline-operator"
    # Figures of what lives move on, and goals suspend markets meanwhile; nothing else may be written.
    news = {
        event["metadata"]["name"]
        for event in quickstart.get("events")["items"]
        if event["message"].startswith("Suspended=")
    }
    written = [
        str(write)
        for write in own_cluster.audit.writes(mark, user=user)
        if write.resource != "leases"
        and not write.resource.endswith("/status")
        and "later" not in write.name
        and not (write.resource == "events" and write.name in news)
    ]
    quickstart.kubectl("delete", "suspensionpolicy", "later")
    assert written == []
    assert _versions(quickstart) == versions


def _versions(engine: InCluster) -> dict[str, int]:
    """Generation of everything that somebody could have written to."""
    kinds = "oddsengines,feedproviders,markets,statefulsets,deployments"
    return {
        f"{each['kind']}/{each['metadata']['name']}": each["metadata"]["generation"]
        for each in engine.get(kinds)["items"]
    }
