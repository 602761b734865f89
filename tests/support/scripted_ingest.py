"""An ingest that says exactly what a test wants: odds and beats of one provider, on the real broker, with real echoes.

It speaks the internal contract (docs/architecture.md): batches numbered without holes, complete images on request, beats that
echo the nodes' probes.
"""

import asyncio
import time
from typing import Self

from nats.aio.client import Client
from nats.aio.msg import Msg

from touchline.bus import subjects
from touchline.bus.messages import (
    Beat,
    MarketMeta,
    MarketUpdate,
    OddsBatch,
    Resync,
    Selection,
    decode_probe,
    decode_resync_request,
    encode,
)
from touchline.domain.keys import MarketKey, shard_of
from touchline.domain.status import ProviderState, ProviderStatus

BEAT_S = 0.05


def epoch_us() -> int:
    return time.time_ns() // 1000


class ScriptedIngest:
    """Use as `async with`; `market(…)` declares one, `price(…)` and `status(…)` change it."""

    def __init__(self, nc: Client, *, shards: int, provider: str = "betfair-a") -> None:
        self.nc = nc
        self.shards = shards
        self.provider = provider
        self.inc = f"i{epoch_us()}"
        self.seqs = [0] * shards
        self.state = ProviderState.CONNECTED
        self.beating = True
        self.markets: dict[str, MarketUpdate] = {}
        self._echo: dict[str, int] = {}
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._subs = [
            await self.nc.subscribe(subjects.all_probes(), cb=self._probe),
            await self.nc.subscribe(subjects.resync(self.provider), cb=self._resync),
        ]
        for shard in range(self.shards):
            await self._images(shard)
        self._task = asyncio.create_task(self._beat_for_ever())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def market(
        self, market: str, *, prices: dict[str, int], in_play: bool = False, delay_ms: int = 0, sport: str = "Football"
    ) -> None:
        """Declare an open market with its prices (micro odds)."""
        key = MarketKey.parse(market)
        meta = MarketMeta(
            sport,
            "eng-premier-league",
            key.type,
            key.line,
            "Home v Away",
            "Home",
            "Away",
            epoch_us(),
            {sel: sel for sel in prices},
        )
        update = MarketUpdate(
            market,
            epoch_us(),
            epoch_us(),
            int(ProviderStatus.OPEN),
            [Selection(sel, micro) for sel, micro in prices.items()],
            image=True,
            in_play=int(in_play),
            delay_ms=delay_ms,
            meta=meta,
        )
        self.markets[market] = update
        await self._send(shard_of(key.event, self.shards), [update])

    async def price(self, market: str, selection: str, micro: int) -> None:
        known = self.markets[market]
        known.sels = [Selection(sel.id, micro if sel.id == selection else sel.micro) for sel in known.sels]
        await self._change(MarketUpdate(market, epoch_us(), epoch_us(), sels=[Selection(selection, micro)]))

    async def status(self, market: str, status: ProviderStatus) -> None:
        self.markets[market].status = int(status)
        await self._change(MarketUpdate(market, epoch_us(), epoch_us(), int(status)))

    async def incident(self, market: str, name: str) -> None:
        """Something happened in the market's event: said once, and in no image."""
        await self._change(MarketUpdate(market, epoch_us(), epoch_us(), incidents=[name]))

    async def _change(self, update: MarketUpdate) -> None:
        await self._send(shard_of(MarketKey.parse(update.market).event, self.shards), [update])

    async def _send(self, shard: int, updates: list[MarketUpdate], resync: int = 0) -> None:
        self.seqs[shard] += 1
        batch = OddsBatch(self.provider, self.inc, self.seqs[shard], updates, resync)
        await self.nc.publish(subjects.odds(shard, self.provider), encode(batch))

    async def _images(self, shard: int) -> None:
        mine = [
            image for id, image in self.markets.items() if shard_of(MarketKey.parse(id).event, self.shards) == shard
        ]
        await self._send(shard, mine, int(Resync.FIRST | Resync.PART | Resync.LAST))

    async def _probe(self, msg: Msg) -> None:
        probe = decode_probe(msg.data)
        self._echo[probe.node] = probe.stamp

    async def _resync(self, msg: Msg) -> None:
        await self._images(decode_resync_request(msg.data).shard)

    async def _beat_for_ever(self) -> None:
        while True:
            if self.beating and self.nc.is_connected:
                beat = Beat(
                    self.provider, self.inc, self.state, list(self.seqs), epoch_us(), 1000, 2000, dict(self._echo)
                )
                await self.nc.publish(subjects.beat(self.provider), encode(beat))
            await asyncio.sleep(BEAT_S)
