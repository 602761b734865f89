"""Waiting for a condition, within a bound: what tests do instead of sleeping."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable

POLL_S = 0.01


async def until(condition: Callable[[], bool], *, within: float = 5.0, what: str | Callable[[], str] = "") -> float:
    """Wait until a condition holds; returns how many seconds it took.

    Raises:
        TimeoutError: it did not come true; the message is `what`, asked for only then.
    """
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > within:
            raise TimeoutError(f"not within {within:g} s: {(what() if callable(what) else what) or condition}")
        await asyncio.sleep(POLL_S)
    return time.monotonic() - began


async def until_found(condition: Callable[[], Awaitable[bool]], *, within: float = 5.0) -> None:
    """Wait until a condition that has to be asked for holds. Raises TimeoutError."""
    async with asyncio.timeout(within):
        while not await condition():  # noqa: ASYNC110 - the condition is in another process
            await asyncio.sleep(POLL_S)


ATTEMPTS = 3


async def kept(promised_s: float, attempt: Callable[[int], Awaitable[float]]) -> None:
    """A promise in seconds, on a machine that others share: `attempt(number)` measures, and the median of three must keep it.

    Raises:
        AssertionError: it does not; with what each took.
    """
    took = [await attempt(number) for number in range(ATTEMPTS)]
    said = ", ".join(f"{each:.2f}" for each in took)
    assert statistics.median(took) <= promised_s, f"promised within {promised_s:g} s, took {said} s"


def wait_until(condition: Callable[[], bool], *, within: float = 5.0) -> None:
    """Wait until a condition holds, in a test without an event loop. Raises TimeoutError."""
    end = time.monotonic() + within
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"{condition} did not come true within {within} s")
        time.sleep(POLL_S)
