"""How cost grows from 100 to 10,000 clients and from 100 to 10,000 markets, on one gateway process.

Clients grow on 100 markets, markets grow with 100 clients; every client is subscribed to all markets. About 20,000 deliveries
a second are asked for at every size (200 updates a second for 100 clients, 2 for 10,000), so that sizes are compared and not
loads. The gateway's CPU is its process's, less what it takes when nothing is sent. The plot goes to docs/images/growth.png.

    python -m bench growth
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from bench.crowd import Crowd, crowd
from bench.journey import hops, moves, percentile
from bench.machine import cpu_seconds, resident_kb
from bench.rows import Row, row, skipped
from bench.stage import Stage, run, stage

SIZES = (100, 1_000, 10_000)
FEW = 100
DELIVERIES = 20_000
"""A second, over all clients."""
SECONDS = 5.0
STEP = 1_000
IDLE_S = 2.0
GATEWAY = "gateway-1"
PLOT = Path(__file__).parents[1] / "docs" / "images" / "growth.png"


class Point(NamedTuple):
    """One size. `cpu_us` of a delivered frame, `p99_ms` from provider to client, `memory_mb` resident in the gateway."""

    clients: int
    markets: int
    cpu_us: float
    p99_ms: float
    memory_mb: float


def measure() -> list[Row]:
    """Three rows for each size of both ways, one for each way that compares its ends; draws the plot."""
    by_clients, by_markets = run(_measure())
    rows = [*_rows("clients", by_clients), *_rows("markets", by_markets)]
    try:
        draw(by_clients, by_markets, PLOT)
    except ImportError as error:
        rows.append(skipped("growth: plot", f"matplotlib is not installed ({error})"))
    return rows


async def _measure() -> tuple[list[Point], list[Point]]:
    by_clients: list[Point] = []
    by_markets: list[Point] = []
    async with stage(markets=FEW) as engine, crowd(engine.url, clients=SIZES[0]) as clients:
        for size in SIZES:
            if size > clients.clients:
                await clients.connect(size - clients.clients)
            by_clients.append(await _point(engine, clients))
    async with stage(markets=FEW) as engine:
        for size in SIZES:
            await _grow(engine, size)
            async with crowd(engine.url, clients=FEW) as clients:
                by_markets.append(await _point(engine, clients))
    return by_clients, by_markets


async def _grow(engine: Stage, markets: int) -> None:
    """A thousand at a time: how a day begins, not a provider that shows ten thousand at once."""
    while (now := len(engine.provider.markets)) < markets:
        engine.provider.grow(min(now + STEP, markets))
        await engine.shows(len(engine.provider.markets))


async def _point(engine: Stage, clients: Crowd) -> Point:
    provider = engine.provider
    numbers = await engine.numbers()
    every = range(len(provider.markets))
    rate = DELIVERIES / clients.clients
    await _send(engine, clients, every, rate, 1.0)
    pid = engine.pid(GATEWAY)
    before = cpu_seconds(pid)
    await asyncio.sleep(IDLE_S)
    idle = (cpu_seconds(pid) - before) / IDLE_S
    await clients.begin()
    before = cpu_seconds(pid)
    await provider.move_steadily(every, rate, SECONDS)
    spent = cpu_seconds(pid) - before - idle * SECONDS
    took = hops(moves(await clients.end(), provider.moved, numbers))
    provider.moved.clear()
    return Point(
        clients.clients,
        len(provider.markets),
        1e6 * spent / len(took.whole),
        percentile(took.whole, 99),
        resident_kb(pid) / 1024,
    )


async def _send(engine: Stage, clients: Crowd, numbers: range, rate: float, seconds: float) -> None:
    await clients.begin()
    await engine.provider.move_steadily(numbers, rate, seconds)
    await clients.end()
    engine.provider.moved.clear()


def _rows(what: str, points: Sequence[Point]) -> list[Row]:
    rows = []
    for point in points:
        name = f"growth of {what}, {point.clients:,} clients on {point.markets:,} markets"
        rows += [
            row(f"{name}: gateway CPU of a delivered frame", [point.cpu_us], "us"),
            row(f"{name}: p99, provider to client", [point.p99_ms], "ms"),
            row(f"{name}: gateway memory", [point.memory_mb], "MB"),
        ]
    first, last = points[0], points[-1]
    rows.append(
        row(
            f"growth of {what}: CPU of a delivered frame at {SIZES[-1]:,}",
            [last.cpu_us],
            "us",
            reference=f"at {SIZES[0]:,} ({first.cpu_us:.2f} us)",
            ratio=last.cpu_us / first.cpu_us,
        )
    )
    return rows


def draw(by_clients: Sequence[Point], by_markets: Sequence[Point], path: Path) -> None:
    """Three panels over the size: CPU of a delivery, p99, memory; one line for clients, one for markets.

    Raises:
        ImportError: matplotlib is not installed.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, 3, figsize=(12, 3.6), constrained_layout=True)
    for panel, name, title in (
        (panels[0], "cpu_us", "gateway CPU of a delivered frame, µs"),
        (panels[1], "p99_ms", "p99, provider to client, ms"),
        (panels[2], "memory_mb", "gateway memory, MB"),
    ):
        for points, size, label, mark in (
            (by_clients, "clients", f"clients ({FEW} markets)", "o-"),
            (by_markets, "markets", f"markets ({FEW} clients)", "s--"),
        ):
            sizes = [getattr(point, size) for point in points]
            panel.plot(sizes, [getattr(point, name) for point in points], mark, label=label)
        panel.set_xscale("log")
        panel.set_ylim(bottom=0)
        panel.set_title(title, fontsize=10)
        panel.set_xlabel("clients or markets")
        panel.grid(alpha=0.3)
    panels[0].legend(fontsize=9)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
