"""Points in time as RFC 3339 text with a zone (2026-03-01T15:00:00Z), read as aware datetimes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

PATTERN = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})$"
MAX_LENGTH = 40


@dataclass(frozen=True, slots=True)
class _Rfc3339:
    """pydantic also reads numbers and looser texts as times, which the API server refuses."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(schema), "pattern": PATTERN, "maxLength": MAX_LENGTH}

    def _check(self, value: Any) -> Any:
        if isinstance(value, datetime) or (isinstance(value, str) and re.fullmatch(PATTERN, value)):
            return value
        raise PydanticCustomError(
            "moment",
            "must be a time with a zone, such as 2026-03-01T15:00:00Z, not {shown}",
            {"shown": repr(value)[:60]},
        )


Moment = Annotated[AwareDatetime, _Rfc3339()]
