"""Following a recording through the whole engine until every message of it has reached the clients.

When is it over? Not after a pause: the ingest says that the file is read and all of it numbered; each shard's leader says up to
which batch it has applied; the gateway says up to which update it has sent. Only when all three agree is the last price the
final price.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nats.aio.client import Client

from touchline.bus import subjects
from touchline.bus.messages import Beat, ShardBeat, decode_beat, decode_shard_beat
from touchline.domain.keys import MarketKey, shard_of
from touchline.local.client import TouchlineClient
from touchline.local.engine import Engine
from touchline.local.errors import GatewayError, Refused
from touchline.local.replay_resources import PROVIDER

Json = dict[str, Any]

POLL_S = 0.05
SETTLE_S = 60.0


@dataclass
class Played:
    """What became of a recording."""

    status: Json
    """The ingest's last status document."""
    markets: dict[str, Json]
    seconds: float

    @property
    def frames(self) -> Json:
        """Counts of frames: captured, accepted, quarantined, ignored."""
        return dict(self.status.get("frames") or {})

    @property
    def broken_off(self) -> str:
        """Why the file could not be read to its end; empty where it was."""
        finished = (self.status.get("replay") or {}).get("finished")
        return "" if finished else str(self.status.get("detail") or "it could not be read to its end")

    @property
    def updates(self) -> Json:
        return dict(self.status.get("updates") or {})

    @property
    def by_status(self) -> dict[str, int]:
        """How many markets ended in each status."""
        return dict(sorted(Counter(market["status"] for market in self.markets.values()).items()))

    def document(self) -> Json:
        """For `--json`."""
        return {
            "seconds": round(self.seconds, 3),
            "brokenOff": self.broken_off,
            "frames": self.frames,
            "updates": self.updates,
            "marketsByStatus": self.by_status,
            "markets": self.markets,
        }


async def play(engine: Engine, on_progress: Callable[[Json], None]) -> Played:
    """Follow the recording to its end; `on_progress` is given the ingest's status document now and then.

    Raises:
        Refused: the file broke off, or its last messages did not come through in time.
    """
    loop = asyncio.get_running_loop()
    async with TouchlineClient(engine.url, strict=False, bound=1, trust=engine.trust) as client:
        await client.subscribe("*")
        await engine.start_feeds()
        began = loop.time()
        status = await _read_to_the_end(engine, on_progress)
        seconds = loop.time() - began
        await _through(engine, client)
        markets = {
            view.id: {
                "status": view.status,
                "phase": view.meta.get("phase"),
                "event": (view.meta.get("event") or {}).get("name"),
                "version": str(view.version),
                "holds": [hold["reason"] for hold in view.holds],
                "sel": view.sel,
                "names": view.meta.get("names"),
            }
            for view in sorted(client.replica.markets.values(), key=lambda view: view.id)
        }
    return Played(status, markets, seconds)


async def _read_to_the_end(engine: Engine, on_progress: Callable[[Json], None]) -> Json:
    assert engine.board is not None
    while True:
        entry = engine.board.entries.get(f"ingest.{PROVIDER}")
        if entry is not None:
            document = entry.document
            on_progress(document)
            if _finished(document):
                return document
        await asyncio.sleep(POLL_S)


def _finished(document: Json) -> bool:
    """Every line is read, stored, and either numbered for the book or refused."""
    progress, frames = document.get("replay") or {}, document.get("frames") or {}
    over = progress.get("finished") or (document.get("state") == "Disconnected" and progress.get("frames"))
    settled = frames.get("captured") == sum(frames.get(key, 0) for key in ("accepted", "quarantined", "ignored"))
    waiting = document.get("capture", {}).get("waiting") or document.get("markets", {}).get("lookups")
    return bool(over and settled and not waiting)


async def _through(engine: Engine, client: TouchlineClient) -> None:
    """Wait until what was read last has come out at the gateway."""
    assert engine.nc is not None
    try:
        async with asyncio.timeout(SETTLE_S):
            sent = await _sent(engine.nc)
            for shard, last in enumerate(sent.seqs):
                await _applied(engine, client, shard, last)
            await _delivered(engine, client)
    except TimeoutError as error:
        raise Refused(
            f"the last messages of the recording did not reach the gateway within {SETTLE_S:.0f} s",
            fix="look at the logs above; with --keep the engine stays and `touchline explain MARKET` says why",
        ) from error


async def _sent(nc: Client) -> Beat:
    """Up to which batch the ingest has sent to each shard, as of now."""
    heard = await nc.subscribe(subjects.beat(PROVIDER))
    try:
        return decode_beat((await heard.next_msg(timeout=SETTLE_S)).data)
    finally:
        await heard.unsubscribe()


async def _applied(engine: Engine, client: TouchlineClient, shard: int, last: int) -> None:
    """Wait until the shard's leader has applied a batch. A shard without markets has nothing to show."""
    assert engine.declared is not None
    shards = engine.declared.shards
    while True:
        market = next(
            (one for one in client.replica.markets if shard_of(MarketKey.parse(one).event, shards) == shard), ""
        )
        if not last or not market:
            return
        try:
            detail = (await client.http.market(market)).get("detail") or {}
        except GatewayError:
            detail = {}
        for provider in detail.get("providers", []):
            if provider["provider"] == PROVIDER and provider["sync"]["lastBatch"] >= last:
                return
        await asyncio.sleep(POLL_S)


async def _delivered(engine: Engine, client: TouchlineClient) -> None:
    """Wait until the gateway has sent what every leader has published by now."""
    assert engine.nc is not None
    assert engine.declared is not None
    newest: dict[int, ShardBeat] = {}
    heard = await engine.nc.subscribe(subjects.all_shard_beats())
    try:
        while len(newest) < engine.declared.shards:
            beat = decode_shard_beat((await heard.next_msg(timeout=SETTLE_S)).data)
            newest[beat.shard] = beat
    finally:
        await heard.unsubscribe()
    while True:
        shown = {shard["shard"]: (shard["epoch"], shard["seq"]) for shard in await client.http.shards()}
        if all(shown.get(number, (0, 0)) >= (beat.epoch, beat.seq) for number, beat in newest.items()):
            break
        await asyncio.sleep(POLL_S)
    await client.ping()
