"""What the defaults of a CRD must not be, so that GitOps tools can apply and compare objects (see `crds/schema.py`).

That the API server really loses such a block is shown on one: tests/integration/operator/test_empty_blocks.py.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from touchline.api.crds import crd_documents

DOCUMENTS = crd_documents()
Schema = dict[str, Any]


def below(node: Schema, path: str) -> Iterator[tuple[str, Schema]]:
    for name, child in node.get("properties", {}).items():
        yield f"{path}.{name}", child
        yield from below(child, f"{path}.{name}")
    if "items" in node:
        yield f"{path}[]", node["items"]
        yield from below(node["items"], f"{path}[]")


def spec_of(document: Schema) -> Schema:
    spec: Schema = document["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return spec


def lists_filled_in(node: Schema) -> list[str]:
    filled = [(name, child) for name, child in node.get("properties", {}).items() if "default" in child]
    return [name for name, child in filled if child["type"] == "array" or lists_filled_in(child)]


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS)
def test_no_list_is_filled_into_a_block_that_may_be_given_empty(document: Schema) -> None:
    for path, node in below(spec_of(document), ""):
        if node["type"] == "object" and "default" not in node and not node.get("required") and path[-1] != "]":
            assert lists_filled_in(node) == [], path


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS)
def test_nothing_is_filled_into_the_items_of_an_atomic_list(document: Schema) -> None:
    for path, node in below(spec_of(document), ""):
        if node.get("x-kubernetes-list-type") == "atomic":
            assert [name for name, child in below(node["items"], path) if "default" in child] == []
