"""What a running engine's broker has stored, read with all rights and many messages at a time."""

import json
from collections.abc import AsyncIterator

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from support.engine import Engine
from touchline.bus.connection import connect
from touchline.bus.settings import Settings

FETCHED = 500


async def admin(engine: Engine) -> Client:
    """A connection with all rights, with the credentials from the broker's own configuration."""
    config = json.loads((engine.state / "nats" / "nats.conf").read_text())
    user = next(user for user in config["authorization"]["users"] if user["user"] == "admin")
    settings = Settings(nats_url=engine.record.nats_url, nats_user=user["user"], nats_password=user["password"])
    return await connect(settings, name="auditor", first_connect_s=20)


async def read_messages(nc: Client, stream: str, subject: str, after: int = 0) -> AsyncIterator[Msg]:
    """Every message of a subject after a sequence, in order, up to what is stored now."""
    js = nc.jetstream(timeout=10)
    state = (await js.stream_info(stream, subjects_filter=subject)).state
    if state.last_seq <= after or not state.subjects:
        return
    config = ConsumerConfig(
        deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
        opt_start_seq=after + 1,
        ack_policy=AckPolicy.NONE,
        inactive_threshold=60,
        mem_storage=True,
    )
    reading = await js.pull_subscribe(subject, stream=stream, config=config)
    at, left = after, 1
    while left:
        for message in await reading.fetch(FETCHED, timeout=10):
            assert message.metadata.sequence.stream > at, f"{stream}: {message.metadata.sequence.stream} after {at}"
            at, left = message.metadata.sequence.stream, message.metadata.num_pending
            yield message
    await reading.unsubscribe()
