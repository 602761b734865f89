"""The CRD of one kind as a plain document, and as the text of its file."""

from __future__ import annotations

import hashlib
import inspect
import json
from typing import Any

import yaml

from touchline.api.crds.schema import Schema, structural_schema
from touchline.api.kinds import KINDS, Resource
from touchline.api.types.references import LABEL_LENGTH, LABEL_PATTERN
from touchline.api.types.resource import GROUP, VERSION, Column

DIGEST = f"{GROUP}/schema"
"""Annotation with a digest of the CRD's spec: whether two are the same can be asked without comparing what a server made of them."""

_READY = '.status.conditions[?(@.type=="Ready")]'
# So that `kubectl wait` and every reader find Ready from the first moment, before the operator has seen the object.
_FIRST_STATUS = {
    "conditions": [
        {
            "type": "Ready",
            "status": "Unknown",
            "reason": "Pending",
            "message": "The operator has not looked at this object yet.",
            "lastTransitionTime": "1970-01-01T00:00:00Z",
        }
    ]
}


def file_name(model: type[Resource]) -> str:
    """Name of the file that holds a kind's CRD."""
    return f"{GROUP}_{model.info.plural}.yaml"


def crd_documents() -> dict[str, dict[str, Any]]:
    """Every CRD, by the name of its file."""
    return {file_name(model): crd_document(model) for model in KINDS.values()}


def crd_document(model: type[Resource]) -> dict[str, Any]:
    """The CustomResourceDefinition of one kind."""
    info, kind = model.info, model.__name__
    spec = {
        "group": GROUP,
        "names": {
            "kind": kind,
            "listKind": f"{kind}List",
            "plural": info.plural,
            "singular": kind.lower(),
            "shortNames": list(info.short_names),
            "categories": ["touchline"],
        },
        "scope": "Namespaced",
        "versions": [
            {
                "name": VERSION,
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": root_schema(model)},
                "subresources": {"status": {}},
                "additionalPrinterColumns": _columns(info.columns),
            }
        ],
    }
    digest = hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()[:16]
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{info.plural}.{GROUP}", "annotations": {DIGEST: digest}},
        "spec": spec,
    }


def root_schema(model: type[Resource]) -> Schema:
    """The schema of the whole object: Kubernetes' own fields, spec and status."""
    schema = structural_schema(model)
    spec, status = schema["properties"]["spec"], schema["properties"]["status"]
    status = {"description": status.pop("description"), "type": status.pop("type"), "default": _FIRST_STATUS, **status}
    return {
        "description": inspect.getdoc(model),
        "type": "object",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"description": "Version of the resource.", "type": "string", "maxLength": 64},
            "kind": {"description": "Kind of the resource.", "type": "string", "maxLength": 64},
            "metadata": {
                "type": "object",
                "properties": {"name": {"type": "string", "pattern": LABEL_PATTERN, "maxLength": LABEL_LENGTH}},
            },
            "spec": spec,
            "status": status,
        },
    }


def _columns(own: tuple[Column, ...]) -> list[dict[str, Any]]:
    ready = {
        "name": "Ready",
        "type": "string",
        "jsonPath": f"{_READY}.status",
        "description": "Whether the object does what it should.",
    }
    reason = {"name": "Reason", "type": "string", "jsonPath": f"{_READY}.reason", "description": "Why."}
    age = {
        "name": "Age",
        "type": "date",
        "jsonPath": ".metadata.creationTimestamp",
        "description": "Time since creation.",
    }
    return [ready, reason, *(_column(column) for column in own), age]


def _column(column: Column) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "name": column.name,
        "type": column.type,
        "jsonPath": column.path,
        "description": column.description,
    }
    if column.priority:
        entry["priority"] = column.priority
    return entry


class _Dumper(yaml.SafeDumper):
    """Block style, lists indented under their key, and no anchors."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        return super().increase_indent(flow, False)


def crd_text(document: dict[str, Any]) -> str:
    """The text of a CRD's file."""
    body = yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=120, allow_unicode=True)
    return f"# Generated from touchline.api by `make crds`; change the models instead.\n---\n{body}"
