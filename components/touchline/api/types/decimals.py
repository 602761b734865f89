"""Money, odds, lines and percentages as exact decimal text, with integer micro-units for arithmetic.

A float cannot hold 0.1; a JSON number may be read as a float by any tool on the way. So decimals travel as strings, and
inside the engine as integers: one micro-unit is a millionth of what the text counts.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any

from pydantic_core import PydanticCustomError

from touchline.api.types.amount import Amount, Bounds

MICRO = 1_000_000


class DecimalString(Amount):
    """A decimal number: `text` exactly as written, `micros` as an integer number of millionths. Compares by value.

    `DecimalString("2.50")` raises ValueError for more than 12 digits before or 6 after the point, or any other text.
    """

    __slots__ = ()

    PATTERN = r"^-?[0-9]{1,12}(\.[0-9]{1,6})?$"
    MAX_LENGTH = 20

    @property
    def micros(self) -> int:
        """Millionths."""
        return self.size

    @property
    def decimal(self) -> Decimal:
        """The exact value."""
        return Decimal(self.text)

    @classmethod
    def _count(cls, text: str) -> int:
        if not re.fullmatch(cls.PATTERN[1:-1], text):
            raise ValueError(f"not a decimal: {text[:40]!r}")
        return int(Decimal(text).scaleb(6))

    @classmethod
    def _refusal(cls, value: Any) -> PydanticCustomError:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return PydanticCustomError(
                "decimal_number", 'must be a decimal in quotes: "{shown}"', {"shown": str(value), "quote": str(value)}
            )
        if not isinstance(value, str):
            return PydanticCustomError("decimal", 'must be a decimal in quotes, such as "2.50"')
        return PydanticCustomError(
            "decimal",
            'must be a decimal with at most 12 digits before and 6 after the point, such as "2.50", not {shown}',
            {"shown": repr(value)[:60]},
        )


class Span(Bounds[DecimalString]):
    """Bounds of a decimal."""

    __slots__ = ()

    def _amount(self, text: str) -> DecimalString:
        return DecimalString(text)

    def _rule(self) -> str:
        # A double holds every bound used here exactly enough; only the comparison is done in it, never the money.
        return f"double(self) >= double('{self.least}') && double(self) <= double('{self.most}')"


Money = Annotated[DecimalString, Span("0", "999999999.99")]
Percent = Annotated[DecimalString, Span("0", "100")]
# A line or handicap may be negative: -1.5 goals.
Line = Annotated[DecimalString, Span("-10000", "10000")]
