"""How long after the provider's word the last of 100 clients knows that a market is suspended.

The word is a market definition with status SUSPENDED. Once with nothing else going on, once while 1,000 updates a second arrive.
Each of five runs suspends 40 markets, ten a second, and opens them again; a run's figures are over its suspensions.

    python -m bench suspension
"""

import asyncio

from bench.crowd import Crowd, crowd
from bench.journey import percentile, turns
from bench.rows import Row, row
from bench.stage import Stage, run, stage

MARKETS = 1_000
CLIENTS = 100
RUNS = 5
SUSPENSIONS = 40
PAUSE_S = 0.1
RATES = (0, 1_000)


def measure() -> list[Row]:
    """For both loads: median and worst of the time to the last client, and how many suspensions reached everybody."""
    rows: list[Row] = run(_measure())
    return rows


async def _measure() -> list[Row]:
    rows: list[Row] = []
    async with stage(markets=MARKETS) as engine, crowd(engine.url, clients=CLIENTS) as clients:
        numbers = await engine.numbers()
        for rate in RATES:
            await _one(engine, clients, rate, numbers)
            runs = [await _one(engine, clients, rate, numbers) for _ in range(RUNS)]
            rows += _rows(rate, runs)
    return rows


async def _one(engine: Stage, clients: Crowd, rate: int, numbers: dict[str, int]) -> list[float]:
    """One run: milliseconds from the word to the last client, of every suspension that reached all of them."""
    provider = engine.provider
    await clients.begin()
    prices = range(SUSPENSIONS, MARKETS)  # a suspended market's prices are not shown
    load = asyncio.create_task(provider.move_steadily(prices, rate, SUSPENSIONS * PAUSE_S)) if rate else None
    for number in range(SUSPENSIONS):
        provider.turn(number, "SUSPENDED")
        await asyncio.sleep(PAUSE_S)
    if load is not None:
        await load
    journeys = turns(await clients.end(), provider.turned, numbers, "SUSPENDED")
    for number in range(SUSPENSIONS):
        provider.turn(number, "OPEN")
    provider.moved.clear()
    await engine.shows(MARKETS)
    await clients.begin()
    await clients.end()
    provider.turned.clear()
    return [
        (max(journey.arrivals) - journey.sent) / 1000
        for journey in journeys
        if len(journey.arrivals) == clients.clients
    ]


def _rows(rate: int, runs: list[list[float]]) -> list[Row]:
    load = f"at {rate:,} updates/s" if rate else "with no other load"
    name = f"suspension, {load}: the provider's word to the last of {CLIENTS} clients"
    return [
        row(f"{name}, median", [percentile(times, 50) for times in runs], "ms"),
        row(f"{name}, worst of {SUSPENSIONS}", [max(times) for times in runs], "ms"),
        row(
            f"suspension, {load}: suspensions that reached every client",
            [100 * len(times) / SUSPENSIONS for times in runs],
            "%",
            at_least=100.0,
        ),
    ]
