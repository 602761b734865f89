"""The `config` bucket: resource specs on their way to components.

A watcher first sees the whole content, then `Ready`, then each change. A watch can break with its broker: it is made anew
and the whole content is given again, ended by another `Ready`, so a reader that replaces what it knows at `Ready` misses nothing.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js.errors import NotFoundError

from touchline.bus import subjects
from touchline.bus.trouble import Trouble
from touchline.bus.watching import next_entry

log = logging.getLogger(__name__)

RETRY_S = 0.2


@dataclass(frozen=True)
class Change:
    """One key's new value; `None`: deleted."""

    key: str
    value: dict[str, Any] | None


@dataclass(frozen=True)
class Ready:
    """Everything the bucket held when the watch began has been given; `keys` names it."""

    keys: frozenset[str]


async def watch_config(nc: Client) -> AsyncIterator[Change | Ready]:
    """Content, `Ready`, then changes, for ever (until the connection is closed or the iteration cancelled)."""
    trouble = Trouble(log)
    while not nc.is_closed:
        try:
            js = nc.jetstream(timeout=2)
            bucket = await js.key_value(subjects.CONFIG_BUCKET)
            empty = (await js.stream_info(f"KV_{subjects.CONFIG_BUCKET}")).state.messages == 0
            watcher = await bucket.watchall()
        except NotFoundError:
            trouble.tell(f"the broker has no bucket {subjects.CONFIG_BUCKET!r} yet; waiting for it")
            await asyncio.sleep(RETRY_S)
            continue
        except (NatsError, TimeoutError, OSError) as error:
            trouble.tell(f"cannot watch the bucket {subjects.CONFIG_BUCKET!r}: {error!r}; trying again")
            await asyncio.sleep(RETRY_S)
            continue
        trouble.over()
        seen: set[str] = set()
        # The watcher's own end mark (None) may come before content that is still on its way: what counts is how many
        # messages the broker says are left behind each one.
        ready = empty
        try:
            if ready:
                yield Ready(frozenset())
            async for entry in _entries(nc, watcher):
                if entry is None:
                    continue
                change = _change(entry)
                if change is not None:
                    if not ready and change.value is not None:
                        seen.add(change.key)
                    yield change
                if not ready and entry.delta == 0:
                    ready = True
                    yield Ready(frozenset(seen))
        finally:
            if nc.is_connected:
                await watcher.stop()  # type: ignore[no-untyped-call]


async def _entries(nc: Client, watcher: Any) -> AsyncIterator[Any]:
    """Entries of one watch until its broker connection was replaced (an ordered consumer does not survive a broker restart)."""
    reconnects = nc.stats["reconnects"]
    while nc.stats["reconnects"] == reconnects and not nc.is_closed:
        try:
            yield await next_entry(watcher, within=0.5)
        except (TimeoutError, NatsError):
            continue


def _change(entry: Any) -> Change | None:
    if entry.operation in {"DEL", "PURGE"} or not entry.value:
        return Change(entry.key, None)
    try:
        value = json.loads(entry.value)
    except ValueError as error:
        log.error("config key %s is not JSON (%s); it is ignored until it is written again", entry.key, error)
        return None
    if not isinstance(value, dict):
        log.error("config key %s is not a JSON object; it is ignored until it is written again", entry.key)
        return None
    return Change(entry.key, value)


async def put_config(nc: Client, key: str, value: dict[str, Any] | None) -> None:
    """Write one key, or delete it with `None`. Nothing is written where the stored value is the same already.

    Raises:
        nats.errors.Error: the broker refused or did not answer.
    """
    bucket = await nc.jetstream(timeout=5).key_value(subjects.CONFIG_BUCKET)
    if value is None:
        await bucket.delete(key)
        return
    text = json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
    try:
        entry = await bucket.get(key)
    except NotFoundError:
        entry = None
    if entry is None or entry.value != text:
        await bucket.put(key, text)
