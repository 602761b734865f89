"""The last-value cache: from it a gateway that starts knows its markets before, or without, their leaders.

What it gives is shown suspended until a leader confirms it. The engine works without the cache; it then starts empty.
"""

import asyncio
import logging

from redis import asyncio as redis
from redis.exceptions import RedisError

from touchline.bus.wire import BookFrame, WireError, unpack

log = logging.getLogger(__name__)

PAGE = 1_000
ANSWER_S = 2.0


def hash_key(shard: int) -> str:
    """Valkey hash of one shard: field market id, value subject, newline, packed state."""
    return f"tl:lvc:{shard}"


class LastValues:
    """Reads the cache. `detail` says how it stands, for people."""

    def __init__(self, url: str) -> None:
        self._client: redis.Redis | None = None
        self.detail = "not configured: a gateway that starts knows nothing until the leaders answer"
        if url:
            self._client = redis.Redis.from_url(url, socket_timeout=ANSWER_S, socket_connect_timeout=ANSWER_S)
            self.detail = "not asked yet"

    async def read(self, shard: int) -> list[tuple[str, BookFrame]]:
        """The states held of one shard; nothing where the cache does not answer."""
        if self._client is None:
            return []
        frames: list[tuple[str, BookFrame]] = []
        broken = 0
        try:
            async for _, value in self._client.hscan_iter(hash_key(shard), count=PAGE):
                subject, _, payload = value.partition(b"\n")
                try:
                    frames.append((subject.decode(), unpack(payload)))
                except (WireError, UnicodeDecodeError):
                    broken += 1
        except (RedisError, OSError, TimeoutError) as error:
            self._away(error)
            return []
        if broken:
            log.warning("%d values of %s are unreadable and were left out", broken, hash_key(shard))
        self.detail = "connected"
        return frames

    async def watch(self, period_s: float = 2.0) -> None:
        """Keep `detail` true, until cancelled."""
        while self._client is not None:
            try:
                await self._client.ping()
                if self.detail != "connected":
                    log.info("the last-value cache answers")
                self.detail = "connected"
            except (RedisError, OSError, TimeoutError) as error:
                self._away(error)
            await asyncio.sleep(period_s)

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()

    def _away(self, error: Exception) -> None:
        if not self.detail.startswith("away"):
            log.warning("the last-value cache does not answer (%s); going on without it", error)
        self.detail = f"away: {error}"
