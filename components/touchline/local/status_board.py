"""What every component last said of itself: the `status` bucket, followed.

Used to see that a process really works (it has written its status since it was born), and by `touchline status`.
"""

import asyncio
import json
import logging
from typing import Any, NamedTuple

from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js.errors import NotFoundError

from touchline.bus import subjects
from touchline.bus.watching import next_entry

log = logging.getLogger(__name__)

RETRY_S = 0.1


class Entry(NamedTuple):
    """`at`: epoch seconds at which the broker stored it."""

    at: float
    document: dict[str, Any]


class StatusBoard:
    """Run `follow` beside; read `entries`."""

    def __init__(self, nc: Client) -> None:
        self._nc = nc
        self.entries: dict[str, Entry] = {}

    def since(self, key: str, born: float) -> dict[str, Any] | None:
        """What `key` said after a moment (epoch seconds), or None."""
        entry = self.entries.get(key)
        return entry.document if entry is not None and entry.at >= born else None

    async def follow(self) -> None:
        """Follow the bucket until the connection is closed; over broker restarts too."""
        while not self._nc.is_closed:
            try:
                await self._watch()
            except (NatsError, NotFoundError, TimeoutError, OSError) as error:
                log.debug("cannot follow the status bucket: %r", error)
            await asyncio.sleep(RETRY_S)

    async def _watch(self) -> None:
        bucket = await self._nc.jetstream(timeout=1).key_value(subjects.STATUS_BUCKET)
        watcher = await bucket.watchall()
        reconnects = self._nc.stats["reconnects"]
        try:
            # An ordered consumer does not survive its broker: after a reconnect everything is read again.
            while self._nc.stats["reconnects"] == reconnects and not self._nc.is_closed:
                try:
                    entry = await next_entry(watcher, within=0.5)
                except (TimeoutError, NatsError):
                    continue
                if entry is None:
                    continue
                if entry.operation in {"DEL", "PURGE"} or not entry.value:
                    self.entries.pop(entry.key, None)
                    continue
                self.entries[entry.key] = Entry(entry.created.timestamp(), json.loads(entry.value))
        finally:
            if self._nc.is_connected:
                await watcher.stop()  # type: ignore[no-untyped-call]
