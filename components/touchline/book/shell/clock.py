"""A node's two clocks, read in one place so that tests and leases can name the one they mean."""

import time

_LEASE_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Linux's monotonic clock stands still while the machine is suspended; a lease does not."""


def monotonic_us() -> int:
    """Microseconds of the node's own clock: never set, never back, running on through a suspend where the system can tell."""
    return time.clock_gettime_ns(_LEASE_CLOCK) // 1000


def wall_us() -> int:
    """Epoch microseconds, for stamps only."""
    return time.time_ns() // 1000
