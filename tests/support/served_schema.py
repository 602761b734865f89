"""What an API server says about our kinds: schemas as it stores and serves them, and its documentation, field by field."""

import json
import re
from collections.abc import Iterator
from functools import cached_property
from typing import Any, NamedTuple

from touchline_e2e.apiserver import ApiServer

GROUP = "touchline.dev"
VERSION = "v1alpha1"
PARTS = ("spec", "status")
Schema = dict[str, Any]


class Field(NamedTuple):
    """One node of a schema: `path` is as `spec.feeds.providers[].name`, `schema` is what stands there, with all below."""

    kind: str
    path: str
    schema: Schema

    @property
    def type(self) -> str:
        return str(self.schema.get("type", ""))

    @property
    def name(self) -> str:
        """The last name of the path; an item has its list's."""
        return self.path.rsplit(".", 1)[-1].rstrip("[]")

    def __str__(self) -> str:
        return f"{self.kind}.{self.path}"


class Served:
    """A server's word about our kinds."""

    def __init__(self, api: ApiServer) -> None:
        self._api = api

    @cached_property
    def crds(self) -> dict[str, Any]:
        """Every CustomResourceDefinition of ours as stored, with its status, by kind."""
        items = json.loads(self._api.kubectl("get", "crd", "-o", "json"))["items"]
        return {each["spec"]["names"]["kind"]: each for each in items if each["spec"]["group"] == GROUP}

    @cached_property
    def published(self) -> dict[str, Schema]:
        """Every kind's schema out of the OpenAPI v3 document that clients are given."""
        document = json.loads(self._api.kubectl("get", "--raw", f"/openapi/v3/apis/{GROUP}/{VERSION}"))
        schemas = document["components"]["schemas"]
        return {kind: schemas[f"dev.touchline.{VERSION}.{kind}"] for kind in self.crds}

    @cached_property
    def fields(self) -> list[Field]:
        """Every node of every published schema, items of lists too; metadata is Kubernetes' own and left out."""
        return [
            field
            for kind, schema in self.published.items()
            for part in PARTS
            for field in _walk(kind, part, schema["properties"][part])
        ]

    def explained(self, kind: str) -> set[str]:
        """Paths that `kubectl explain --recursive` lists below spec and status; what is in a list has no mark of it."""
        text = self._api.kubectl("explain", self.crds[kind]["spec"]["names"]["plural"], "--recursive")
        found: set[str] = set()
        above: list[str] = []
        for line in text.splitlines():
            told = re.match(r"^((?:  )+)([A-Za-z]\w*)\t<", line)
            if told:
                above = [*above[: len(told[1]) // 2 - 1], told[2]]
                found.add(".".join(above))
        return {path for path in found if path.startswith(tuple(f"{part}." for part in PARTS))}


def _walk(kind: str, path: str, schema: Schema) -> Iterator[Field]:
    yield Field(kind, path, schema)
    for name, child in schema.get("properties", {}).items():
        yield from _walk(kind, f"{path}.{name}", child)
    if "items" in schema:
        yield from _walk(kind, f"{path}[]", schema["items"])
    if isinstance(schema.get("additionalProperties"), dict):
        yield from _walk(kind, f"{path}{{}}", schema["additionalProperties"])


def nested(path: str, value: Any) -> Any:
    """An object that has nothing but one value at a path, in the first item of every list on the way."""
    for step in reversed(re.findall(r"\w+|\[\]", path)):
        value = [value] if step == "[]" else {step: value}
    return value


def merged(one: Any, other: Any) -> Any:
    """Two such objects in one."""
    if isinstance(one, dict) and isinstance(other, dict):
        return {**one, **{name: merged(one[name], child) if name in one else child for name, child in other.items()}}
    if isinstance(one, list) and isinstance(other, list):
        return [merged(one[0], other[0])]
    return other
