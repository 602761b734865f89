"""Durations as Kubernetes writes them ("500ms", "1m30s"), kept as text and as whole microseconds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import total_ordering
from typing import Any, Self

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from touchline.api.types.rules import add_validation, cel_text

PATTERN = r"^([0-9]{1,9}(h|ms|m|s|us))+$"
MAX_LENGTH = 32
_PART = re.compile(r"([0-9]{1,9})(h|ms|m|s|us)")
_UNITS = {"h": 3_600_000_000, "m": 60_000_000, "s": 1_000_000, "ms": 1_000, "us": 1}


@total_ordering
class Duration:
    """A length of time: `text` as its author wrote it, `micros` as an integer. Compares by length.

    `Duration("1m30s")` raises ValueError for anything but whole numbers with the units h, m, s, ms, us.
    """

    __slots__ = ("micros", "text")

    text: str
    micros: int

    def __init__(self, text: str) -> None:
        if len(text) > MAX_LENGTH or not re.fullmatch(PATTERN[1:-1], text):
            raise ValueError(f"not a duration: {text[:40]!r}")
        self.text = text
        self.micros = sum(int(count) * _UNITS[unit] for count, unit in _PART.findall(text))

    @classmethod
    def of(cls, micros: int) -> Self:
        """The shortest text for a number of microseconds (0 or more)."""
        if micros == 0:
            return cls("0s")
        parts, rest = [], micros
        for unit, size in _UNITS.items():
            count, rest = divmod(rest, size)
            if count:
                parts.append(f"{count}{unit}")
        return cls("".join(parts))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Duration) and self.micros == other.micros

    def __lt__(self, other: Duration) -> bool:
        return self.micros < other.micros

    def __hash__(self) -> int:
        return hash(self.micros)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Duration({self.text!r})"

    @classmethod
    def _validate(cls, value: Any) -> Duration:
        if isinstance(value, Duration):
            return value
        if not isinstance(value, str):
            raise PydanticCustomError("duration", "must be a duration in text with a unit, such as 500ms or 1m30s")
        try:
            return cls(value)
        except ValueError:
            raise PydanticCustomError(
                "duration",
                "must be a duration of whole numbers with the units h, m, s, ms or us, such as 500ms or 1m30s, not {shown}",
                {"shown": repr(value)[:60]},
            ) from None

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls._validate, serialization=core_schema.to_string_ser_schema(when_used="always")
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: CoreSchema, _handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string", "pattern": PATTERN, "maxLength": MAX_LENGTH}


@dataclass(frozen=True, slots=True)
class Between:
    """Bounds of a duration, both inclusive, as duration texts."""

    least: str
    most: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        node = handler(schema)
        least, most = cel_text(self.least), cel_text(self.most)
        rule = f"duration(self) >= duration({least}) && duration(self) <= duration({most})"
        add_validation(node, {"rule": rule, "message": self._message()})
        return node

    def _message(self) -> str:
        return f"must be between {self.least} and {self.most}"

    def _check(self, value: Duration) -> Duration:
        if not Duration(self.least) <= value <= Duration(self.most):
            raise PydanticCustomError(
                "range", "{reason}, not {shown}", {"reason": self._message(), "shown": value.text}
            )
        return value
