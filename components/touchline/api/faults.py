"""pydantic's errors in the words of somebody who writes YAML: where, what is wrong, what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from touchline.api.errors import Fault, FieldPath


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`did you mean "x"?` for the known word nearest to a mistyped one, or nothing."""
    names = sorted(known)
    by_case = {name.casefold(): name for name in reversed(names)}
    near = difflib.get_close_matches(word.casefold(), sorted(by_case), n=1, cutoff=0.6)
    return f'did you mean "{by_case[near[0]]}"?' if near else ""


def faults_of(error: ValidationError, model: type[BaseModel]) -> list[Fault]:
    """Every fault of a failed validation, in order."""
    return [_fault(details, model) for details in error.errors(include_url=False)]


def _fault(details: ErrorDetails, model: type[BaseModel]) -> Fault:
    path: FieldPath = tuple(details["loc"])
    kind, context, value = details["type"], details.get("ctx", {}), details["input"]
    match kind:
        case "extra_forbidden":
            fields = fields_at(model, path[:-1])
            fix = did_you_mean(str(path[-1]), fields) or (f"known here: {', '.join(fields)}" if fields else "")
            return Fault(path, f"there is no field {str(path[-1])!r} here", fix)
        case "missing":
            return Fault(path, "must be given", _what_is(model, path))
        case "enum":
            expected = str(context.get("expected", ""))
            choices = [choice.strip().strip("'") for choice in expected.replace(" or ", ", ").split(",")]
            return Fault(path, f"must be one of {', '.join(choices)}, not {value!r}", did_you_mean(str(value), choices))
        case "literal_error":
            return Fault(path, f"must be {context.get('expected')}, not {value!r}")
        case "rule":
            at = str(context.get("at", ""))
            return Fault((*path, *at.split(".")) if at else path, str(context["reason"]))
        case "decimal_number":
            return Fault(path, "must be a decimal in quotes", f'write "{context["shown"]}"')
        case "string_type":
            return Fault(path, f"must be text, not {_shown(value)}", _quote_it(value))
        case "int_type" | "int_from_float":
            fix = f"write {value} without quotes" if isinstance(value, str) and value.isdigit() else ""
            return Fault(path, f"must be a whole number, not {_shown(value)}", fix)
        case "bool_type":
            return Fault(path, f"must be true or false, not {_shown(value)}")
        case "tuple_type":
            return Fault(path, f"must be a list, not {_shown(value)}")
        case "model_type" | "model_attributes_type" | "dict_type":
            return Fault(path, f"must be an object with fields, not {_shown(value)}")
        case "greater_than_equal":
            return Fault(path, f"must be at least {context['ge']}, not {value}")
        case "less_than_equal":
            return Fault(path, f"must be at most {context['le']}, not {value}")
        case "string_too_long":
            return Fault(path, f"must have at most {context['max_length']} characters")
        case "string_pattern_mismatch":
            return Fault(path, f"must look like {context['pattern']}, not {_shown(value)}")
        case _:
            return Fault(path, details["msg"])


def _shown(value: Any) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case dict():
            return "an object"
        case list() | tuple():
            return "a list"
        case _:
            return repr(value)[:60]


def _quote_it(value: Any) -> str:
    if isinstance(value, bool):
        return "put it in quotes: YAML reads yes, no, on and off as true and false"
    if isinstance(value, int | float):
        return f'put it in quotes: "{value}"'
    return ""


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    """The models that a field's annotation can hold, through Optional, Annotated and lists."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    origin = get_origin(annotation)
    if origin is Annotated:
        return _models_in(get_args(annotation)[0])
    if origin in (Union, UnionType, tuple, list, dict):
        return [model for part in get_args(annotation) for model in _models_in(part)]
    return []


def _model_at(model: type[BaseModel], path: FieldPath) -> type[BaseModel] | None:
    current: type[BaseModel] | None = model
    for part in path:
        if isinstance(part, int):
            continue
        if current is None:
            return None
        field = next((field for name, field in current.model_fields.items() if (field.alias or name) == part), None)
        inner = _models_in(field.annotation) if field is not None else []
        current = inner[0] if inner else None
    return current


def fields_at(model: type[BaseModel], path: FieldPath) -> list[str]:
    """Names on the wire of the fields of the block at a path."""
    at = _model_at(model, path)
    return [field.alias or name for name, field in at.model_fields.items()] if at is not None else []


def _what_is(model: type[BaseModel], path: FieldPath) -> str:
    at = _model_at(model, path[:-1])
    if at is None:
        return ""
    for name, field in at.model_fields.items():
        if (field.alias or name) == path[-1]:
            return (field.description or "").split(". ")[0].rstrip(".")
    return ""
