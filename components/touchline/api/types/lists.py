"""Lists with bounds, uniqueness and the list type that server-side apply needs to merge them.

Two writers of one list overwrite each other unless the API server knows how its items are told apart: `map` lists by
key fields, `set` lists of scalars by value, `atomic` lists as one value.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema


@dataclass(frozen=True, kw_only=True, slots=True)
class _Bounded:
    max_items: int
    min_items: int = 0

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        node = handler(schema)
        node["maxItems"] = self.max_items
        if self.min_items:
            node["minItems"] = self.min_items
        node.update(self._list_type())
        return node

    def _list_type(self) -> dict[str, Any]:
        return {"x-kubernetes-list-type": "atomic"}

    def _identity(self, _item: Any) -> Hashable | None:
        """What may occur only once; None where items may repeat."""
        return None

    def _check(self, items: Sequence[Any]) -> Sequence[Any]:
        if len(items) > self.max_items:
            raise PydanticCustomError(
                "too_many",
                "must have at most {most} items, not {count}",
                {"most": self.max_items, "count": len(items)},
            )
        if len(items) < self.min_items:
            raise PydanticCustomError("too_few", "must have at least {least} items", {"least": self.min_items})
        counts = Counter(identity for item in items if (identity := self._identity(item)) is not None)
        twice = [identity for identity, count in counts.items() if count > 1]
        if twice:
            raise PydanticCustomError("twice", "may not list {shown} twice", {"shown": str(twice[0])})
        return items


@dataclass(frozen=True, kw_only=True, slots=True)
class ListAtomic(_Bounded):
    """Order matters and items may repeat; replaced as a whole."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ListSet(_Bounded):
    """Scalars, each at most once."""

    def _list_type(self) -> dict[str, Any]:
        return {"x-kubernetes-list-type": "set"}

    def _identity(self, _item: Any) -> Hashable | None:
        return str(_item)


@dataclass(frozen=True, kw_only=True, slots=True)
class ListMap(_Bounded):
    """Objects told apart by `keys`, given as Python attribute names."""

    keys: tuple[str, ...]

    def _list_type(self) -> dict[str, Any]:
        return {
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": [to_camel(key) for key in self.keys],
        }

    def _identity(self, _item: Any) -> Hashable | None:
        return "/".join(str(getattr(_item, key)) for key in self.keys)
