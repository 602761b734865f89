"""What an engine's spec decides about every pod of its namespace, whichever part it is of."""

from typing import Any

import pytest

from support.observed_world import NAMESPACE, complete, engine, observe, provider, world_of
from touchline.api import SIMULATE
from touchline_operator.plan.engine import engine_children
from touchline_operator.plan.provider import provider_children

PARTS = ["book", "gateway", "ingest", "nats", "recorder", "simulator", "valkey"]


def pods(**spec: Any) -> dict[str, dict[str, Any]]:
    """The pod templates of a small engine with one simulated provider, by their component."""
    declared = provider("one")
    declared["metadata"]["annotations"] = {SIMULATE: "fixtures"}
    world = world_of([engine(**spec), declared])
    observed = complete(observe(world, "OddsEngine", "main"))
    planned = engine_children(observed)
    for each in world.customs("FeedProvider", NAMESPACE):
        planned += provider_children(complete(observe(world, "FeedProvider", each.key.name)))
    templates = [each["spec"]["template"] for each in planned if each["kind"] in {"StatefulSet", "Deployment"}]
    return {each["metadata"]["labels"]["app.kubernetes.io/component"]: each for each in templates}


def test_every_pod_is_pulled_with_the_engines_secrets() -> None:
    found = pods(imagePullSecrets=[{"name": "registry"}, {"name": "mirror"}])
    assert sorted(found) == PARTS
    for part, template in found.items():
        assert template["spec"]["imagePullSecrets"] == [{"name": "registry"}, {"name": "mirror"}], part


def test_pods_log_what_their_engine_declares() -> None:
    def levels(**spec: Any) -> dict[str, str]:
        return {
            part: each["value"]
            for part, template in pods(**spec).items()
            for each in template["spec"]["containers"][0].get("env", ())
            if each["name"] == "TOUCHLINE_LOG_LEVEL"
        }

    assert levels(logLevel="DEBUG") == dict.fromkeys(("book", "gateway", "ingest", "recorder"), "DEBUG")
    assert levels() == dict.fromkeys(("book", "gateway", "ingest", "recorder"), "INFO")


@pytest.mark.parametrize("part", PARTS)
def test_without_such_secrets_no_pod_names_any(part: str) -> None:
    assert "imagePullSecrets" not in pods()[part]["spec"]
