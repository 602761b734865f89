"""Latency from the provider's bytes to the client's frame, hop by hop, through real processes on one machine.

Two loads on 1,000 markets with 100 clients that are subscribed to all of them: one market that updates 50 times a second, and
1,000 updates a second over all markets. A run's figures are over all its deliveries (updates times clients); the row is the median
of five runs. The clients' own time counts, too: the last of 100 clients in one process is parsed after the other 99.

    python -m bench end_to_end
"""

from typing import NamedTuple

from bench.crowd import Crowd, crowd
from bench.journey import HOPS, hops, moves, percentile
from bench.rows import Row, row
from bench.stage import Stage, run, stage

MARKETS = 1_000
CLIENTS = 100
RUNS = 5
SECONDS = 4.0
WARM_UP_S = 2.0
BAR_MS = 10.0


class Load(NamedTuple):
    """`markets` of the 1,000 are moved in turn, together `rate` times a second."""

    name: str
    markets: int
    rate: float
    bar_ms: float | None


LOADS = (
    Load("one market of 1,000 at 50 updates/s", 1, 50, None),
    Load("1,000 updates/s over 1,000 markets", MARKETS, 1_000, BAR_MS),
)


def measure() -> list[Row]:
    """Rows of each load: p50 and p99 of the whole way and of each hop, and the share of the deliveries due that were made."""
    rows: list[Row] = run(_measure())
    return rows


async def _measure() -> list[Row]:
    rows: list[Row] = []
    async with stage(markets=MARKETS) as engine, crowd(engine.url, clients=CLIENTS) as clients:
        numbers = await engine.numbers()
        for load in LOADS:
            await _one(engine, clients, load, numbers, WARM_UP_S)
            runs = [await _one(engine, clients, load, numbers, SECONDS) for _ in range(RUNS)]
            rows += _rows(load, runs)
    return rows


async def _one(engine: Stage, clients: Crowd, load: Load, numbers: dict[str, int], seconds: float) -> dict[str, float]:
    """One run: milliseconds by figure, and `delivered`, the share of all deliveries that there should be."""
    await clients.begin()
    sent = await engine.provider.move_steadily(range(load.markets), load.rate, seconds)
    journeys = moves(await clients.end(), engine.provider.moved, numbers)
    engine.provider.moved.clear()
    took = hops(journeys)
    figures = {f"whole p{percent}": percentile(took.whole, percent) for percent in (50, 99)}
    for hop, values in zip(HOPS, took[: len(HOPS)], strict=True):
        figures |= {f"{hop} p{percent}": percentile(values, percent) for percent in (50, 99)}
    return figures | {"delivered": 100 * len(took.whole) / (sent * clients.clients)}


def _rows(load: Load, runs: list[dict[str, float]]) -> list[Row]:
    rows = []
    for figure in runs[0]:
        values = [figures[figure] for figures in runs]
        name = f"end to end, {load.name}, {CLIENTS} clients: "
        if figure == "delivered":
            rows.append(row(name + "deliveries of those due", values, "%", at_least=100.0))
        elif figure == "whole p99":
            rows.append(row(name + "p99, provider to client", values, "ms", at_most=load.bar_ms))
        else:
            rows.append(row(name + figure.replace("whole p50", "p50, provider to client"), values, "ms"))
    return rows
