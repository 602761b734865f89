"""A broker that finds its store again when it is started anew: instead of the usual `nats_server`, in a test file that imports it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from touchline.local.servers import NatsServer


@pytest.fixture
def nats_server(tmp_path: Path) -> Iterator[NatsServer]:
    with NatsServer(tmp_path / "nats") as server:
        yield server
