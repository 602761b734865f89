"""The keys that a bucket holds now.

The client library's own `keys()` goes by a watch, and takes a content that is still on its way for an empty bucket.
"""

from nats.js import JetStreamContext


async def keys_of(js: JetStreamContext, bucket: str, under: str = "") -> list[str]:
    """The keys, sorted, that begin with `under` (empty, or whole tokens ended by a dot); deleted ones may be among them.

    Raises:
        nats.errors.Error: the broker refused or did not answer.
        nats.js.errors.NotFoundError: there is no such bucket.
    """
    prefix = f"$KV.{bucket}."
    state = (await js.stream_info(f"KV_{bucket}", subjects_filter=f"{prefix}{under}>")).state
    return sorted(subject.removeprefix(prefix) for subject in state.subjects or {})
