"""Amounts of bytes as Kubernetes quantities ("256Ki", "50Gi")."""

from __future__ import annotations

import re
from functools import total_ordering
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

PATTERN = r"^[1-9][0-9]{0,11}(Ki|Mi|Gi|Ti|k|M|G|T)?$"
MAX_LENGTH = 16
_PARTS = re.compile(r"([1-9][0-9]{0,11})(Ki|Mi|Gi|Ti|k|M|G|T)?")
_UNITS = {
    "": 1,
    "k": 10**3,
    "M": 10**6,
    "G": 10**9,
    "T": 10**12,
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
    "Ti": 2**40,
}


@total_ordering
class Quantity:
    """A number of bytes: `text` as written, `octets` as an integer. Compares by amount.

    `Quantity("256Ki")` raises ValueError for anything but a whole number with an optional Kubernetes suffix.
    """

    __slots__ = ("octets", "text")

    text: str
    octets: int

    def __init__(self, text: str) -> None:
        parts = _PARTS.fullmatch(text)
        if parts is None:
            raise ValueError(f"not a quantity: {text[:40]!r}")
        self.text = text
        self.octets = int(parts[1]) * _UNITS[parts[2] or ""]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Quantity) and self.octets == other.octets

    def __lt__(self, other: Quantity) -> bool:
        return self.octets < other.octets

    def __hash__(self) -> int:
        return hash(self.octets)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Quantity({self.text!r})"

    @classmethod
    def _validate(cls, value: Any) -> Quantity:
        if isinstance(value, Quantity):
            return value
        if isinstance(value, str):
            try:
                return cls(value)
            except ValueError:
                pass  # told below, together with values that are no text at all
        raise PydanticCustomError(
            "quantity", "must be a size in text, such as 256Ki or 50Gi, not {shown}", {"shown": repr(value)[:60]}
        )

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls._validate, serialization=core_schema.to_string_ser_schema(when_used="always")
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: CoreSchema, _handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string", "pattern": PATTERN, "maxLength": MAX_LENGTH}
