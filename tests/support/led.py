"""Questions to JetStream in a cluster whose leaders may just be changing."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from nats.errors import NoRespondersError
from nats.errors import TimeoutError as NatsTimeoutError
from nats.js.errors import ServiceUnavailableError

T = TypeVar("T")
TRIES_S = 20.0


async def once_led(ask: Callable[[], Awaitable[T]], *, within: float = TRIES_S) -> T:
    """The answer to a question that changes nothing, asked until there is a leader who answers it.

    Between two leaders of the cluster, of a stream, or of a consumer that was just made, the broker answers 503, or nobody does.

    Raises:
        nats.js.errors.ServiceUnavailableError, nats.errors.Error: there is none within so many seconds.
    """
    end = asyncio.get_running_loop().time() + within
    while True:
        try:
            return await ask()
        except (ServiceUnavailableError, NoRespondersError, NatsTimeoutError):
            if asyncio.get_running_loop().time() > end:
                raise
            await asyncio.sleep(0.1)
