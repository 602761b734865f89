"""When which market is to be looked at although nothing happens: the end of a cool-down, a hysteresis, a window."""

from heapq import heappop, heappush

from touchline.book.link import NEVER


class Timetable:
    """A heap of `(due, market)`. A market may stand in it several times; who takes it out asks what its present due is."""

    __slots__ = ("_entries",)

    def __init__(self) -> None:
        self._entries: list[tuple[int, str]] = []

    def add(self, due: int, market: str) -> None:
        if due < NEVER:
            heappush(self._entries, (due, market))

    def due(self, now: int) -> list[str]:
        """Take out every market whose time has come, in order of time and then of name."""
        found = []
        while self._entries and self._entries[0][0] <= now:
            found.append(heappop(self._entries)[1])
        return found
