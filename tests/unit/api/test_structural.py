"""The checker of Kubernetes' rules finds each kind of mistake."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from touchline.api import Market
from touchline.api.crds import crd_document, violations

Schema = dict[str, Any]


def spec_of(document: Schema) -> Schema:
    spec: Schema = document["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return spec


def field(path: str) -> Callable[[Schema], Schema]:
    def find(spec: Schema) -> Schema:
        for part in path.split("."):
            spec = spec["items"] if part == "[]" else spec["properties"][part]
        return spec

    return find


def setting(path: str, **values: Any) -> Callable[[Schema], None]:
    return lambda spec: field(path)(spec).update({key.replace("_", "-"): value for key, value in values.items()})


def removing(path: str, key: str) -> Callable[[Schema], None]:
    def remove(spec: Schema) -> None:
        del field(path)(spec)[key]

    return remove


PROVIDERS = "feeds.providers"
NAME = "feeds.providers.[].name"
MISTAKES: list[tuple[str, Callable[[Schema], None], str]] = [
    ("no type", removing("suspended", "type"), "has no single type"),
    ("several types", setting("suspended", type=["boolean", "null"]), "has no single type"),
    ("float", setting("suspended", type="number"), "may not be a float"),
    ("reference", setting("selector", **{"$ref": "#/x"}), "may not use $ref"),
    (
        "unknown fields kept",
        setting("selector", **{"x-kubernetes-preserve-unknown-fields": True}),
        "preserve-unknown-fields",
    ),
    ("title", setting("selector", title="Selector"), "may not use title"),
    ("unique items", setting("selector.sports", uniqueItems=True), "may not use uniqueItems"),
    ("closed object", setting("selector", additionalProperties=False), "may not have additionalProperties false"),
    (
        "both kinds of object",
        setting("selector", additionalProperties={"type": "string"}),
        "both properties and additional",
    ),
    ("no description", removing("suspended", "description"), "has no description"),
    ("unbounded text", removing(NAME, "maxLength"), "has no maxLength"),
    ("unbounded list", removing(PROVIDERS, "maxItems"), "has no maxItems"),
    ("unbounded number", removing("feeds.providers.[].priority", "maximum"), "has no minimum and maximum"),
    ("no list type", removing(PROVIDERS, "x-kubernetes-list-type"), "has no x-kubernetes-list-type"),
    ("map without keys", removing(PROVIDERS, "x-kubernetes-list-map-keys"), "must have list-map-keys"),
    ("unknown key", setting(PROVIDERS, **{"x-kubernetes-list-map-keys": ["id"]}), "has the key id"),
    ("optional key", removing("feeds.providers.[]", "required"), "neither required nor has a default"),
    ("set of objects", setting(PROVIDERS, **{"x-kubernetes-list-type": "set"}), "its items must be scalars"),
    ("map of scalars", setting("selector.sports", **{"x-kubernetes-list-type": "map"}), "its items must be objects"),
    ("list without items", removing(PROVIDERS, "items"), "no single schema for its items"),
    ("requires what is not there", setting("selector", required=["nothing"]), "requires nothing"),
    ("required with default", setting("selector", required=["phase"]), "is required and has a default"),
    ("type inside a junctor", setting("selector", anyOf=[{"type": "object"}]), "may not use type inside a junctor"),
    ("field only inside a junctor", setting("selector", oneOf=[{"properties": {"x": {}}}]), "inside a junctor only"),
    ("default inside not", setting("selector", **{"not": {"default": {}}}), "may not use default inside a junctor"),
    ("items only inside a junctor", setting("selector", allOf=[{"items": {}}]), "declares items inside a junctor only"),
    (
        "deep inside a junctor",
        setting("selector", anyOf=[{"properties": {"phase": {"nullable": True}}}]),
        "may not use nullable inside a junctor",
    ),
    (
        "rule without message",
        setting("selector", **{"x-kubernetes-validations": [{"rule": "true"}]}),
        "a message of one line",
    ),
    (
        "empty rule",
        setting("selector", **{"x-kubernetes-validations": [{"rule": " ", "message": "must"}]}),
        "has an empty rule",
    ),
    (
        "path to nowhere",
        setting("selector", **{"x-kubernetes-validations": [{"rule": "true", "message": "must", "fieldPath": ".x.y"}]}),
        "whose fieldPath .x.y is no field",
    ),
    (
        "change of an item that cannot be found again",
        setting(
            "selector.sports.[]",
            **{"x-kubernetes-validations": [{"rule": "self == oldSelf", "message": "may not change"}]},
        ),
        "compares with oldSelf inside a list",
    ),
]


@pytest.mark.parametrize(
    ("mistake", "told"), [(each, told) for _, each, told in MISTAKES], ids=[name for name, _, _ in MISTAKES]
)
def test_each_mistake_is_found(mistake: Callable[[Schema], None], told: str) -> None:
    document = copy.deepcopy(crd_document(Market))
    mistake(spec_of(document))
    found = violations(document)
    assert any(told in each for each in found), found


def test_a_change_is_allowed_to_be_compared_where_items_have_keys() -> None:
    document = copy.deepcopy(crd_document(Market))
    entry = {"rule": "self == oldSelf", "message": "may not change"}
    field(NAME)(spec_of(document))["x-kubernetes-validations"] = [entry]
    assert violations(document) == []


def test_restricting_metadata_beyond_the_name_is_found() -> None:
    document = copy.deepcopy(crd_document(Market))
    schema = document["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    schema["properties"]["metadata"]["properties"]["labels"] = {"type": "object"}
    assert any("only name and generateName" in each for each in violations(document))


def test_a_missing_status_subresource_schema_or_column_is_found() -> None:
    document = copy.deepcopy(crd_document(Market))
    version = document["spec"]["versions"][0]
    del version["subresources"]
    version["additionalPrinterColumns"].pop(0)
    found = violations(document)
    assert any("no status subresource" in each for each in found)
    assert any("must print Ready, Reason" in each for each in found)
    del version["schema"]
    assert violations(document) == ["v1alpha1: has no schema"]


def test_an_open_map_must_be_bounded() -> None:
    document = copy.deepcopy(crd_document(Market))
    spec_of(document)["properties"]["labels"] = {
        "description": "Labels.",
        "type": "object",
        "additionalProperties": {"type": "string", "maxLength": 63},
    }
    assert violations(document) == ["v1alpha1.spec.labels: has no maxProperties"]
