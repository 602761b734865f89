"""Durations as Kubernetes writes them ("500ms", "1m30s"), kept as text and as whole microseconds."""

from __future__ import annotations

import re
from typing import Any, Self

from pydantic_core import PydanticCustomError

from touchline.api.types.amount import Amount, Bounds
from touchline.api.types.rules import cel_text

_PART = re.compile(r"([0-9]{1,9})(h|ms|m|s|us)")
_UNITS = {"h": 3_600_000_000, "m": 60_000_000, "s": 1_000_000, "ms": 1_000, "us": 1}


class Duration(Amount):
    """A length of time: `text` as its author wrote it, `micros` as an integer. Compares by length.

    `Duration("1m30s")` raises ValueError for anything but whole numbers with the units h, m, s, ms, us.
    """

    __slots__ = ()

    PATTERN = r"^([0-9]{1,9}(h|ms|m|s|us))+$"
    MAX_LENGTH = 32

    @property
    def micros(self) -> int:
        """Microseconds."""
        return self.size

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

    @classmethod
    def _count(cls, text: str) -> int:
        if len(text) > cls.MAX_LENGTH or not re.fullmatch(cls.PATTERN[1:-1], text):
            raise ValueError(f"not a duration: {text[:40]!r}")
        return sum(int(count) * _UNITS[unit] for count, unit in _PART.findall(text))

    @classmethod
    def _refusal(cls, value: Any) -> PydanticCustomError:
        if not isinstance(value, str):
            return PydanticCustomError("duration", "must be a duration in text with a unit, such as 500ms or 1m30s")
        return PydanticCustomError(
            "duration",
            "must be a duration of whole numbers with the units h, m, s, ms or us, such as 500ms or 1m30s, not {shown}",
            {"shown": repr(value)[:60]},
        )


class Between(Bounds[Duration]):
    """Bounds of a duration."""

    __slots__ = ()

    def _amount(self, text: str) -> Duration:
        return Duration(text)

    def _rule(self) -> str:
        least, most = cel_text(self.least), cel_text(self.most)
        return f"duration(self) >= duration({least}) && duration(self) <= duration({most})"
