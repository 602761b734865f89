"""The base of every object inside a custom resource: camelCase on the wire, closed, frozen, with its rules."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, Strict, model_validator
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from touchline.api.types.rules import Rule, add_validation

# Kubernetes does not turn "8" or 8.0 into 8, nor "yes" into true; neither do we.
Whole = Annotated[int, Strict()]
Flag = Annotated[bool, Strict()]


class Block(BaseModel):
    """One object with named fields. Unknown fields are refused; values never change after construction.

    `rules` are checked in order after the fields themselves are valid; the first that does not hold is reported.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        frozen=True,
        validate_default=False,
    )

    rules: ClassVar[tuple[Rule, ...]] = ()

    @model_validator(mode="after")
    def _obey_rules(self) -> Self:
        for rule in type(self).rules:
            if rule.holds is not None and not rule.holds(self):
                raise rule.refuse()
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        node = handler(schema)
        target = handler.resolve_ref_schema(node)
        for rule in cls.rules:
            add_validation(target, rule.as_validation())
        for name, field in cls.model_fields.items():
            if field.default_factory is not None:
                # Every value, not {}: the API server checks a default against the rules before it fills it.
                default = field.get_default(call_default_factory=True, validated_data={})
                if isinstance(default, Block):
                    target["properties"][field.alias or name]["default"] = default.to_wire()
        return node

    def to_wire(self) -> dict[str, Any]:
        """The object as it is written in YAML or JSON: camelCase, exact text of decimals, nothing that is unset."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)
