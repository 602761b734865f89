"""An API server where StatefulSets have pods, and an operator that may lose its permission on them.

No node takes the pods, and there is no kubelet: who wants one to be ready says so in its place.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from support.operator_process import SECRETS_ROLE, Server
from touchline_e2e.apiserver import GARBAGE, ApiServer
from touchline_e2e.fixtures import need


@pytest.fixture(scope="module")
def api_server() -> Iterator[ApiServer]:
    """Instead of the folder's own, in a test file that imports it: with the controller that makes the pods of StatefulSets."""
    need("etcd", "kubernetes")
    with ApiServer(controllers=(*GARBAGE, "statefulset-controller")) as server:
        yield server


@contextmanager
def forbidden_pods(server: Server) -> Iterator[None]:
    """Nobody with the operator's role for Secrets and pods may do anything with pods until the block ends."""
    rules = json.loads(server.api.kubectl("get", "clusterrole", SECRETS_ROLE, "-o", "json"))["rules"]
    less = [rule for rule in rules if rule.get("resources") != ["pods"]]
    assert len(less) == len(rules) - 1, "the role has one rule for pods"
    _replace(server, less)
    try:
        yield
    finally:
        _replace(server, rules)


def _replace(server: Server, rules: list[dict[str, Any]]) -> None:
    patch = json.dumps([{"op": "replace", "path": "/rules", "value": rules}])
    server.api.kubectl("patch", "clusterrole", SECRETS_ROLE, "--type=json", "-p", patch)
