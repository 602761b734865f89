"""A server with our kinds for each file, a tenant for each test, an operator for whoever asks."""

import itertools
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import nats
import pytest
from nats.aio.client import Client

from support.operator_process import Operator, Server, eventually
from touchline.local.servers import NatsServer
from touchline_e2e.apiserver import ApiServer
from touchline_e2e.fixtures import api_server

__all__ = ["api_server"]

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def server(api_server: ApiServer) -> Server:
    """An API server with CRDs and roles."""
    made = Server(api_server)
    made.install()
    return made


@pytest.fixture(scope="module")
def operator(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """A leading operator for the tests of one file."""
    with Operator(server, log=tmp_path_factory.mktemp("operator") / "operator.log") as running:
        eventually(lambda: running.leads, "the operator leads")
        yield running


@pytest.fixture
def tenant(server: Server) -> Iterator[str]:
    """A namespace whose Secrets the operator may read, restricted as far as Kubernetes can."""
    name = server.namespace(f"tenant-{next(_numbers)}", **{"pod-security.kubernetes.io/enforce": "restricted"})
    server.let_in(name)
    yield name
    server.api.kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Where an operator of one test says what it does."""
    return tmp_path / "operator.log"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[NatsServer]:
    """Somebody else's broker: for an engine that names it as external."""
    with NatsServer(tmp_path / "nats") as running:
        yield running


@pytest.fixture
async def nc(broker: NatsServer) -> AsyncIterator[Client]:
    """A connection to `broker`."""
    client = await nats.connect(broker.url)
    yield client
    await client.close()
