"""The streams and buckets that the parts expect, made once by whoever starts an engine (`touchline up`, the operator, a test)."""

import asyncio
import json
from collections.abc import Iterable

from nats.aio.client import Client
from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import APIError, NotFoundError

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
    """Create or update every stream and bucket of one engine but for its audit log; safe to repeat.

    Raises:
        nats.errors.Error: the broker refused (for example no JetStream, or a change that an existing stream does not allow).
    """
    streams = [
        _raw(name, replicas=replicas, capture_bytes=capture_bytes, capture_age_s=capture_age_s) for name in providers
    ]
    streams.append(
        StreamConfig(
            name=subjects.QUARANTINE_STREAM,
            subjects=["quarantine.>"],
            max_bytes=1 << 28,
            discard=DiscardPolicy.OLD,
            num_replicas=replicas,
        )
    )
    streams.append(
        StreamConfig(
            name=subjects.BOOK_STREAM,
            subjects=["book.>"],
            max_bytes=1 << 28,
            max_age=HOUR_S,
            discard=DiscardPolicy.OLD,
            storage=StorageType.MEMORY,
            no_ack=True,
            allow_direct=True,
            num_replicas=replicas,
        )
    )
    streams += [
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
        )
        for shard in range(shards)
    ]
    buckets = {
        subjects.CONFIG_BUCKET: 5,
        subjects.STATUS_BUCKET: 1,
        subjects.LEASE_BUCKET: 1,
        subjects.EVENTS_BUCKET: 5,
    }
    # Each creation waits for a disk; side by side they wait together.
    await asyncio.gather(
        *(_ensure(nc, stream) for stream in streams),
        *(_ensure_bucket(nc, name, history=history, replicas=replicas) for name, history in buckets.items()),
    )


NO_LIMIT = -1


async def provision_audit(
    nc: Client, *, replicas: int = 1, most_bytes: int = NO_LIMIT, kept_s: float = 2160 * HOUR_S
) -> None:
    """Create or update the audit log's stream; of a log that is full, the oldest goes first. By itself: that it is refused is no reason
    not to serve.

    Raises:
        nats.errors.Error: the broker refused.
    """
    await _ensure(
        nc,
        StreamConfig(
            name=subjects.AUDIT_STREAM,
            subjects=[subjects.AUDIT],
            max_bytes=most_bytes,
            max_age=kept_s,
            discard=DiscardPolicy.OLD,
            deny_delete=True,
            deny_purge=True,
            allow_direct=True,
            num_replicas=replicas,
        ),
    )


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
    await _ensure(nc, _raw(provider, replicas=replicas, capture_bytes=capture_bytes, capture_age_s=capture_age_s))


def _raw(provider: str, *, replicas: int, capture_bytes: int, capture_age_s: float) -> StreamConfig:
    return StreamConfig(
        name=subjects.raw_stream(provider),
        subjects=[subjects.raw(provider)],
        max_bytes=capture_bytes,
        max_age=capture_age_s,
        discard=DiscardPolicy.OLD,
        num_replicas=replicas,
        duplicate_window=min(120.0, capture_age_s),  # the broker takes no longer one than the stream's age
    )


async def _ensure_bucket(nc: Client, name: str, *, history: int, replicas: int) -> None:
    js = nc.jetstream(timeout=10)
    try:
        await js.key_value(name)
    except NotFoundError:
        await js.create_key_value(bucket=name, history=history, replicas=replicas)


async def _ensure(nc: Client, config: StreamConfig) -> None:
    """Create a stream, or bring an existing one to this configuration.

    Asked over the broker's API directly: nats-py's `StreamConfig` does not know `allow_atomic` (nats-server 2.12).
    """
    wanted = config.as_dict() | {"allow_atomic": not config.no_ack}
    for verb in ("CREATE", "UPDATE"):
        reply = await nc.request(f"$JS.API.STREAM.{verb}.{config.name}", json.dumps(wanted).encode(), timeout=10)
        error = json.loads(reply.data).get("error")
        if error is None:
            return
        if verb == "UPDATE" or error.get("err_code") != _NAME_IN_USE:
            raise APIError.from_error(error)


_NAME_IN_USE = 10058
"""The broker's error code: a stream of this name exists with another configuration."""
