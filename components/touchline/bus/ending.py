"""Ending tasks for certain.

Before Python 3.12 `asyncio.wait_for` swallows a cancellation that arrives together with its result, and clients of brokers and caches rest
on it: a task that was cancelled once may run on for ever, and whoever waits for it with it.
"""

import asyncio
from collections.abc import Iterable
from typing import Any

AGAIN_S = 0.1
TRIES = 100


async def end(tasks: Iterable["asyncio.Task[Any]"]) -> None:
    """Cancel tasks, again where that was swallowed, and wait until they are over; what they raised is not raised here.

    Raises:
        TimeoutError: one goes on after `TRIES` cancellations.
    """
    pending = set(tasks)
    for _ in range(TRIES):
        for task in pending:
            task.cancel()
        if pending:
            _, pending = await asyncio.wait(pending, timeout=AGAIN_S)
        if not pending:
            return
    raise TimeoutError(f"tasks that cannot be ended: {sorted(task.get_name() for task in pending)}")
