"""The CRD and the models accept and refuse the same objects: nothing passes one and is refused by the other."""

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.crd_server import refusals
from support.manifests import objects
from touchline.api import KINDS, InvalidResource, parse_resource
from touchline.api.crds import crd_document

SCHEMAS = {
    kind: crd_document(model)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    for kind, model in KINDS.items()
}
OBJECTS = objects()

VALUES = st.sampled_from(
    [
        *("", "abc", "ABC", "a b", "*", "5", "-3", "2.50", "1e5", "0", "100", "1000000", "nan", "é", "x" * 400, "a\n"),
        *("500ms", "1s", "0s", "1h", "1m30s", "1.5s", "-1s", "5", "9999999h", "10ms", "1Gi", "0Gi", "256Ki"),
        *(
            "Any",
            "InPlay",
            "Fsync",
            "GlobalQuorum",
            "AcceptWithin",
            "Replay",
            "BetfairStream",
            "MarketRouting",
            "Witness",
        ),
        *("Aggregated", "ActiveActive", "Canary", "Specifier", "Selection", "Provider", "ProviderLoss", "PriceMove"),
        *(
            "a.example.com",
            "host:443",
            "https://example.com",
            "Max",
            "0.5",
            "GB",
            "US-NJ",
            "betfair",
            "2026-01-01T00:00:00Z",
        ),
        *(0, 1, 2, 3, 4, -1, 10**9, 2**60, True, False, 1.5),
    ]
)
BLOCKS = st.sampled_from([[], ["*"], ["*", "a"], ["a", "a"], ["a", "b"], {}, {"name": "x"}, {"name": "x", "key": "y"}])


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    if isinstance(value, dict):
        for key, child in value.items():
            found += paths(child, (*path, key))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            found += paths(child, (*path, index))
    return found


def schema_at(schema: dict[str, Any], path: tuple[Any, ...]) -> dict[str, Any]:
    for part in path:
        schema = schema.get("items", {}) if isinstance(part, int) else schema.get("properties", {}).get(part, {})
    return schema


def at(value: Any, path: tuple[Any, ...]) -> Any:
    for part in path:
        value = value[part]
    return value


@st.composite
def changed_objects(draw: st.DrawFn) -> dict[str, Any]:
    """An example object with one to three fields changed, removed, added or doubled."""
    obj: dict[str, Any] = copy.deepcopy(draw(st.sampled_from(OBJECTS)))
    schema = SCHEMAS[obj["kind"]]
    for _ in range(draw(st.integers(1, 3))):
        choices = paths(obj["spec"])
        if not choices:
            break
        path = draw(st.sampled_from(choices))
        parent, last = at(obj["spec"], path[:-1]), path[-1]
        match draw(st.sampled_from(["set", "set", "block", "remove", "add", "double"])):
            case "set":
                parent[last] = draw(VALUES)
            case "block":
                parent[last] = copy.deepcopy(draw(BLOCKS))
            case "remove":
                del parent[last]
            case "double" if isinstance(parent, list):
                parent.append(copy.deepcopy(parent[last]))
            case _:
                siblings = sorted(schema_at(schema, path[:-1]).get("properties", {}))
                if isinstance(parent, dict) and siblings:
                    name = draw(st.sampled_from(siblings))
                    parent[name] = copy.deepcopy(draw(VALUES | BLOCKS))
    return obj


def accepted_by_the_models(obj: dict[str, Any]) -> bool:
    try:
        parse_resource(obj)
    except InvalidResource:
        return False
    return True


@pytest.mark.parametrize("obj", OBJECTS, ids=lambda obj: f"{obj['kind']}-{obj['metadata']['name']}")
def test_every_example_is_accepted_by_crd_and_models(obj: dict[str, Any]) -> None:
    assert refusals(SCHEMAS[obj["kind"]], obj["spec"]) == []
    assert accepted_by_the_models(obj)


@given(changed_objects())
@settings(max_examples=400, derandomize=True)
def test_crd_and_models_decide_alike_on_changed_objects(obj: dict[str, Any]) -> None:
    refused = refusals(SCHEMAS[obj["kind"]], obj["spec"])
    assert accepted_by_the_models(obj) == (not refused), refused
