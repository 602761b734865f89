"""Every reference inside a spec, found by the names of its fields: `fooRef` and `fooRefs` name an object.

`imagePullSecrets` is called as in every Kubernetes object.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from touchline.api.errors import FieldPath
from touchline.api.types.block import Block
from touchline.api.types.references import ConfigMapKeyRef, NameRef, SecretKeyRef

# The end of a field's name, and the kind that it refers to.
_KINDS = (
    ("secret_ref", "Secret"),
    ("image_pull_secrets", "Secret"),
    ("config_map_ref", "ConfigMap"),
    ("suspension_policy_ref", "SuspensionPolicy"),
    ("entity_map_refs", "EntityMap"),
    ("region_ref", "Region"),
    ("provider_ref", "FeedProvider"),
)


class Reference(NamedTuple):
    """One reference: what kind and name it asks for, and the path of that name."""

    path: FieldPath
    kind: str
    name: str


def references_in(block: Block, path: FieldPath) -> Iterator[Reference]:
    """Every reference in a block and all below, in the order of the fields."""
    for attribute, field in type(block).model_fields.items():
        value, at = getattr(block, attribute), (*path, field.alias or attribute)
        if isinstance(value, Block):
            yield from _reference(attribute, value, at)
        elif isinstance(value, tuple):
            for index, item in enumerate(value):
                if isinstance(item, Block):
                    yield from _reference(attribute, item, (*at, index))


def _reference(attribute: str, block: Block, path: FieldPath) -> Iterator[Reference]:
    if isinstance(block, NameRef | SecretKeyRef | ConfigMapKeyRef):
        kind = next((kind for ending, kind in _KINDS if attribute.endswith(ending)), None)
        if kind is None:
            raise LookupError(f"{attribute}: the kind of this reference is not declared")
        yield Reference((*path, "name"), kind, block.name)
    else:
        yield from references_in(block, path)
