"""The reference documentation, one page for each kind, generated from the CRDs' own schemas.

`python -m touchline.api.reference OUTDIR` writes it, `--check` tells what would change.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from touchline.api import generated
from touchline.api.crds.document import crd_document
from touchline.api.kinds import KINDS, Resource
from touchline.api.types.resource import API_VERSION
from touchline.api.types.rules import VALIDATIONS

Schema = dict[str, Any]
_NOTE = "<!-- Generated from touchline.api by `make crds`; change the models instead. -->"
# Long defaults of whole blocks say less than the fields' own.
_LONGEST_DEFAULT = 60


def pages() -> dict[str, str]:
    """Every page, by the name of its file."""
    return {"index.md": _index(), **{f"{kind.lower()}.md": _page(model) for kind, model in KINDS.items()}}


def _index() -> str:
    rows = [
        f"| [{kind}]({kind.lower()}.md) | `{model.info.plural}`, `{', '.join(model.info.short_names)}` | {_summary(model)} |"
        for kind, model in KINDS.items()
    ]
    lines = [
        _NOTE,
        "# Reference",
        "",
        f"Every field of every kind of `{API_VERSION}`. Durations are text with a unit (`500ms`, `1m30s`), money, odds and percentages",
        'decimals in quotes (`"2.50"`), sizes Kubernetes quantities (`50Gi`). `kubectl get touchline` lists objects of all kinds.',
        "",
        "| kind | kubectl names | what |",
        "|---|---|---|",
        *rows,
    ]
    return "\n".join(lines) + "\n"


def _summary(model: type[Resource]) -> str:
    return " ".join((model.__doc__ or "").split())


def _page(model: type[Resource]) -> str:
    document = crd_document(model)
    version = document["spec"]["versions"][0]
    schema = version["schema"]["openAPIV3Schema"]["properties"]
    columns = version["additionalPrinterColumns"]
    lines = [
        _NOTE,
        f"# {model.__name__}",
        "",
        _summary(model),
        "",
        f"`kubectl get {model.info.plural}` (short: {', '.join(f'`{name}`' for name in model.info.short_names)}) shows:",
        "",
        *(f"* **{column['name']}**: {column['description']}{_only_wide(column)}" for column in columns),
        "",
        "## spec",
        "",
        schema["spec"]["description"],
        "",
        *_block(schema["spec"], "spec"),
        "## status",
        "",
        f"{schema['status']['description']} Written by the operator only.",
        "",
        *_block(schema["status"], "status"),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _only_wide(column: Schema) -> str:
    return " (with `-o wide`)" if column.get("priority") else ""


def _block(node: Schema, path: str) -> Iterator[str]:
    """A table of a block's fields, its rules, and then a section for each block inside it."""
    required = node.get("required", [])
    yield "| field | type | default | what |"
    yield "|---|---|---|---|"
    for name, field in node.get("properties", {}).items():
        yield f"| `{name}` | {_type(field)} | {_default(name, field, required)} | {_cell(field['description'])}{_bounds(field)} |"
    yield ""
    rules = [entry["message"] for entry in node.get(VALIDATIONS, [])]
    if rules:
        yield from (f"* {_cell(message)}" for message in rules)
        yield ""
    for name, field in node.get("properties", {}).items():
        inner, suffix = (field["items"], "[]") if field["type"] == "array" else (field, "")
        if inner.get("properties"):
            yield f"### {path}.{name}{suffix}"
            yield ""
            yield from _block(inner, f"{path}.{name}{suffix}")


def _type(field: Schema) -> str:
    kind = str(field["type"])
    if kind == "array":
        return f"list of {_type(field['items'])}"
    if "enum" in field:
        return " \\| ".join(f"`{value}`" for value in field["enum"])
    if str(field.get("pattern", "")).startswith("^([0-9]{1,9}(h|"):
        return "duration"
    if str(field.get("pattern", "")).startswith("^-?[0-9]{1,12}"):
        return "decimal"
    if str(field.get("pattern", "")).endswith("(Ki|Mi|Gi|Ti|k|M|G|T)?$"):
        return "size"
    return {"string": "text", "integer": "integer", "boolean": "boolean", "object": "object"}[kind]


def _default(name: str, field: Schema, required: list[str]) -> str:
    if name in required:
        return "**required**"
    default = field.get("default")
    if default is None or default in ([], ""):
        return ""
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, dict):
        return ""
    shown = ", ".join(str(value) for value in default) if isinstance(default, list) else str(default)
    return f"`{shown}`" if len(shown) <= _LONGEST_DEFAULT else shown


def _bounds(field: Schema) -> str:
    notes = [entry["message"] for entry in field.get(VALIDATIONS, []) if field["type"] != "object"]
    if "minimum" in field and field["maximum"] < 2**31 - 1:
        notes.append(f"{field['minimum']} to {field['maximum']}")
    if "maxItems" in field:
        least = field.get("minItems", 0)
        notes.append(f"{least} to {field['maxItems']} items" if least else f"at most {field['maxItems']} items")
    return f" ({'; '.join(_cell(note) for note in notes)})" if notes else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*")


def main(arguments: list[str]) -> int:
    """Write or check the pages; returns the exit code."""
    return generated.run(
        arguments,
        program="python -m touchline.api.reference",
        what="the reference documentation",
        files=pages(),
        pattern="*.md",
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
