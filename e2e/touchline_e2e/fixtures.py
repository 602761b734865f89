"""What a test asks for. Import it into a `conftest.py`: `from touchline_e2e.fixtures import api_server`."""

import os
from collections.abc import Iterator

import pytest

from touchline_e2e import programs
from touchline_e2e.apiserver import GARBAGE, ApiServer

REQUIRED = "TOUCHLINE_REQUIRE_CLUSTER"
"""Set in CI: a missing program is then a failure, and not a reason to skip."""


def need(*names: str) -> None:
    """Skip the test where one of `programs.PROGRAMS` is not built (with the reason), or fail where that must not be."""
    absent = sorted({program.name for program in programs.missing()} & set(names))
    if absent and os.environ.get(REQUIRED) != "1":
        pytest.skip(f"{', '.join(absent)} are not built: run `make e2e-tools`")


@pytest.fixture(scope="module")
def api_server() -> Iterator[ApiServer]:
    """An API server for the tests of one file, with the controllers that clean up after deleted owners."""
    need("etcd", "kubernetes")
    with ApiServer(controllers=GARBAGE) as server:
        yield server
