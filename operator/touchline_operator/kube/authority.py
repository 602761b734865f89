"""Whether this process may write, and for how long still."""

from __future__ import annotations

from collections.abc import Callable

from touchline_operator.errors import NotAuthorised


class Authority:
    """Asked before each write. `until` is in microseconds of the same monotonic clock that `clock` reads."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self.until = 0

    def remaining_s(self) -> float:
        """Seconds in which a write must have ended.

        Raises:
            NotAuthorised: there are none.
        """
        left = (self.until - self._clock()) / 1e6
        if left <= 0:
            raise NotAuthorised("the Lease is not ours, or may be another's by now")
        return left


class Unlimited(Authority):
    """For requests that need no Lease: reads, and the Lease itself."""

    def __init__(self) -> None:
        super().__init__(lambda: 0)

    def remaining_s(self) -> float:
        return 3600.0
