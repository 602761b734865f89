"""From a model's JSON schema to the structural schema that a CRD may hold.

pydantic writes references, titles, unions with null and closed objects; a structural schema has none of these: every node
is inlined, has one type, and is closed by pruning. Each step here is one function from node to node.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from touchline.api.types.rules import VALIDATIONS

Schema = dict[str, Any]

# Keys of one node in the order in which they are written.
_ORDER = (
    "description",
    "type",
    "format",
    "default",
    "enum",
    "pattern",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "minItems",
    "maxItems",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
    VALIDATIONS,
    "required",
    "properties",
    "items",
)
# What JSON schema has and a structural schema must not, and which says nothing that pruning and defaults do not.
_DROPPED = ("title", "additionalProperties", "examples")
_REF_PREFIX = "#/$defs/"


class Untranslatable(Exception):
    """A model uses something that a structural schema cannot say. A bug of the model, told with its place."""


def structural_schema(model: type[BaseModel]) -> Schema:
    """The structural schema of a model. Raises Untranslatable."""
    raw = model.model_json_schema(by_alias=True, mode="validation")
    return _node(raw, raw.get("$defs", {}), model.__name__)


def _node(raw: Schema, definitions: dict[str, Schema], place: str) -> Schema:
    node = _without_null(_inlined(raw, definitions), definitions, place)
    node = {key: value for key, value in node.items() if key not in (*_DROPPED, "$defs")}
    if node.get("default", ...) is None:
        del node["default"]
    if "const" in node:
        node["enum"] = [node.pop("const")]
    if "properties" in node:
        node["properties"] = {
            name: _node(child, definitions, f"{place}.{name}") for name, child in node["properties"].items()
        }
    if "items" in node:
        node["items"] = _node(node["items"], definitions, f"{place}[]")
    if place.count(".") > 1 and _vanishes(node):  # not spec and status themselves
        node = _without_empty_defaults(node)
    if node.get("x-kubernetes-list-type") == "atomic":
        node["items"] = _without_empty_defaults(node["items"])
    unknown = sorted(set(node) - set(_ORDER))
    if unknown or "type" not in node:
        raise Untranslatable(f"{place}: cannot say {', '.join(unknown) or 'a value without a type'}")
    return {key: node[key] for key in _ORDER if key in node}


def _vanishes(node: Schema) -> bool:
    """Whether the block, given as `{}`, would be taken away by the second of two equal server-side applies.

    The applier owns the block itself and none of what the defaults put in. Where a default list is among that, the API server's
    merge prunes the list, then the block, and no default brings it back.
    """
    alone = node.get("type") == "object" and "default" not in node and not node.get("required")
    return alone and _fills_a_list_in(node)


def _fills_a_list_in(node: Schema) -> bool:
    filled = [child for child in node.get("properties", {}).values() if "default" in child]
    return any(child["type"] == "array" or _fills_a_list_in(child) for child in filled)


def _without_empty_defaults(node: Schema) -> Schema:
    """The block without the default lists below it that are empty, and the default blocks that hold nothing else: left out means the same.

    Also for items of atomic lists: a tool that predicts an apply (Argo CD's comparison) puts in the applier's list as it stands.
    """
    children = {}
    for name, child in node.get("properties", {}).items():
        children[name] = _without_empty_defaults(child)
        if _is_empty(child.get("default")):
            del children[name]["default"]
    return {**node, "properties": children} if children else dict(node)


def _is_empty(default: Any) -> bool:
    return default == [] or (isinstance(default, dict) and bool(default) and all(map(_is_empty, default.values())))


def _inlined(raw: Schema, definitions: dict[str, Schema]) -> Schema:
    """The node with its reference replaced; what stands beside the reference wins, rules of both are kept."""
    if "$ref" not in raw:
        return dict(raw)
    target = _inlined(definitions[raw["$ref"].removeprefix(_REF_PREFIX)], definitions)
    beside = {key: value for key, value in raw.items() if key != "$ref"}
    rules = [*target.get(VALIDATIONS, []), *beside.get(VALIDATIONS, [])]
    merged = {**target, **beside}
    if rules:
        merged[VALIDATIONS] = rules
    return merged


def _without_null(node: Schema, definitions: dict[str, Schema], place: str) -> Schema:
    """An optional value without its null: on the wire, what is not set is left out."""
    if "anyOf" not in node:
        return node
    choices = [choice for choice in node["anyOf"] if choice.get("type") != "null"]
    if len(choices) != 1:
        raise Untranslatable(f"{place}: a value of several types")
    beside = {key: value for key, value in node.items() if key != "anyOf"}
    inner = _inlined(choices[0], definitions)
    rules = [*inner.get(VALIDATIONS, []), *beside.get(VALIDATIONS, [])]
    merged = {**inner, **beside}
    if rules:
        merged[VALIDATIONS] = rules
    return merged
