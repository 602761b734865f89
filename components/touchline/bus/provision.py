"""The streams and buckets that the parts expect, made once by whoever starts an engine (`touchline up`, the operator, a test)."""

from collections.abc import Iterable

from nats.aio.client import Client
from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType, StreamConfig
from nats.js.client import JetStreamContext
from nats.js.errors import NotFoundError

from touchline.bus import subjects

HOUR_S = 3600.0


async def provision(
    nc: Client,
    *,
    shards: int,
    providers: Iterable[str] = (),
    replicas: int = 1,
    capture_bytes: int = 1 << 30,
    capture_age_s: float = 72 * HOUR_S,
) -> None:
    """Create or update every stream and bucket of one engine; safe to repeat.

    Raises:
        nats.errors.Error: the broker refused (for example no JetStream, or a change that an existing stream does not allow).
    """
    js = nc.jetstream(timeout=10)
    for name in providers:
        await provision_provider(nc, name, replicas=replicas, capture_bytes=capture_bytes, capture_age_s=capture_age_s)
    await _ensure(
        js,
        StreamConfig(
            name=subjects.QUARANTINE_STREAM,
            subjects=["quarantine.>"],
            max_bytes=1 << 28,
            discard=DiscardPolicy.OLD,
            num_replicas=replicas,
        ),
    )
    await _ensure(
        js,
        StreamConfig(
            name=subjects.BOOK_STREAM,
            subjects=["book.>"],
            max_bytes=1 << 28,
            max_age=HOUR_S,
            discard=DiscardPolicy.OLD,
            storage=StorageType.MEMORY,
            no_ack=True,
            num_replicas=replicas,
        ),
    )
    for shard in range(shards):
        await _ensure(
            js,
            StreamConfig(
                name=subjects.bets_stream(shard),
                subjects=[f"bets.*.{shard}"],
                storage=StorageType.FILE,
                retention=RetentionPolicy.LIMITS,
                discard=DiscardPolicy.NEW,
                deny_delete=True,
                deny_purge=True,
                allow_direct=True,
                num_replicas=replicas,
                duplicate_window=120.0,
            ),
        )
    for bucket, history in (
        (subjects.CONFIG_BUCKET, 5),
        (subjects.STATUS_BUCKET, 1),
        (subjects.LEASE_BUCKET, 1),
        (subjects.EVENTS_BUCKET, 5),
    ):
        try:
            await js.key_value(bucket)
        except NotFoundError:
            await js.create_key_value(bucket=bucket, history=history, replicas=replicas)


async def provision_provider(
    nc: Client,
    provider: str,
    *,
    replicas: int = 1,
    capture_bytes: int = 1 << 30,
    capture_age_s: float = 72 * HOUR_S,
) -> None:
    """The raw capture of one provider: oldest frames go first when it is full or too old.

    Raises:
        nats.errors.Error: the broker refused.
    """
    await _ensure(
        nc.jetstream(timeout=10),
        StreamConfig(
            name=subjects.raw_stream(provider),
            subjects=[subjects.raw(provider)],
            max_bytes=capture_bytes,
            max_age=capture_age_s,
            discard=DiscardPolicy.OLD,
            num_replicas=replicas,
            duplicate_window=120.0,
        ),
    )


async def _ensure(js: JetStreamContext, config: StreamConfig) -> None:
    """Create a stream, or bring an existing one to this configuration."""
    assert config.name is not None
    try:
        await js.stream_info(config.name)
    except NotFoundError:
        await js.add_stream(config)
    else:
        await js.update_stream(config)
