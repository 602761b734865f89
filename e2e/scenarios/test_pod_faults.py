"""Whatever is taken from a running engine while bettors bet: it converges, no bet is taken on a stale price, no accepted bet is
lost, and no client sees a gap (the bettors' own streams are strict about versions).
"""

import asyncio
import json

import pytest

from scenarios.betting import accepting, betting
from scenarios.in_cluster import SETTLES_S, InCluster
from support.waiting import until, wait_until
from touchline_e2e.cluster import Cluster

VICTIMS = ["leader", "gateway", "nats", "valkey", "ingest", "recorder"]


@pytest.mark.parametrize("victim", VICTIMS)
async def test_a_pod_that_dies_under_load_is_replaced_and_no_bet_suffers(quickstart: InCluster, victim: str) -> None:
    pod = quickstart.leader() if victim == "leader" else quickstart.pod_names(victim)[0]
    component = "book" if victim == "leader" else victim
    async with betting(quickstart, seed=20 + VICTIMS.index(victim)):
        gone = quickstart.uids(component)[pod]
        await asyncio.to_thread(quickstart.kill, pod)
        await until(
            lambda: gone not in quickstart.uids(component).values() and not quickstart.not_ready(),
            within=SETTLES_S,
            what=lambda: str(quickstart.not_ready()),
        )


async def test_an_evicted_pod_leaves_in_order_and_budgets_are_kept(quickstart: InCluster) -> None:
    pod = quickstart.leader()
    async with betting(quickstart, seed=31):
        gone = quickstart.uids("book")[pod]
        eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod}}
        path = f"/api/v1/namespaces/{quickstart.namespace}/pods/{pod}/eviction"
        quickstart.kubectl("create", "--raw", path, "-f", "-", stdin=json.dumps(eviction))
        await until(
            lambda: gone not in quickstart.uids("book").values() and not quickstart.not_ready(), within=SETTLES_S
        )


async def test_an_engine_serves_while_the_api_server_and_the_operator_are_away(
    own_cluster: Cluster, quickstart: InCluster
) -> None:
    restarts = quickstart.restarts()
    async with betting(quickstart, seed=32) as answers:
        await asyncio.to_thread(own_cluster.stop_server, kill=True)
        await accepting(answers, len(answers.accepted))
        await asyncio.to_thread(own_cluster.start_server)
    operators = set(quickstart.pod_names("operator"))
    assert {name: count for name, count in quickstart.restarts().items() if name not in operators} == {
        name: count for name, count in restarts.items() if name not in operators
    }


async def test_an_engine_serves_while_etcd_stands_still_for_ten_seconds(
    own_cluster: Cluster, quickstart: InCluster
) -> None:
    async with betting(quickstart, seed=33) as answers:
        loop = asyncio.get_running_loop()
        with own_cluster.etcd_stopped():
            stopped = loop.time()
            await accepting(answers, len(answers.accepted))
            await until(lambda: loop.time() - stopped >= 10, within=15)
        await asyncio.to_thread(wait_until, own_cluster.is_ready, within=SETTLES_S)
        await asyncio.to_thread(_obeyed, quickstart)


async def test_an_engine_serves_while_the_kubelet_is_started_again(own_cluster: Cluster, quickstart: InCluster) -> None:
    restarts = quickstart.restarts()
    async with betting(quickstart, seed=34):
        await asyncio.to_thread(own_cluster.nodes["n1"].restart, "kubelet", kill=True)
        await asyncio.to_thread(_obeyed, quickstart)
    assert quickstart.restarts() == restarts


async def test_an_operator_killed_in_the_middle_of_its_work_is_replaced_and_the_work_done(
    quickstart: InCluster,
) -> None:
    async with betting(quickstart, seed=35):
        for child in ("deployment/main-gateway", "statefulset/main-book", "networkpolicy/main-nats"):
            quickstart.kubectl("annotate", child, "touchline.dev/plan=edited", "--overwrite")
        quickstart.kubectl("delete", "poddisruptionbudget", "main-gateway", "--wait=false")
        for pod in quickstart.pod_names("operator"):
            await asyncio.to_thread(quickstart.kill, pod)
        await asyncio.to_thread(_obeyed, quickstart)
        found = quickstart.get("poddisruptionbudgets,deployments,statefulsets,networkpolicies")["items"]
        plans = [each["metadata"].get("annotations", {}).get("touchline.dev/plan") for each in found]
        assert "edited" not in plans
        assert "main-gateway" in {each["metadata"]["name"] for each in found if each["kind"] == "PodDisruptionBudget"}


def test_the_log_of_all_that_is_whole_and_misses_no_decision(quickstart: InCluster) -> None:
    """Prices that a broker had in memory went with it, and the log says so."""
    wait_until(lambda: quickstart.condition("oddsengine", "main", "Recorded").get("status") == "True", within=SETTLES_S)
    said = quickstart.kubectl("exec", "deploy/main-recorder", "--", "python", "-m", "touchline.recorder", "--verify")
    assert "the chain is whole" in said
    assert " entries" in said
    assert "missing: BETS_" not in said


def _obeyed(engine: InCluster) -> None:
    """Wait until an operator acts on a change."""
    for delay in ("4s", "5s"):
        patch = json.dumps({"spec": {"betting": {"delay": delay}}})
        engine.kubectl("patch", "market", "football-winner-inplay", "--type=merge", "-p", patch)
        wait_until(lambda: not engine.unready("markets"), within=SETTLES_S)


@pytest.fixture(autouse=True)
def _settled_before(quickstart: InCluster) -> None:
    quickstart.settled()
