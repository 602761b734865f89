"""A checker of what Kubernetes demands of a CRD's schema, and of what Touchline demands beyond it.

Kubernetes refuses a schema that is not *structural* (one type for each node, nothing typed inside a logical junctor, no
references), whose lists have impossible merge keys, or whose rules point nowhere. Touchline also wants every string, list
and number bounded, every field described, every list with a list type, and no floats.
Source: Kubernetes documentation, "Extend the Kubernetes API with CustomResourceDefinitions", section "Specifying a
structural schema", and the validation of list types and validation rules described there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]

_FORBIDDEN = (
    "$ref",
    "$defs",
    "definitions",
    "dependencies",
    "deprecated",
    "discriminator",
    "id",
    "patternProperties",
    "readOnly",
    "writeOnly",
    "xml",
    "const",
    "title",
    "x-kubernetes-preserve-unknown-fields",
)
_JUNCTORS = ("allOf", "anyOf", "oneOf", "not")
_NOT_IN_JUNCTORS = ("description", "type", "default", "additionalProperties", "nullable")
_TYPES = ("object", "array", "string", "integer", "boolean", "number")
_SCALARS = ("string", "integer", "boolean")


def violations(document: Schema) -> list[str]:
    """What is wrong with every version of a CRD, each with the path of the node; empty where nothing is."""
    found: list[str] = []
    for version in document["spec"]["versions"]:
        name = version["name"]
        schema = version.get("schema", {}).get("openAPIV3Schema")
        if schema is None:
            found.append(f"{name}: has no schema")
            continue
        found += [f"{name}{path}: {what}" for path, what in _root(schema)]
        if "status" not in version.get("subresources", {}):
            found.append(f"{name}: has no status subresource")
        columns = [column["name"] for column in version.get("additionalPrinterColumns", [])]
        if columns[:2] != ["Ready", "Reason"] or columns[-1:] != ["Age"] or len(columns) < 4:
            found.append(f"{name}: must print Ready, Reason, a domain figure and Age, not {columns}")
    return found


def _root(schema: Schema) -> Iterator[tuple[str, str]]:
    if schema.get("type") != "object":
        yield "", "the root must be an object"
    metadata = schema.get("properties", {}).get("metadata", {})
    extra = set(metadata) - {"type", "properties", "description"}
    if extra or set(metadata.get("properties", {})) - {"name", "generateName"}:
        yield ".metadata", "only name and generateName may be restricted"
    for name, child in schema.get("properties", {}).items():
        if name != "metadata":
            yield from _node(child, f".{name}", correlatable=True)
    yield from _rules(schema, "", correlatable=True)


def _node(node: Schema, path: str, *, correlatable: bool) -> Iterator[tuple[str, str]]:
    """Violations of one node and all below. `correlatable`: whether oldSelf can be found for it."""
    kind = node.get("type")
    if kind not in _TYPES:
        yield path, "has no single type"
        return
    for key in _FORBIDDEN:
        if key in node:
            yield path, f"may not use {key}"
    if node.get("uniqueItems"):
        yield path, "may not use uniqueItems"
    if kind == "number":
        yield path, "may not be a float"
    if not node.get("description") and not path.endswith("[]"):
        yield path, "has no description"
    for key in _JUNCTORS:
        if key in node:
            parts = node[key] if isinstance(node[key], list) else [node[key]]
            for part in parts:
                yield from _junctor(part, node, f"{path}({key})")
    yield from _bounds(node, kind, path)
    yield from _rules(node, path, correlatable=correlatable)
    if kind == "object":
        yield from _object(node, path, correlatable=correlatable)
    if kind == "array":
        yield from _array(node, path, correlatable=correlatable)


def _object(node: Schema, path: str, *, correlatable: bool) -> Iterator[tuple[str, str]]:
    properties, additional = node.get("properties", {}), node.get("additionalProperties")
    if properties and additional is not None:
        yield path, "may not have both properties and additionalProperties"
    if additional is False:
        yield path, "may not have additionalProperties false"
    if isinstance(additional, dict):
        yield from _node(additional, f"{path}[]", correlatable=correlatable)
        if "maxProperties" not in node:
            yield path, "has no maxProperties"
    for name in node.get("required", []):
        if name not in properties:
            yield path, f"requires {name}, which it does not have"
        elif "default" in properties[name]:
            yield f"{path}.{name}", "is required and has a default"
    for name, child in properties.items():
        yield from _node(child, f"{path}.{name}", correlatable=correlatable)


def _array(node: Schema, path: str, *, correlatable: bool) -> Iterator[tuple[str, str]]:
    items = node.get("items")
    if not isinstance(items, dict):
        yield path, "has no single schema for its items"
        return
    list_type = node.get("x-kubernetes-list-type")
    keys = node.get("x-kubernetes-list-map-keys", [])
    if list_type not in ("atomic", "set", "map"):
        yield path, "has no x-kubernetes-list-type"
    if list_type == "map":
        yield from _map_keys(items, keys, path)
    elif keys:
        yield path, "may not have list-map-keys unless it is a map"
    if list_type == "set" and items.get("type") not in _SCALARS:
        yield path, "is a set, so its items must be scalars"
    yield from _node(items, f"{path}[]", correlatable=correlatable and list_type == "map")


def _map_keys(items: Schema, keys: list[str], path: str) -> Iterator[tuple[str, str]]:
    if not keys:
        yield path, "is a map, so it must have list-map-keys"
    if items.get("type") != "object":
        yield path, "is a map, so its items must be objects"
    for key in keys:
        child = items.get("properties", {}).get(key)
        if child is None:
            yield path, f"has the key {key}, which its items do not have"
            continue
        if child.get("type") not in _SCALARS:
            yield path, f"has the key {key}, which is no scalar"
        if key not in items.get("required", []) and "default" not in child:
            yield path, f"has the key {key}, which is neither required nor has a default"


def _bounds(node: Schema, kind: str, path: str) -> Iterator[tuple[str, str]]:
    if kind == "string" and "maxLength" not in node and "enum" not in node:
        yield path, "has no maxLength"
    if kind == "array" and "maxItems" not in node:
        yield path, "has no maxItems"
    if kind == "integer" and "enum" not in node and not {"minimum", "maximum"} <= set(node):
        yield path, "has no minimum and maximum"


def _junctor(part: Schema, outside: Schema, path: str) -> Iterator[tuple[str, str]]:
    """Inside allOf, anyOf, oneOf and not, only values may be restricted, of fields that are declared outside."""
    for key in part:
        if key in _NOT_IN_JUNCTORS or key.startswith("x-kubernetes-"):
            yield path, f"may not use {key} inside a junctor"
    for name, child in part.get("properties", {}).items():
        if name not in outside.get("properties", {}):
            yield f"{path}.{name}", "is declared inside a junctor only"
        else:
            yield from _junctor(child, outside["properties"][name], f"{path}.{name}")
    if "items" in part:
        if "items" not in outside:
            yield path, "declares items inside a junctor only"
        else:
            yield from _junctor(part["items"], outside["items"], f"{path}[]")


def _rules(node: Schema, path: str, *, correlatable: bool) -> Iterator[tuple[str, str]]:
    for entry in node.get("x-kubernetes-validations", []):
        rule, message = entry.get("rule", "").strip(), entry.get("message", "")
        if not rule:
            yield path, "has an empty rule"
        if not message or "\n" in message:
            yield path, f"must give the rule {rule!r} a message of one line"
        if "oldSelf" in rule and not correlatable:
            yield path, "compares with oldSelf inside a list whose items cannot be told apart"
        at = entry.get("fieldPath", "")
        if at and not _leads_somewhere(node, at):
            yield path, f"has a rule whose fieldPath {at} is no field"


def _leads_somewhere(node: Schema, field_path: str) -> bool:
    current: Schema | None = node
    for part in field_path.removeprefix(".").split("."):
        current = current.get("properties", {}).get(part) if current is not None else None
    return current is not None
