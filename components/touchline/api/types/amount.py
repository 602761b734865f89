"""What decimals, durations and sizes have in common: a text as its author wrote it, beside the whole number that it stands for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import total_ordering
from typing import Any, ClassVar, Generic, Self, TypeVar

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from touchline.api.types.rules import add_validation


@total_ordering
class Amount(ABC):
    """`text` exactly as written and `size`, what it counts, in the subclass's smallest unit. Compares by size.

    The constructor raises ValueError for a text that is none.
    """

    __slots__ = ("size", "text")

    PATTERN: ClassVar[str]
    MAX_LENGTH: ClassVar[int]

    def __init__(self, text: str) -> None:
        self.size = self._count(text)
        self.text = text

    @classmethod
    @abstractmethod
    def _count(cls, text: str) -> int:
        """What the text stands for. Raises ValueError."""

    @classmethod
    @abstractmethod
    def _refusal(cls, value: Any) -> PydanticCustomError:
        """What to tell the author of a value that is no text, or none of these."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and self.size == other.size

    def __lt__(self, other: Self) -> bool:
        return self.size < other.size

    def __hash__(self) -> int:
        return hash(self.size)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.text!r})"

    @classmethod
    def _validate(cls, value: Any) -> Self:
        if isinstance(value, cls):
            return value
        if not isinstance(value, str):
            raise cls._refusal(value)
        try:
            return cls(value)
        except ValueError:
            raise cls._refusal(value) from None

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls._validate, serialization=core_schema.to_string_ser_schema(when_used="always")
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: CoreSchema, _handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string", "pattern": cls.PATTERN, "maxLength": cls.MAX_LENGTH}


A = TypeVar("A", bound=Amount)


@dataclass(frozen=True, slots=True)
class Bounds(ABC, Generic[A]):
    """Bounds of an amount, both inclusive, as texts. A subclass names the amount and its rule in CEL."""

    least: str
    most: str

    @abstractmethod
    def _amount(self, text: str) -> A:
        """A bound as what it bounds."""

    @abstractmethod
    def _rule(self) -> str:
        """The same check for Kubernetes."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        node = handler(schema)
        add_validation(node, {"rule": self._rule(), "message": self._message()})
        return node

    def _message(self) -> str:
        return f"must be between {self.least} and {self.most}"

    def _check(self, value: A) -> A:
        if not self._amount(self.least).size <= value.size <= self._amount(self.most).size:
            raise PydanticCustomError(
                "range", "{reason}, not {shown}", {"reason": self._message(), "shown": value.text}
            )
        return value
