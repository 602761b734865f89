"""Amounts of bytes as Kubernetes quantities ("256Ki", "50Gi")."""

from __future__ import annotations

import re
from typing import Any

from pydantic_core import PydanticCustomError

from touchline.api.types.amount import Amount

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


class Quantity(Amount):
    """A number of bytes: `text` as written, `octets` as an integer. Compares by amount.

    `Quantity("256Ki")` raises ValueError for anything but a whole number with an optional Kubernetes suffix.
    """

    __slots__ = ()

    PATTERN = r"^[1-9][0-9]{0,11}(Ki|Mi|Gi|Ti|k|M|G|T)?$"
    MAX_LENGTH = 16

    @property
    def octets(self) -> int:
        """Bytes."""
        return self.size

    @classmethod
    def _count(cls, text: str) -> int:
        parts = _PARTS.fullmatch(text)
        if parts is None:
            raise ValueError(f"not a quantity: {text[:40]!r}")
        return int(parts[1]) * _UNITS[parts[2] or ""]

    @classmethod
    def _refusal(cls, value: Any) -> PydanticCustomError:
        return PydanticCustomError(
            "quantity", "must be a size in text, such as 256Ki or 50Gi, not {shown}", {"shown": repr(value)[:60]}
        )
