"""Money, odds, lines and percentages as exact decimal text, with integer micro-units for arithmetic.

A float cannot hold 0.1; a JSON number may be read as a float by any tool on the way. So decimals travel as strings, and
inside the engine as integers: one micro-unit is a millionth of what the text counts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import total_ordering
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from touchline.api.types.rules import add_validation

PATTERN = r"^-?[0-9]{1,12}(\.[0-9]{1,6})?$"
MAX_LENGTH = 20
MICRO = 1_000_000


@total_ordering
class DecimalString:
    """A decimal number: `text` exactly as written, `micros` as an integer number of millionths. Compares by value.

    `DecimalString("2.50")` raises ValueError for more than 12 digits before or 6 after the point, or any other text.
    """

    __slots__ = ("micros", "text")

    text: str
    micros: int

    def __init__(self, text: str) -> None:
        if not re.fullmatch(PATTERN[1:-1], text):
            raise ValueError(f"not a decimal: {text[:40]!r}")
        self.text = text
        self.micros = int(Decimal(text).scaleb(6))

    @property
    def decimal(self) -> Decimal:
        """The exact value."""
        return Decimal(self.text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DecimalString) and self.micros == other.micros

    def __lt__(self, other: DecimalString) -> bool:
        return self.micros < other.micros

    def __hash__(self) -> int:
        return hash(self.micros)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"DecimalString({self.text!r})"

    @classmethod
    def _validate(cls, value: Any) -> DecimalString:
        if isinstance(value, DecimalString):
            return value
        if isinstance(value, int | float) and not isinstance(value, bool):
            raise PydanticCustomError(
                "decimal_number", 'must be a decimal in quotes: "{shown}"', {"shown": str(value), "quote": str(value)}
            )
        if not isinstance(value, str):
            raise PydanticCustomError("decimal", 'must be a decimal in quotes, such as "2.50"')
        try:
            return cls(value)
        except ValueError:
            raise PydanticCustomError(
                "decimal",
                'must be a decimal with at most 12 digits before and 6 after the point, such as "2.50", not {shown}',
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
class Span:
    """Bounds of a decimal, both inclusive, as decimal texts."""

    least: str
    most: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        node = handler(schema)
        # A double holds every bound used here exactly enough; only the comparison is done in it, never the money.
        rule = f"double(self) >= double('{self.least}') && double(self) <= double('{self.most}')"
        add_validation(node, {"rule": rule, "message": self._message()})
        return node

    def _message(self) -> str:
        return f"must be between {self.least} and {self.most}"

    def _check(self, value: DecimalString) -> DecimalString:
        if not DecimalString(self.least) <= value <= DecimalString(self.most):
            raise PydanticCustomError(
                "range", "{reason}, not {shown}", {"reason": self._message(), "shown": value.text}
            )
        return value


Money = Annotated[DecimalString, Span("0", "999999999.99")]
Percent = Annotated[DecimalString, Span("0", "100")]
# A line or handicap may be negative: -1.5 goals.
Line = Annotated[DecimalString, Span("-10000", "10000")]
