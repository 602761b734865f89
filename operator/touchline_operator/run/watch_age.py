"""Whether the watches deliver: objects that we know to be newer than what the watch has shown, and since when.

Whatever the operator writes or lists must come by on the watch too. A machine without clock; `now` is monotonic microseconds.
"""

from __future__ import annotations

from touchline_operator.world.keys import Key


class WatchAge:
    """What the watches still owe."""

    def __init__(self) -> None:
        self._owed: dict[Key, tuple[int, int]] = {}

    def ahead(self, now: int, key: Key, version: int) -> None:
        """We learned of a version by other means; the watch must show it, or a later one."""
        known = self._owed.get(key)
        if known is None or version > known[0]:
            self._owed[key] = (version, known[1] if known is not None else now)

    def delivered(self, key: Key, version: int) -> None:
        """The watch showed a version."""
        known = self._owed.get(key)
        if known is not None and version >= known[0]:
            del self._owed[key]

    def gone(self, key: Key) -> None:
        """The object is no more."""
        self._owed.pop(key, None)

    def age_us(self, now: int) -> int:
        """For how long the watches have owed something."""
        return max((now - since for _, since in self._owed.values()), default=0)
