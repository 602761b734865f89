"""Quantiles of what was measured in the last seconds, at a constant cost for each value.

Values are counted in logarithmic classes of 1/32 of a power of two: a quantile is the upper bound of its class, so never too
small, and at most 3.2 % too large. Time is cut into slots; a slot that has left the window is subtracted.
"""

from collections import deque

SUB = 32
_SHIFT = SUB.bit_length() - 1


def class_of(value: int) -> int:
    """The class of a value; negative values count as 0."""
    if value < SUB:
        return max(value, 0)
    shift = value.bit_length() - 1 - _SHIFT
    return (shift << _SHIFT) + (value >> shift)


def upper_bound(number: int) -> int:
    """The largest value of a class."""
    if number < 2 * SUB:
        return number
    shift = (number >> _SHIFT) - 1
    return (((number & (SUB - 1)) + SUB + 1) << shift) - 1


class SlidingQuantiles:
    """Values of the last `window_us`, in slots of a tenth of it."""

    def __init__(self, window_us: int) -> None:
        self._slot_us = window_us // 10
        self._total: dict[int, int] = {}
        self._slots: deque[tuple[int, dict[int, int]]] = deque()
        self.count = 0

    def add(self, now: int, value: int) -> None:
        """Count a value measured at `now`."""
        number = class_of(value)
        slot = now // self._slot_us
        if not self._slots or self._slots[-1][0] != slot:
            self._expire(slot)
            self._slots.append((slot, {}))
        counts = self._slots[-1][1]
        counts[number] = counts.get(number, 0) + 1
        self._total[number] = self._total.get(number, 0) + 1
        self.count += 1

    def quantile(self, now: int, per_thousand: int) -> int:
        """The value that `per_thousand` of 1,000 do not exceed; -1 where nothing was measured."""
        self._expire(now // self._slot_us)
        if not self.count:
            return -1
        rank = -(-self.count * per_thousand // 1000)
        seen = 0
        for number in sorted(self._total):
            seen += self._total[number]
            if seen >= rank:
                return upper_bound(number)
        raise AssertionError("the classes do not add up to the count")

    def _expire(self, slot: int) -> None:
        while self._slots and self._slots[0][0] <= slot - 10:
            _, counts = self._slots.popleft()
            for number, times in counts.items():
                self.count -= times
                left = self._total[number] - times
                if left:
                    self._total[number] = left
                else:
                    del self._total[number]


class SlidingCount:
    """How many happened in the last `window_us`, in slots of a tenth of it."""

    def __init__(self, window_us: int) -> None:
        self._slot_us = max(1, window_us // 10)
        self._slots: deque[list[int]] = deque()
        self._total = 0

    def add(self, now: int, times: int = 1) -> None:
        slot = now // self._slot_us
        if not self._slots or self._slots[-1][0] != slot:
            self._slots.append([slot, 0])
        self._slots[-1][1] += times
        self._total += times
        self._expire(slot)

    def total(self, now: int) -> int:
        """How many in the window that ends now."""
        self._expire(now // self._slot_us)
        return self._total

    def _expire(self, slot: int) -> None:
        while self._slots and self._slots[0][0] <= slot - 10:
            self._total -= self._slots.popleft()[1]


class SlidingMinimum:
    """The smallest value of the last `window_us`, in slots of a tenth of it."""

    def __init__(self, window_us: int) -> None:
        self._slot_us = window_us // 10
        self._slots: deque[tuple[int, int]] = deque()

    def add(self, now: int, value: int) -> None:
        slot = now // self._slot_us
        if self._slots and self._slots[-1][0] == slot:
            if value < self._slots[-1][1]:
                self._slots[-1] = (slot, value)
        else:
            self._slots.append((slot, value))
        while self._slots[0][0] <= slot - 10:
            self._slots.popleft()

    def minimum(self) -> int | None:
        """`None` before the first value."""
        return min((value for _, value in self._slots), default=None)
