"""The next entry of a bucket's watch, within a time.

The watcher's own `updates(timeout)` rests on `asyncio.wait_for`, which in Python 3.11 can swallow a cancellation that arrives together with
an entry: the loop around it would then never end. `asyncio.timeout` does not.
"""

import asyncio
from typing import Any


async def next_entry(watcher: Any, *, within: float) -> Any:
    """An entry, or None for the watcher's mark that it has given what there was.

    Raises:
        TimeoutError: nothing came within `within` seconds.
        StopAsyncIteration: the watch was stopped.
    """
    async with asyncio.timeout(within):
        return await anext(watcher)
