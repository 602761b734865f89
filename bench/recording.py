"""How fast the recorder catches up with prices that wait in the broker, beside a reader that only reads them.

Both sides read the same stream of the same broker in turns; the ratio is the median of the pairs'. The prices are frames of the book.

    python -m bench.recording
"""

import asyncio
import json
import statistics
import time

from nats.aio.client import Client

from bench.book_throughput import MARKETS, batches, open_book
from bench.rows import Row, row
from touchline.book.outputs import Publish
from touchline.bus import subjects
from touchline.bus.connection import connect, hang_up
from touchline.bus.ending import end
from touchline.bus.messages import decode_odds
from touchline.bus.provision import provision, provision_audit
from touchline.bus.settings import Settings
from touchline.bus.stream_reader import StreamReader
from touchline.local.servers import NatsServer
from touchline.recorder.recorder import BATCH, Recorder
from touchline.recorder.verify import verify

TIMES = 10
ROUNDS = 5
POLL_S = 0.001
WITHIN_S = 60.0
BAR = 0.3
"""Compressing, hashing and storing may take about twice as long as reading."""


def frames() -> list[tuple[str, bytes]]:
    """Subject and bytes of prices as the book publishes them."""
    markets = [f"e{number}:MatchWinner" for number in range(MARKETS)]
    book, found, now = open_book(markets), [], 1_000
    for message in batches(markets, 2):
        now += 1_000
        found += [
            (each.subject, each.payload) for each in book.odds(now, decode_odds(message)) if isinstance(each, Publish)
        ]
    return found


async def _only_read(nc: Client, count: int) -> float:
    reader = StreamReader(nc, timeout_s=10)
    await reader.start()
    began, first, more = time.perf_counter(), 1, True
    while more:
        records, more = await reader.read(subjects.BOOK_STREAM, first, BATCH)
        first = records[-1].seq + 1 if records else first
    assert first == count + 1, f"{first - 1} of {count} prices were read"
    return time.perf_counter() - began


async def _recorded(nc: Client, count: int) -> float:
    recorder = Recorder(
        nc,
        shards=1,
        writer="bench",
        now=lambda: time.monotonic_ns() // 1_000,
        wall=lambda: time.time_ns() // 1_000,
    )
    began = time.perf_counter()
    task = asyncio.create_task(recorder.run())
    try:
        async with asyncio.timeout(WITHIN_S):
            while recorder.behind or recorder.entries + recorder.pending < count:  # noqa: ASYNC110 - it is what is measured
                await asyncio.sleep(POLL_S)
        took = time.perf_counter() - began
    finally:
        await end([task], again_s=5)
    log = await verify(nc)
    stored = log.entries[subjects.BOOK_STREAM]
    assert (stored, log.faults, log.breaks) == (count, [], []), f"{stored} of {count} prices are in the log"
    return took


async def _pair(prices: list[tuple[str, bytes]]) -> tuple[float, float, int]:
    with NatsServer() as server:
        nc = await connect(Settings(nats_url=server.url), name="bench")
        await provision(nc, shards=1)
        await provision_audit(nc)
        for _ in range(TIMES):
            for subject, payload in prices:
                await nc.publish(subject, payload)
            await nc.flush()
        count = TIMES * len(prices)
        read, recorded = await _only_read(nc, count), await _recorded(nc, count)
        state = json.loads((await nc.request(f"$JS.API.STREAM.INFO.{subjects.AUDIT_STREAM}")).data)["state"]
        await hang_up(nc)
        return read, recorded, int(state["bytes"])


def measure() -> list[Row]:
    """Prices a second, and what one takes on the disk."""
    prices = frames()
    count = TIMES * len(prices)
    found = [asyncio.run(_pair(prices)) for _ in range(ROUNDS)]
    raw = sum(len(payload) + len(subject) for subject, payload in prices) / len(prices)
    stored = [octets / count for _, _, octets in found]
    return [
        row(
            "recorder: prices that waited, read and stored",
            [count / recorded for _, recorded, _ in found],
            "1/s",
            reference=f"only reading them ({statistics.median(count / read for read, _, _ in found):,.0f}/s)",
            ratio=statistics.median(read / recorded for read, recorded, _ in found),
            at_least=BAR,
        ),
        row(
            "recorder: a price in the log",
            stored,
            "B",
            reference=f"its frame and subject ({raw:.0f} B)",
            ratio=statistics.median(stored) / raw,
        ),
    ]


if __name__ == "__main__":
    for each in measure():
        print(each)
