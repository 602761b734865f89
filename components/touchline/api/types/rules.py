"""Rules that one object can check alone, stated once for Python and once as CEL.

A CRD rejects an object on the API server by CEL (`x-kubernetes-validations`); `touchline validate` and every component
reject it through pydantic. Both must agree, so a rule is one value that carries both, and a test evaluates the CEL text
against the Python predicate.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.alias_generators import to_snake
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

VALIDATIONS = "x-kubernetes-validations"


def cel_text(value: str) -> str:
    """`value` as a CEL string literal. Raises ValueError for text that would need escapes."""
    if "'" in value or "\\" in value:
        raise ValueError(f"not plain enough for a CEL literal: {value!r}")
    return f"'{value}'"


def add_validation(schema: JsonSchemaValue, entry: dict[str, str]) -> None:
    """Append one CEL rule to a schema node, keeping those already there."""
    schema[VALIDATIONS] = [*schema.get(VALIDATIONS, []), entry]


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """A rule over the fields of one block.

    `holds` is None for a rule about a change (`oldSelf`), which only the API server can check. `at` is the camelCase
    name of the field to blame, empty for the block itself. `message` starts with must or may not.
    """

    cel: str
    message: str
    holds: Callable[[Any], bool] | None
    at: str = ""

    def as_validation(self) -> dict[str, str]:
        """The entry of `x-kubernetes-validations`."""
        entry = {"rule": self.cel, "message": self.message}
        if self.at:
            entry["fieldPath"] = f".{self.at}"
        return entry

    def refuse(self) -> PydanticCustomError:
        """The error to raise where the rule does not hold."""
        return PydanticCustomError("rule", "{reason}", {"reason": self.message, "at": self.at})


@dataclass(frozen=True, slots=True)
class Immutable:
    """Marks a field that may not change once the object exists; `why` finishes the sentence."""

    why: str

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        node = handler(schema)
        add_validation(node, {"rule": "self == oldSelf", "message": f"may not change: {self.why}"})
        return node


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """A string of one shape: a pattern, a bound on its length, and the words that a user understands."""

    pattern: str
    max_length: int
    says: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        node = handler(schema)
        node.update(pattern=self.pattern, maxLength=self.max_length)
        return node

    def _check(self, value: str) -> str:
        if len(value) > self.max_length:
            raise PydanticCustomError("shape", "must have at most {most} characters", {"most": self.max_length})
        if not re.fullmatch(self.pattern, value):
            raise PydanticCustomError("shape", "{says}, not {shown}", {"says": self.says, "shown": repr(value)[:80]})
        return value


def exactly_one(*blocks: tuple[str, str]) -> Rule:
    """Exactly one of several blocks is present; each is given as (attribute, name on the wire)."""
    names = [wire for _, wire in blocks]
    present = ", ".join(f"has(self.{name})" for name in names)
    return Rule(
        cel=f"[{present}].filter(there, there).size() == 1",
        message=f"must have exactly one of: {', '.join(names)}",
        holds=lambda block: sum(getattr(block, attribute) is not None for attribute, _ in blocks) == 1,
    )


def at_most_one(*blocks: tuple[str, str]) -> Rule:
    """No two of several optional fields are present; each is given as (attribute, name on the wire)."""
    names = [wire for _, wire in blocks]
    present = ", ".join(f"has(self.{name})" for name in names)
    return Rule(
        cel=f"[{present}].filter(there, there).size() <= 1",
        message=f"may not have more than one of: {', '.join(names)}",
        holds=lambda block: sum(getattr(block, attribute) is not None for attribute, _ in blocks) <= 1,
    )


def block_named_after(discriminator: str, value: str, attribute: str, wire: str, *, required: bool = True) -> Rule:
    """A discriminated union: the block (or field) `wire` is there exactly when the discriminator has `value`.

    With `required=False` the block may be left out for its value, but still belongs to no other.
    """
    absent = f"self.{discriminator} == {cel_text(value)} || !has(self.{wire})"
    exact = f"(self.{discriminator} == {cel_text(value)}) == has(self.{wire})"

    def holds(block: Any) -> bool:
        chosen = getattr(block, to_snake(discriminator)) == value
        there = getattr(block, attribute) is not None
        return chosen == there if required else chosen or not there

    demand = f"must have {wire} exactly when {discriminator} is {value}"
    permit = f"may not have {wire} unless {discriminator} is {value}"
    return Rule(cel=exact if required else absent, message=demand if required else permit, holds=holds)
