"""The `status` bucket: each component's health, written once a second under `<role>.<node>`."""

import json
import logging
from typing import Any

from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js.errors import NotFoundError
from nats.js.kv import KeyValue

from touchline.bus import subjects
from touchline.bus.listing import keys_of

log = logging.getLogger(__name__)


class StatusWriter:
    """Writes one key. A broker that is away costs one warning, not one each second."""

    def __init__(self, nc: Client, key: str) -> None:
        self._nc = nc
        self._key = key
        self._bucket: KeyValue | None = None
        self._failing = False

    async def put(self, document: dict[str, Any]) -> bool:
        """Write; false where the broker did not take it (the next call tries again)."""
        if not self._nc.is_connected:
            return False
        try:
            if self._bucket is None:
                self._bucket = await self._nc.jetstream(timeout=1).key_value(subjects.STATUS_BUCKET)
            await self._bucket.put(self._key, json.dumps(document, separators=(",", ":")).encode())
        except (NatsError, TimeoutError, OSError) as error:
            if not self._failing:
                log.warning("cannot write status %s: %r", self._key, error)
            self._failing = True
            return False
        self._failing = False
        return True


async def read_status(nc: Client) -> dict[str, dict[str, Any]]:
    """Every component's last status by key.

    Raises:
        nats.errors.Error: the broker refused or did not answer.
    """
    js = nc.jetstream(timeout=2)
    bucket = await js.key_value(subjects.STATUS_BUCKET)
    found: dict[str, dict[str, Any]] = {}
    for key in await keys_of(js, subjects.STATUS_BUCKET):
        try:
            entry = await bucket.get(key)
        except NotFoundError:
            continue  # deleted since the listing
        if entry.value:
            found[key] = json.loads(entry.value)
    return found
