"""How often something happened in the last hour: a ring of one-minute buckets, cheap to count into and bounded however much happens."""

from collections import deque
from collections.abc import Mapping

MINUTE_US = 60_000_000
BUCKETS = 60
Key = tuple[str, str]


class SlidingCounts:
    """Counts by key over the last `buckets` buckets of `bucket_us` microseconds each, the one that has begun among them.

    `now` is a monotonic clock's time in microseconds. What is counted at a moment is forgotten between `buckets - 1` and `buckets`
    buckets later. There are as many entries as keys that occurred in the window.
    """

    def __init__(self, *, bucket_us: int = MINUTE_US, buckets: int = BUCKETS) -> None:
        self._bucket_us = bucket_us
        self._buckets = buckets
        self._kept: deque[tuple[int, dict[Key, int]]] = deque()
        """Buckets in which something happened, by number, oldest first."""
        self._totals: dict[Key, int] = {}

    def add(self, now: int, key: Key) -> None:
        """It happened once more."""
        number = self._forget(now)
        if not self._kept or self._kept[-1][0] < number:
            self._kept.append((number, {}))
        bucket = self._kept[-1][1]
        bucket[key] = bucket.get(key, 0) + 1
        self._totals[key] = self._totals.get(key, 0) + 1

    def totals(self, now: int) -> Mapping[Key, int]:
        """How often each key occurred in the window; keys that did not are left out."""
        self._forget(now)
        return self._totals

    def _forget(self, now: int) -> int:
        """Drop the buckets that have left the window; returns the number of the one that `now` is in."""
        number = now // self._bucket_us
        while self._kept and self._kept[0][0] <= number - self._buckets:
            for key, count in self._kept.popleft()[1].items():
                left = self._totals[key] - count
                if left:
                    self._totals[key] = left
                else:
                    del self._totals[key]
        return number
