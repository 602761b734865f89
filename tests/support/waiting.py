"""Waiting for a condition, within a bound: what tests do instead of sleeping."""

import asyncio
import time
from collections.abc import Callable

POLL_S = 0.01


async def until(condition: Callable[[], bool], *, within: float = 5.0) -> None:
    """Wait until a condition holds. Raises TimeoutError."""
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 - the condition is another process's or a server's
            await asyncio.sleep(POLL_S)


def wait_until(condition: Callable[[], bool], *, within: float = 5.0) -> None:
    """Wait until a condition holds, in a test without an event loop. Raises TimeoutError."""
    end = time.monotonic() + within
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"{condition} did not come true within {within} s")
        time.sleep(POLL_S)
