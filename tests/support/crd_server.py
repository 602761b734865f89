"""What an API server does with an object of one of our CRDs, as far as a test needs it: fill defaults, check schema, lists, CEL.

Follows the published behaviour: defaults are filled from outside in before anything is checked; a rule runs at its node with
`self` bound to the node's value; rules about a change (`oldSelf`) run on updates only. CEL is evaluated by the
`common-expression-language` package, an implementation that is not ours.
"""

import re
from collections.abc import Iterator
from typing import Any

import cel
import jsonschema  # type: ignore[import-untyped]

Schema = dict[str, Any]


def _pattern(_validator: Any, pattern: str, value: Any, _schema: Schema) -> Iterator[jsonschema.ValidationError]:
    """In RE2 `$` is the end of the text; in Python it also stands before a last line break."""
    if isinstance(value, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), value):
        yield jsonschema.ValidationError(f"{value!r} does not match {pattern}")


_Validator = jsonschema.validators.extend(jsonschema.Draft202012Validator, {"pattern": _pattern})


def with_defaults(schema: Schema, value: Any) -> Any:
    """The value with every default below it filled."""
    if isinstance(value, dict):
        filled = dict(value)
        for name, child in schema.get("properties", {}).items():
            if name not in filled and "default" in child:
                filled[name] = child["default"]
            if name in filled:
                filled[name] = with_defaults(child, filled[name])
        return filled
    if isinstance(value, list):
        return [with_defaults(schema.get("items", {}), item) for item in value]
    return value


def refusals(schema: Schema, value: Any) -> list[str]:
    """Why the object is refused on creation; empty where it is accepted."""
    filled = with_defaults(schema, value)
    found = [f"{error.json_path}: {error.message}" for error in _Validator(schema).iter_errors(filled)]
    found += unknown_fields(schema, filled, "$")
    # Rules only run on what the schema has accepted, as on the API server.
    return found or [*list_violations(schema, filled, "$"), *broken_rules(schema, filled, "$")]


def unknown_fields(schema: Schema, value: Any, path: str) -> list[str]:
    """Fields that would be pruned (which `kubectl` refuses by default)."""
    if isinstance(value, dict) and "properties" in schema:
        found = [f"{path}.{name}: unknown" for name in value if name not in schema["properties"]]
        for name, child in value.items():
            if name in schema["properties"]:
                found += unknown_fields(schema["properties"][name], child, f"{path}.{name}")
        return found
    if isinstance(value, list):
        return [each for item in value for each in unknown_fields(schema.get("items", {}), item, f"{path}[]")]
    return []


def list_violations(schema: Schema, value: Any, path: str) -> list[str]:
    """Items of `set` and `map` lists that occur twice."""
    found: list[str] = []
    if isinstance(value, dict):
        for name, child in schema.get("properties", {}).items():
            if name in value:
                found += list_violations(child, value[name], f"{path}.{name}")
    elif isinstance(value, list):
        kind, keys = schema.get("x-kubernetes-list-type"), schema.get("x-kubernetes-list-map-keys", [])
        identities = [repr([item[key] for key in keys]) if kind == "map" else repr(item) for item in value]
        if kind in ("map", "set") and len(set(identities)) != len(identities):
            found.append(f"{path}: an item occurs twice")
        for item in value:
            found += list_violations(schema["items"], item, f"{path}[]")
    return found


def rules(schema: Schema, path: str = "$") -> Iterator[tuple[str, dict[str, str]]]:
    """Every CEL rule of a schema with the path of its node."""
    for entry in schema.get("x-kubernetes-validations", []):
        yield path, entry
    for name, child in schema.get("properties", {}).items():
        yield from rules(child, f"{path}.{name}")
    if "items" in schema:
        yield from rules(schema["items"], f"{path}[]")


def is_transition(rule: dict[str, str]) -> bool:
    """Whether a rule compares with the object before the change."""
    return "oldSelf" in rule["rule"]


def broken_rules(schema: Schema, value: Any, path: str) -> list[str]:
    """Rules that do not hold; one that cannot be evaluated counts as broken, as on the API server."""
    found = []
    for entry in schema.get("x-kubernetes-validations", []):
        if not is_transition(entry) and not _holds(entry["rule"], value):
            found.append(f"{path}: {entry['message']}")
    if isinstance(value, dict):
        for name, child in schema.get("properties", {}).items():
            if name in value:
                found += broken_rules(child, value[name], f"{path}.{name}")
    elif isinstance(value, list):
        for item in value:
            found += broken_rules(schema["items"], item, f"{path}[]")
    return found


def change_allowed(rule: str, old: Any, new: Any) -> bool:
    """Whether a rule about a change holds."""
    return bool(cel.evaluate(rule, {"self": new, "oldSelf": old}))


def _holds(rule: str, value: Any) -> bool:
    try:
        return cel.evaluate(rule, {"self": value}) is True
    except (RuntimeError, ValueError, TypeError):
        return False
