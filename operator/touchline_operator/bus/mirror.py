"""What the operator wants in a `config` bucket and what is in it. Pure: it says what to write, and never writes.

Traders' halts and resumes live in the same bucket and are never touched.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

Document = Mapping[str, Any]
TRADERS = ("Halt.", "Resume.")


class Mirror:
    """`whole` once everything that the bucket held has been seen. Values are compared as the text that they are stored as."""

    def __init__(self) -> None:
        self.whole = False
        self._stored: dict[str, str] = {}

    def saw(self, key: str, value: Document | None) -> None:
        """The bucket has this value (None: none) for a key."""
        if value is None:
            self._stored.pop(key, None)
        else:
            self._stored[key] = _text(value)

    def complete(self, keys: Iterable[str]) -> None:
        """The bucket held exactly these keys when the watch began; changes since then have been seen."""
        present = dict.fromkeys(keys)
        self._stored = {key: text for key, text in self._stored.items() if key in present}
        self.whole = True

    def lost(self) -> None:
        """The watch broke: until it is whole again nobody knows."""
        self.whole = False

    def holds(self, key: str, value: Document | None) -> bool:
        """Whether the bucket has this value, as far as is known."""
        return self._stored.get(key) == (None if value is None else _text(value))

    def steps(self, wanted: Mapping[str, Document | None]) -> list[tuple[str, Document | None]]:
        """What to write so that the bucket has what is wanted: first new and changed documents in order, then deletions.

        A wanted None keeps what is stored.
        """
        writes = [(key, value) for key, value in wanted.items() if value is not None and not self.holds(key, value)]
        gone = [key for key in sorted(self._stored) if key not in wanted and not key.startswith(TRADERS)]
        return [*writes, *((key, None) for key in gone)]


def _text(value: Document) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
