"""The cluster that the scenarios run on: the one in KUBECONFIG, kind's, or (by default) one that is started from nothing.

What a scenario asks for says where it can run: `cluster` anywhere, `own_cluster` only where the harness has etcd, nodes and
audit log in its hands.
"""

import os
import re
import secrets
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from scenarios.in_cluster import InCluster
from touchline_e2e import application_image, deployment
from touchline_e2e.cluster import Cluster
from touchline_e2e.deployment import AnyCluster
from touchline_e2e.foreign import ForeignCluster, KindCluster


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test comes with what its engines' pods said last: the cluster is gone by the time that somebody reads it."""
    report = yield
    if report.when == "call" and report.failed and isinstance(item, pytest.Function):
        for name, engine in item.funcargs.items():
            if isinstance(engine, InCluster):
                report.sections.append((f"pods of {name}", engine.story()))
    return report


@pytest.fixture(scope="session")
def _started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[AnyCluster, str]]:
    """A cluster, and the reference under which it knows Touchline's image."""
    if os.environ.get("TOUCHLINE_E2E_CLUSTER") == "kind":
        with KindCluster(tmp_path_factory.mktemp("kind")) as kind:
            yield kind, kind.build()
    elif given := os.environ.get("KUBECONFIG"):
        image = os.environ.get("TOUCHLINE_E2E_IMAGE")
        if image is None:
            pytest.fail("TOUCHLINE_E2E_IMAGE must name Touchline's image where the cluster of KUBECONFIG pulls from")
        with ForeignCluster(Path(given)) as foreign:
            yield foreign, image
    else:
        archive = application_image.without_a_registry(print)
        with Cluster(nodes=2, archives=(archive,)) as own:
            yield own, application_image.REFERENCE


@pytest.fixture
def cluster(_started: tuple[AnyCluster, str]) -> AnyCluster:
    return _started[0]


@pytest.fixture
def image(_started: tuple[AnyCluster, str]) -> str:
    return _started[1]


@pytest.fixture
def own_cluster(cluster: AnyCluster) -> Cluster:
    if not isinstance(cluster, Cluster):
        pytest.skip("only the harness's own cluster can be broken like this")
    return cluster


@pytest.fixture(scope="session")
def quickstart(_started: tuple[AnyCluster, str], tmp_path_factory: pytest.TempPathFactory) -> InCluster:
    """The chart, and examples/quickstart applied: every pod of it is ready. It serves until the cluster goes."""
    cluster, image = _started
    deployment.install(cluster, image=image)
    deployment.apply_quickstart(cluster)
    engine = InCluster(cluster, deployment.NAMESPACE, tmp_path_factory.mktemp("quickstart"))
    engine.settled()
    return engine


@pytest.fixture
def namespace(cluster: AnyCluster, request: pytest.FixtureRequest) -> Iterator[str]:
    """A namespace of the test's own, with the strictest pod security that Kubernetes knows."""
    words = re.sub(r"[^a-z0-9]+", "-", request.node.name.removeprefix("test_").lower())
    name = f"e2e-{words[:45].strip('-')}-{secrets.token_hex(2)}"  # the last run's may still be on its way out
    cluster.kubectl("create", "namespace", name)
    cluster.kubectl("label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted")
    yield name
    cluster.kubectl("delete", "namespace", name, "--wait=false")
