"""What a running engine's broker has stored, read with all rights and many messages at a time."""

from collections.abc import AsyncIterator
from functools import partial
from typing import Any, Protocol

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from support.led import once_led

FETCHED = 500


class Auditable(Protocol):
    """An engine whose broker and simulators can be asked, wherever it runs."""

    async def admin(self) -> Client:
        """A connection to its broker with all rights."""
        ...

    async def simulated(self) -> list[dict[str, Any]]:
        """What each of its simulators' control ports answers to `/state`."""
        ...


async def read_messages(nc: Client, stream: str, subject: str, after: int = 0) -> AsyncIterator[Msg]:
    """Every message of a subject after a sequence, in order, up to what is stored now."""
    js = nc.jetstream(timeout=10)
    state = (await once_led(lambda: js.stream_info(stream, subjects_filter=subject))).state
    if state.last_seq <= after or not state.subjects:
        return
    config = ConsumerConfig(
        deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
        opt_start_seq=after + 1,
        ack_policy=AckPolicy.NONE,
        inactive_threshold=60,
        mem_storage=True,
    )
    reading = await once_led(lambda: js.pull_subscribe(subject, stream=stream, config=config))
    at, left = after, 1
    while left:
        # Only for the first ones: a consumer that loses its leader later may have lost messages with it.
        fetch = partial(reading.fetch, FETCHED, timeout=10)
        for message in await (once_led(fetch) if at == after else fetch()):
            assert message.metadata.sequence.stream > at, f"{stream}: {message.metadata.sequence.stream} after {at}"
            at, left = message.metadata.sequence.stream, message.metadata.num_pending
            yield message
    await reading.unsubscribe()
