"""The two clocks of this process, in microseconds."""

import time


def monotonic_us() -> int:
    """For durations and the Lease: never set back, not comparable between machines."""
    return time.monotonic_ns() // 1000


def wall_us() -> int:
    """Epoch time, for stamps only."""
    return time.time_ns() // 1000
