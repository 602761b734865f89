"""The two clocks of a process, passed in so that the shells can be run under another."""

import time
from collections.abc import Callable
from typing import NamedTuple

MILLISECOND = 1_000
SECOND = 1_000_000


class Clock(NamedTuple):
    """`now`: own monotonic clock, microseconds. `wall`: epoch microseconds, for stamps."""

    now: Callable[[], int]
    wall: Callable[[], int]


def system_clock() -> Clock:
    """The machine's clocks."""
    return Clock(now=lambda: time.monotonic_ns() // 1_000, wall=lambda: time.time_ns() // 1_000)
