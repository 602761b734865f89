"""Ending tasks for certain.

Before Python 3.12 `asyncio.wait_for` swallows a cancellation that arrives together with its result, and clients of brokers and caches rest
on it: a task that was cancelled once may run on for ever, and whoever waits for it with it.
"""

import asyncio
from collections.abc import Iterable
from typing import Any

AGAIN_S = 0.1
TRIES = 100


async def end(tasks: Iterable["asyncio.Future[Any]"], *, again_s: float = AGAIN_S) -> None:
    """Cancel tasks, again every `again_s` seconds where that was swallowed, and wait until they are over; what they raised is not
    raised here. A task that hangs up as its last act should have the time to: give it more than `AGAIN_S`.

    Raises:
        TimeoutError: one goes on after `TRIES` cancellations.
    """
    over = set(tasks)
    pending = set(over)
    for _ in range(TRIES):
        for task in pending:
            task.cancel()
        if pending:
            _, pending = await asyncio.wait(pending, timeout=again_s)
        if not pending:
            break
    else:
        raise TimeoutError(f"tasks that cannot be ended: {sorted(repr(task) for task in pending)}")
    for task in over:
        if not task.cancelled():
            task.exception()  # seen: nobody else asks, and the loop would complain
