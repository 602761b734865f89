"""How long after `kubectl apply -f examples/quickstart` a client outside the cluster has its first price.

A cluster of one node is started from nothing and the chart installed; that is not counted. Each run applies the quickstart to a new
namespace and waits for a market with a price at a WebSocket client. Images are on the node before. The limit, taken in the same
runs: one pod of the same image from apply to Ready; an engine is several, some of which wait for others.

    PYTHONPATH=e2e python -m bench apply_to_price        (`make bench` does so; wants `make e2e-tools`, Linux and root)
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import time
from statistics import median
from typing import TYPE_CHECKING

from bench.rows import Row, row, skipped
from bench.stage import run
from touchline.local.client import TouchlineClient
from touchline.local.errors import GatewayError

if TYPE_CHECKING:
    from touchline_e2e.cluster import Cluster

ENGINE = "kubernetes: kubectl apply to first price"
POD = "kubernetes: kubectl apply to one pod Ready"
RUNS = 3
WITHIN_S = 180.0
POLL_S = 0.05


def measure() -> list[Row]:
    """Both times in seconds, and their ratio."""
    if importlib.util.find_spec("touchline_e2e") is None:
        return [skipped(ENGINE, "PYTHONPATH lacks e2e")]
    from touchline_e2e.errors import HarnessError

    try:
        return _measure()
    except HarnessError as error:
        return [skipped(ENGINE, str(error)[:80])]


def _measure() -> list[Row]:
    from touchline_e2e import application_image, deployment
    from touchline_e2e.cluster import Cluster

    engines, pods = [], []
    archive = application_image.without_a_registry(print)
    with Cluster(archives=(archive,)) as cluster:
        deployment.install(cluster)
        for number in range(RUNS):
            namespace = f"bench-{number}"
            cluster.kubectl("create", "namespace", namespace)
            deployment.let_in(cluster, namespace)
            pods.append(_one_pod(cluster, namespace, application_image.REFERENCE))
            engines.append(_engine(cluster, namespace))
            cluster.kubectl("delete", "namespace", namespace, "--wait=true", f"--timeout={WITHIN_S:.0f}s")
    return [
        row(POD, pods, "s"),
        row(ENGINE, engines, "s", reference="one pod", ratio=median(engines) / median(pods)),
    ]


def _one_pod(cluster: Cluster, namespace: str, image: str) -> float:
    container = {"name": "main", "image": image, "imagePullPolicy": "IfNotPresent", "command": ["sleep", "600"]}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "one"},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": 0},
    }
    began = time.monotonic()
    cluster.kubectl("apply", "--server-side", "--namespace", namespace, "-f", "-", stdin=json.dumps(pod))
    cluster.kubectl("wait", "pod/one", "--namespace", namespace, "--for=condition=Ready", "--timeout=60s")
    return time.monotonic() - began


def _engine(cluster: Cluster, namespace: str) -> float:
    from touchline_e2e import deployment

    began = time.monotonic()
    deployment.apply_quickstart(cluster, namespace)
    cluster.kubectl(
        *("wait", "service/main-gateway", "--namespace", namespace),
        *("--for=create", f"--timeout={WITHIN_S:.0f}s"),
    )
    door = cluster.open_service(namespace, "main-gateway", 80)
    run(_first_price(f"http://127.0.0.1:{door}"))
    return time.monotonic() - began


async def _first_price(url: str) -> None:
    """Until an open market has a price. A gateway that is not there yet is asked again, as a bettor's client does."""
    async with asyncio.timeout(WITHIN_S), TouchlineClient(url) as client:
        while True:
            try:
                await client.subscribe("*", within=WITHIN_S)
                break
            except GatewayError:
                await asyncio.sleep(POLL_S)
        await client.wait_for(
            lambda replica: any(view.status == "Open" and any(view.sel.values()) for view in replica.markets.values()),
            within=WITHIN_S,
        )
