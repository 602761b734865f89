"""Bets decided and stored a second and how long a bettor waits, beside what an fsync takes on the same disk at that time.

Three ways in: straight on `bet.<shard>` as gateways ask, over WebSockets, over HTTP. Each is driven with 64 bets in flight (what can
be had) and with one (what one bettor waits). Every accepted bet was stored and synced before its answer; a bet that is
not accepted fails the benchmark. Prices stand still meanwhile; all bets are singles over the four shards.

    python -m bench bets
"""

import asyncio
import itertools
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

import msgspec

from bench.bettors import Lane, over_bus, over_http, over_sockets
from bench.journey import percentile
from bench.machine import fsync_seconds
from bench.rows import Row, row
from bench.stage import Stage, run, stage
from touchline.local.gateway_http import GatewayHttp

MARKETS = 200
SHARDS = 4
LANES = 64
RUNS = 5
SECONDS = 2.0
ALONE_SECONDS = 1.0
LEGS = 40

Json = dict[str, Any]


def measure() -> list[Row]:
    """For each way: the rate with many in flight, and p50 and p99 with one, in multiples of an fsync."""
    rows: list[Row] = run(_measure())
    return rows


async def _measure() -> list[Row]:
    async with stage(markets=MARKETS) as engine:
        bets = _bets(await _legs(engine))
        assert engine.engine.nc is not None
        ways: dict[str, AbstractAsyncContextManager[Sequence[Lane]]] = {
            "on the bus": over_bus(engine.engine.nc, SHARDS, LANES),
            "over WebSockets": over_sockets(engine.url, LANES),
            "over HTTP": over_http(engine.url, LANES),
        }
        rows = []
        syncs: list[float] = []
        for name, way in ways.items():
            async with way as lanes:
                await _drive(lanes, bets, ALONE_SECONDS)
                figures = []
                for _ in range(RUNS):
                    sync = statistics.median(fsync_seconds(engine.folder))
                    many = await _drive(lanes, bets, SECONDS)
                    alone = await _drive(lanes[:1], bets, ALONE_SECONDS)
                    figures.append((sync, many, alone))
                    syncs.append(sync)
            rows += _rows(name, figures)
        return [row("one fsync of this disk, 512 bytes appended", [sync * 1000 for sync in syncs], "ms"), *rows]


async def _legs(engine: Stage) -> list[Json]:
    """What can be bet on: one selection of some markets, with its price and version."""
    http = GatewayHttp(engine.url)
    try:
        legs = []
        for market in sorted(await engine.numbers())[:LEGS]:
            shown = await http.market(market)
            selection, price = next((name, price) for name, price in shown["sel"].items() if price)
            legs.append({"market": market, "selection": selection, "price": price, "version": shown["version"]})
        return legs
    finally:
        await http.close()


def _bets(legs: list[Json]) -> Iterator[Json]:
    """Bets without end, each with a key of its own."""
    prefix = time.time_ns()
    for number, leg in enumerate(itertools.cycle(legs)):
        yield {"key": f"bench-{prefix}-{number}", "stake": "1.00", "legs": [leg]}


async def _drive(lanes: Sequence[Lane], bets: Iterator[Json], seconds: float) -> tuple[float, list[float]]:
    """Keep every lane busy for a while; bets a second, and the seconds that each took.

    Raises:
        AssertionError: a bet was not accepted.
    """
    took: list[float] = []
    end = time.perf_counter() + seconds

    async def keep(lane: Lane) -> None:
        while (began := time.perf_counter()) < end:
            decision = await lane(next(bets))
            took.append(time.perf_counter() - began)
            accepted = decision.get("decision") == "Accepted"
            assert accepted, f"not accepted: {msgspec.json.encode(decision).decode()}"

    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for lane in lanes:
            group.create_task(keep(lane))
    return len(took) / (time.perf_counter() - began), took


Run = tuple[float, tuple[float, list[float]], tuple[float, list[float]]]


def _rows(way: str, runs: list[Run]) -> list[Row]:
    sync_ms = 1000 * statistics.median(sync for sync, _, _ in runs)
    per_second = f"fsyncs a second of one writer ({1000 / sync_ms:.0f})"
    one = f"one fsync ({sync_ms:.3f} ms)"

    def waited(name: str, percent: float, which: int) -> Row:
        pairs = [(1000 * percentile(entry[which][1], percent), 1000 * entry[0]) for entry in runs]  # type: ignore[index]
        ratio = statistics.median(mine / sync for mine, sync in pairs)
        return row(f"bets {way}, {name}", [mine for mine, _ in pairs], "ms", reference=one, ratio=ratio)

    return [
        row(
            f"bets {way}, {LANES} in flight: decided and stored",
            [many[0] for _, many, _ in runs],
            "1/s",
            reference=per_second,
            ratio=statistics.median(many[0] * sync for sync, many, _ in runs),
        ),
        waited(f"{LANES} in flight: p99", 99, 1),
        waited("one in flight: p50", 50, 2),
        waited("one in flight: p99", 99, 2),
    ]
