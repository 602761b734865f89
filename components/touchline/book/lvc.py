"""Last values: the newest state of every market in Valkey, from which a gateway that starts knows the board at once.

The cache decides nothing and may lose everything; the book goes on without it. What has changed is noted and written in batches, at
most every `PERIOD_S`. A script keeps out a leader of the past: a lower epoch than the hash's own is refused, a higher one empties the
hash first. If the hash is found empty in the middle of a term, the cache was restarted, and everything is written again.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from redis import asyncio as redis
from redis.commands.core import AsyncScript
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

PERIOD_S = 0.2
RETRY_S = 0.5
ANSWER_S = 1.0
BATCH = 200

WRITTEN, BEGUN = 1, 2
"""What the script answers; a refusal is minus the later epoch."""

FENCED_WRITE = """
local mine = tonumber(ARGV[1])
local theirs = tonumber(redis.call('GET', KEYS[2]) or '0')
if mine < theirs then return -theirs end
local answer = 1
if mine > theirs then
  redis.call('DEL', KEYS[1])
  redis.call('SET', KEYS[2], ARGV[1])
  answer = 2
end
for i = 2, #ARGV, 2 do
  if ARGV[i + 1] == '' then redis.call('HDEL', KEYS[1], ARGV[i]) else redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
end
return answer
"""

State = tuple[str, bytes]
"""Subject and packed state frame."""
States = Callable[[int, Iterable[str]], dict[str, State | None]]


def hash_key(shard: int) -> str:
    """Field: market id; value: subject, newline, packed state frame."""
    return f"tl:lvc:{shard}"


def epoch_key(shard: int) -> str:
    return f"tl:lvc:{shard}:epoch"


@dataclass
class _Led:
    epoch: int
    dirty: dict[str, None] = field(default_factory=dict)
    begun: bool = False
    """Whether this term's first batch was written: only then does an empty hash mean that the cache lost it."""


class LastValueCache:
    """Writes the shards that this node leads. `detail` says how the cache stands, for people."""

    def __init__(
        self,
        url: str,
        *,
        states: States,
        markets: Callable[[int], Iterable[str]],
        outdated: Callable[[int, int], None],
        period_s: float = PERIOD_S,
    ) -> None:
        """`states(shard, ids)` gives the present state of markets (None: gone), `markets(shard)` the ids of all.

        `outdated(shard, epoch)` is told that the cache has seen a later leader.
        """
        self._client = (
            redis.Redis.from_url(url, socket_timeout=ANSWER_S, socket_connect_timeout=ANSWER_S) if url else None
        )
        self._script = self._client.register_script(FENCED_WRITE) if self._client is not None else None
        self._states, self._markets, self._outdated = states, markets, outdated
        self._period_s = period_s
        self._led: dict[int, _Led] = {}
        self.detail = "not asked yet" if url else "not configured"

    def led(self, shard: int, epoch: int | None) -> None:
        """A term has begun, with everything to write, or ended (None), with nothing."""
        if epoch is None:
            self._led.pop(shard, None)
        else:
            self._led[shard] = _Led(epoch, dict.fromkeys(self._markets(shard)))

    def changed(self, shard: int, market: str) -> None:
        led = self._led.get(shard)
        if led is not None:
            led.dirty[market] = None

    async def run(self) -> None:
        """Write what has changed, until cancelled."""
        while self._script is not None:
            try:
                for shard in list(self._led):
                    await self._write(self._script, shard)
            except (RedisError, OSError, TimeoutError) as error:
                self._away(error)
                await asyncio.sleep(RETRY_S)
            else:
                await asyncio.sleep(self._period_s)

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()

    async def _write(self, script: AsyncScript, shard: int) -> None:
        while (led := self._led.get(shard)) is not None and (led.dirty or not led.begun):
            batch = list(led.dirty)[:BATCH]
            for market in batch:
                del led.dirty[market]
            try:
                answer = await self._write_batch(script, shard, led.epoch, batch)
            except BaseException:
                led.dirty |= dict.fromkeys(batch)
                raise
            if self.detail != "connected":
                log.info("the last-value cache answers")
                self.detail = "connected"
            if answer < 0:
                log.warning("shard %d: the last-value cache has epoch %d, this leader %d", shard, -answer, led.epoch)
                if self._led.get(shard) is led:
                    del self._led[shard]
                    self._outdated(shard, -answer)
                return
            if answer == BEGUN and led.begun:
                log.info("shard %d: the last-value cache was empty; writing everything again", shard)
                led.dirty |= dict.fromkeys(self._markets(shard))
            led.begun = True

    async def _write_batch(self, script: AsyncScript, shard: int, epoch: int, batch: list[str]) -> int:
        arguments: list[str | bytes | int] = [epoch]
        for market, state in self._states(shard, batch).items():
            arguments += [market, state[0].encode() + b"\n" + state[1] if state is not None else b""]
        return int(await script(keys=[hash_key(shard), epoch_key(shard)], args=arguments))

    def _away(self, error: Exception) -> None:
        if not self.detail.startswith("away"):
            log.warning("the last-value cache does not answer (%s); going on without it", error)
        self.detail = f"away: {error}"
