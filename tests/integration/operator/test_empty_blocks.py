"""A block that is given as `{}` lives on the schema's defaults: whoever applies it again, as GitOps tools do, must not lose it."""

from typing import Any

import pytest
import yaml

from support.observed_world import engine, market, provider, resource
from support.operator_process import Server

pytestmark = [pytest.mark.servers, pytest.mark.cluster]

CREDENTIALS = {"credentialsSecretRef": {"name": "account"}}
EMPTY = {
    "betfairStream": provider("empty", betfairStream={}),
    "betfairStream.tls": provider("empty", betfairStream={"tls": {}}),
    "sportsDataIO": resource(
        "FeedProvider",
        "empty",
        {"protocol": "SportsDataIO", "sportsDataIO": {}, "health": {"maxSilence": "10m"}, **CREDENTIALS},
    ),
    "blocks with a default": provider("empty", health={}, reconnect={}, capture={}, coverage={}),
    "nats.managed": engine(nats={"managed": {}}, bets={"durability": "Quorum"}),
    "redis.managed": engine(redis={"managed": {}}),
    "autoscaling": engine(gateway={"autoscaling": {}, "auth": {"anonymous": {}}}),
    "pricing": market("empty", pricing={}),
    "aggregated": market(
        "empty", feeds={"model": "Aggregated", "providers": [{"name": "one"}, {"name": "two"}], "aggregated": {}}
    ),
    "triggers": resource(
        "SuspensionPolicy",
        "empty",
        {
            "triggers": [
                {"name": "late", "type": "FeedDelay", "feedDelay": {}},
                {"name": "risk", "type": "Liability", "liability": {}, "scope": "Selection"},
            ],
            "reopening": {"checks": ["Overround"], "overroundPercent": {}},
        },
    ),
}


@pytest.fixture(scope="module")
def namespace(server: Server) -> str:
    return server.namespace("blocks")


@pytest.mark.parametrize("manifest", EMPTY.values(), ids=EMPTY)
def test_a_block_that_is_given_empty_is_the_same_after_every_apply(
    server: Server, namespace: str, manifest: dict[str, Any]
) -> None:
    def applied() -> dict[str, Any]:
        server.apply(namespace, manifest, manager="argocd-controller")
        found = server.get(namespace, manifest["kind"], manifest["metadata"]["name"])
        assert found is not None
        return found

    first, second, third = applied(), applied(), applied()
    assert first["spec"] == second["spec"] == third["spec"]
    assert first["metadata"]["generation"] == third["metadata"]["generation"]
    # The second write of a new object adds the status that its CRD has for a default; nothing is written after that.
    assert second["metadata"]["resourceVersion"] == third["metadata"]["resourceVersion"]
    server.api.kubectl("delete", "-n", namespace, "-f", "-", stdin=yaml.safe_dump(manifest))
