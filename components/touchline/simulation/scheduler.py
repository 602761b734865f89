"""Virtual time: what happens when, decided by one seed."""

import heapq
import random
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

MILLISECOND = 1_000
SECOND = 1_000_000

Action = Callable[..., None]
T = TypeVar("T")


class Scheduler:
    """Runs actions in the order of their times; those of one instant in the order in which they were planned.

    `now` is the true time in microseconds, which no simulated node can read. `rng` is the only source of randomness.
    """

    def __init__(self, seed: int) -> None:
        self.now = 0
        self.steps = 0
        self.rng = random.Random(seed)
        self._planned = 0
        self._heap: list[tuple[int, int, Action, tuple[Any, ...]]] = []

    def at(self, time: int, action: Action, *args: Any) -> None:
        """Plan an action; one planned for the past happens now."""
        self._planned += 1
        heapq.heappush(self._heap, (time if time > self.now else self.now, self._planned, action, args))

    def after(self, delay: int, action: Action, *args: Any) -> None:
        self._planned += 1
        heapq.heappush(self._heap, (self.now + delay, self._planned, action, args))

    def run(self, until: int) -> None:
        """Let time pass up to and including `until`."""
        heap, pop = self._heap, heapq.heappop
        while heap and heap[0][0] <= until:
            self.now, _, action, args = pop(heap)
            self.steps += 1
            action(*args)
        self.now = until

    # Draws. Written out because `random.Random`'s own are several times slower than its one C method.

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def between(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return low + int(self.rng.random() * (high - low + 1))

    def pick(self, choices: Sequence[T]) -> T:
        return choices[int(self.rng.random() * len(choices))]

    def soon(self, mean: int) -> int:
        """A waiting time of this mean, memoryless, at most six times as long."""
        return min(int(self.rng.expovariate(1.0) * mean), 6 * mean) + 1
