"""How long to wait before the next attempt to reach a provider: doubling, capped, spread by a seeded generator."""

from typing import Protocol

FIRST_US = 100_000
CAP_US = 30_000_000
PERMANENT_US = 60_000_000
"""Between attempts that cannot succeed until somebody changes something (a wrong secret)."""


class Spread(Protocol):
    """What spreads waits: a `random.Random` that its owner has seeded."""

    def randrange(self, stop: int, /) -> int:
        """A number from 0 to `stop` - 1."""


class Backoff:
    """The waits of one feed. Without a generator they are exact; with one each is between half and the whole of it."""

    def __init__(self, *, first_us: int = FIRST_US, cap_us: int = CAP_US, rng: Spread | None = None) -> None:
        self._first_us = first_us
        self._cap_us = cap_us
        self._rng = rng
        self._attempts = 0

    def next_us(self) -> int:
        """The wait before the next attempt, in microseconds; the one after it is twice as long."""
        wait = min(self._first_us << min(self._attempts, 40), self._cap_us)
        self._attempts += 1
        return wait if self._rng is None else wait // 2 + self._rng.randrange(wait // 2 + 1)

    def reset(self) -> None:
        """The connection has proved itself: start from the first wait again."""
        self._attempts = 0
