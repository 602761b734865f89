"""Blocks that may be given empty and are filled with lists: the API server would lose them on a second apply (see `crds/schema.py`).

That it would, and does not, is shown on a real one: tests/integration/operator/test_empty_blocks.py.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from touchline.api.crds import crd_documents

DOCUMENTS = crd_documents()


def below(node: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, child in node.get("properties", {}).items():
        yield f"{path}.{name}", child
        yield from below(child, f"{path}.{name}")
    if "items" in node:
        yield from below(node["items"], f"{path}[]")


OWNED_WHOLE = {"FeedProvider": {".spec.betfairStream", ".spec.sportsDataIO"}}


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS)
def test_only_blocks_that_would_be_lost_are_owned_as_a_whole(document: dict[str, Any]) -> None:
    schema = document["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    found = {path for path, node in below(schema, "") if node.get("x-kubernetes-map-type") == "atomic"}
    assert found == OWNED_WHOLE.get(document["spec"]["names"]["kind"], set())
