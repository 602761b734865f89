"""A small engine on an API server, with an operator that has brought it about."""

from support.observed_world import engine, market, policy, provider
from support.operator_process import Operator, Server, eventually

SECRET = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "betfair"},
    "stringData": {"appKey": "a", "sessionToken": "s"},
}
CACHE = {"external": {"url": "redis://cache.example.com:6379/0"}}
"""Somebody else's, as an engine names it: nothing here asks whether it is there."""
SMALL = [
    SECRET,
    engine(redis=CACHE),
    policy(),
    provider("one"),
    provider("two"),
    market("m"),
]


def counted(server: Server, tenant: str) -> bool:
    """Whether the policy counts its one user: figures are written a little later than conditions."""
    status = (server.get(tenant, "suspensionpolicy", "strict") or {}).get("status") or {}
    return bool(status.get("markets") == 1)


def small(server: Server, tenant: str, operator: Operator) -> None:
    """A small engine with two providers and a market, settled."""
    server.apply(tenant, *SMALL)
    for name in ("one-ingest", "two-ingest", "main-gateway"):
        eventually(lambda name=name: server.get(tenant, "deployment", name) is not None, f"Deployment {name} exists")  # type: ignore[misc]
    eventually(lambda: counted(server, tenant), "the policy's figures are written")
    operator.settle()
