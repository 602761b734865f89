"""The chart with the real helm beside a running engine: installed, upgraded, rolled back, uninstalled, installed again.

Whatever happens to the operator, the engine's pods stay the ones they are, and prices move.
"""

import json
from collections.abc import AsyncIterator, Iterator

import pytest

from scenarios.in_cluster import InCluster, is_there
from support.waiting import wait_until
from touchline.domain.version import Version
from touchline.local.client import TouchlineClient
from touchline_e2e import deployment
from touchline_e2e.deployment import NAMESPACE, RELEASE, AnyCluster, helm

WITHIN_S = 90.0
OPERATOR = "deployment/touchline-operator"


@pytest.fixture
def engine_pods(quickstart: InCluster) -> Iterator[dict[str, str]]:
    """The engine's pods; at the end of the test they must still be the same."""
    quickstart.settled()
    before = _engine(quickstart)
    yield before
    quickstart.settled()
    assert _engine(quickstart) == before


def _engine(quickstart: InCluster) -> dict[str, str]:
    operators = quickstart.uids("operator")
    return {name: uid for name, uid in quickstart.uids().items() if name not in operators}


@pytest.fixture
async def prices(quickstart: InCluster) -> AsyncIterator[TouchlineClient]:
    """A strict client that is connected all the time."""
    async with TouchlineClient(quickstart.url) as client:
        await client.subscribe("*", within=WITHIN_S)
        yield client


async def _move(client: TouchlineClient) -> None:
    before = {name: view.version for name, view in client.replica.markets.items()}
    await client.wait_for(
        lambda replica: any(
            view.status == "Open" and view.version > before.get(view.id, Version(0, 0))
            for view in replica.markets.values()
        ),
        within=WITHIN_S,
    )


def _workers(cluster: AnyCluster) -> str:
    found = json.loads(cluster.kubectl("get", OPERATOR, "--namespace", NAMESPACE, "-o", "json"))
    (argument,) = (
        each for each in found["spec"]["template"]["spec"]["containers"][0]["args"] if each.startswith("--workers=")
    )
    return str(argument.partition("=")[2])


def test_helm_test_finds_the_operator_well(cluster: AnyCluster, quickstart: InCluster) -> None:
    assert "Succeeded" in helm(cluster, "test", RELEASE, "--namespace", NAMESPACE)
    quickstart.kubectl("delete", "pod", "touchline-test", "--ignore-not-found")


async def test_an_upgrade_and_a_rollback_replace_the_operator_and_nothing_of_the_engine(
    cluster: AnyCluster, image: str, quickstart: InCluster, engine_pods: dict[str, str], prices: TouchlineClient
) -> None:
    assert engine_pods
    operators, connections = quickstart.uids("operator"), prices.connections
    deployment.install(cluster, "--set", "operator.workers=3", image=image)
    assert _workers(cluster) == "3"
    assert not set(quickstart.uids("operator").values()) & set(operators.values())
    _acts(quickstart)
    helm(cluster, "rollback", RELEASE, "--namespace", NAMESPACE, "--wait")
    assert _workers(cluster) == "8"
    _acts(quickstart)
    await _move(prices)
    assert prices.connections == connections, "the client was not even reconnected"


async def test_without_the_chart_the_engine_goes_on_and_a_new_operator_takes_it_over_as_it_is(
    cluster: AnyCluster, image: str, quickstart: InCluster, engine_pods: dict[str, str], prices: TouchlineClient
) -> None:
    assert engine_pods
    helm(cluster, "uninstall", RELEASE, "--namespace", NAMESPACE, "--wait")
    wait_until(lambda: not quickstart.pods("operator"), within=WITHIN_S)
    assert is_there(cluster, "crd", "oddsengines.touchline.dev")
    assert is_there(cluster, "oddsengine", quickstart.name, "--namespace", NAMESPACE)
    await _move(prices)
    deployment.install(cluster, image=image)
    _acts(quickstart)
    await _move(prices)


def _acts(engine: InCluster) -> None:
    """Wait until the operator in charge has acted on a change."""
    for limit in ("150.00", "200.00"):
        patch = json.dumps({"spec": {"betting": {"stake": {"max": limit}}}})
        engine.kubectl("patch", "market", "football-winner-inplay", "--type=merge", "-p", patch)
        wait_until(lambda: not engine.unready("markets"), within=WITHIN_S)


def test_a_deleted_engine_takes_its_pods_with_it_and_leaves_its_decisions(quickstart: InCluster) -> None:
    quickstart.settled()
    quickstart.kubectl("delete", deployment.KINDS, "--all", "--timeout=60s")
    operators = set(quickstart.pod_names("operator"))
    wait_until(lambda: set(quickstart.pod_names()) <= operators, within=WITHIN_S)
    assert is_there(quickstart.cluster, "pvc", "data-main-nats-0", "--namespace", NAMESPACE)
    deployment.apply_quickstart(quickstart.cluster)
    quickstart.settled()
