"""The queue of keys: each once, never two workers on one, failures further and further apart.

A machine without clock: `now` is monotonic, in microseconds. A key that is added while it is worked on is given again afterwards.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable

from touchline_operator.world.keys import Key

FIRST_RETRY_US = 200_000
LONGEST_RETRY_US = 60_000_000


class Queue:
    """Keys that are due now or later."""

    def __init__(self) -> None:
        self._due: dict[Key, int] = {}
        self._heap: list[tuple[int, int, Key]] = []
        self._count = 0
        self._working: dict[Key, int] = {}
        self._again: dict[Key, int] = {}
        self._failures: dict[Key, int] = {}
        self._since: dict[Key, int] = {}

    def add(self, now: int, keys: Iterable[Key], *, delay_us: int = 0) -> None:
        """Look at these keys, after a delay; the earlier of two times counts."""
        for key in keys:
            due = now + delay_us
            if key in self._working:
                self._again[key] = min(due, self._again.get(key, due))
            elif key not in self._due or due < self._due[key]:
                self._due[key] = due
                self._count += 1
                heapq.heappush(self._heap, (due, self._count, key))

    def take(self, now: int) -> Key | None:
        """A key that is due, to be given back with `done`; None: there is none."""
        while self._heap and self._heap[0][0] <= now:
            due, _, key = heapq.heappop(self._heap)
            if self._due.get(key) != due:
                continue  # it was moved
            del self._due[key]
            self._working[key] = now
            self._since[key] = due
            return key
        return None

    def done(self, now: int, key: Key, *, failed: bool = False, again_us: int | None = None) -> None:
        """The work on a key is over. After a failure it comes again after a growing time, else after `again_us` if that is given."""
        del self._working[key]
        del self._since[key]
        if failed:
            count = self._failures.get(key, 0)
            self._failures[key] = count + 1
            self.add(now, [key], delay_us=min(FIRST_RETRY_US << min(count, 20), LONGEST_RETRY_US))
        else:
            self._failures.pop(key, None)
            if again_us is not None:
                self.add(now, [key], delay_us=again_us)
        if key in self._again:
            due = self._again.pop(key)
            if not failed:
                self.add(now, [key], delay_us=max(0, due - now))

    def forget(self, key: Key) -> None:
        """The object is gone: what it failed at does not matter any more."""
        self._failures.pop(key, None)
        self._due.pop(key, None)

    def next_due(self) -> int | None:
        """When `take` will have something."""
        while self._heap and self._due.get(self._heap[0][2]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def depth(self, now: int) -> int:
        """Keys that are due or being worked on."""
        return len(self._working) + sum(due <= now for due in self._due.values())

    def lag_us(self, now: int) -> int:
        """How long the oldest key that is due, or being worked on, has waited."""
        waiting = [due for due in self._due.values() if due <= now]
        return max((now - due for due in (*waiting, *self._since.values())), default=0)
