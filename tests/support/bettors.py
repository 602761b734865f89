"""Bettors under load: they bet on whatever is open, remember every answer, and later hold the engine to it."""

import asyncio
import itertools
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from touchline.local.client import TouchlineClient
from touchline.local.errors import GatewayError

ANSWER_S = 30.0


@dataclass
class Answers:
    """What bettors were told. `final` by key; a key that was asked but never answered stands in `asked` only."""

    asked: dict[str, dict[str, Any]] = field(default_factory=dict)
    final: dict[str, dict[str, Any]] = field(default_factory=dict)
    unanswered: list[str] = field(default_factory=list)

    @property
    def accepted(self) -> list[dict[str, Any]]:
        return [document for document in self.final.values() if document["decision"] == "Accepted"]


@asynccontextmanager
async def bettors(url: str, *, count: int = 4, pause_s: float = 0.02, seed: int = 1) -> AsyncIterator[Answers]:
    """`count` bettors who bet until the block ends; then every bet is followed to its final decision.

    Each has a stream of its own that is strict about versions: a broken chain fails the test.
    """
    answers, stop = Answers(), asyncio.Event()
    numbers = itertools.count(1)
    tasks = [
        asyncio.create_task(
            _bettor(url, f"s{seed}-b{bettor}", random.Random(seed * 100 + bettor), pause_s, answers, stop, numbers)
        )
        for bettor in range(count)
    ]
    try:
        yield answers
    finally:
        stop.set()
        await asyncio.gather(*tasks)


async def _bettor(
    url: str,
    name: str,
    rng: random.Random,
    pause_s: float,
    answers: Answers,
    stop: asyncio.Event,
    numbers: "itertools.count[int]",
) -> None:
    async with TouchlineClient(url, rng=rng) as client:
        await client.subscribe("*", within=30)
        mine: list[str] = []
        while not stop.is_set():
            bet = _choose(client, rng, f"{name}-{next(numbers)}")
            if bet is not None:
                answers.asked[bet["key"]] = bet
                mine.append(bet["key"])
                try:
                    document = await client.http.bet(bet, within=ANSWER_S)
                except GatewayError:
                    answers.unanswered.append(bet["key"])
                else:
                    if document["decision"] != "Pending":
                        answers.final[bet["key"]] = document
            await asyncio.sleep(pause_s)
        for key in mine:
            if key not in answers.final:
                await _follow(client, key, answers)


async def _follow(client: TouchlineClient, key: str, answers: Answers) -> None:
    """Ask for the decision of a delayed or unanswered bet until it is final, or surely was never made."""
    end = asyncio.get_running_loop().time() + ANSWER_S
    while asyncio.get_running_loop().time() < end:
        try:
            document = await client.http.decision(key)
        except GatewayError:
            document = {"decision": "Pending"}
        if document is None:
            return  # never decided: the bettor was never told anything either
        if document["decision"] != "Pending":
            answers.final[key] = document
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"bet {key} was pending and found no final decision within {ANSWER_S:.0f} s")


def _choose(client: TouchlineClient, rng: random.Random, key: str) -> dict[str, Any] | None:
    """A bet on any open selection, as the bettor sees it now."""
    offers = [
        (view.id, selection, price, str(view.version))
        for view in client.replica.markets.values()
        if view.status == "Open"
        for selection, price in view.sel.items()
        if price
    ]
    if not offers:
        return None
    market, selection, price, version = rng.choice(offers)
    return {
        "key": key,
        "stake": "2.00",
        "type": "Single",
        "priceChange": rng.choice(["Exact", "AcceptBetter"]),
        "legs": [{"market": market, "selection": selection, "price": price, "version": version}],
    }
