"""Bettors under load: they bet on whatever is open, remember every answer, and later hold the engine to it."""

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from touchline.local.client import TouchlineClient
from touchline.local.errors import GatewayError

ANSWER_S = 30.0
POLL_S = 0.25
DELAYED_AT_MOST = 12
"""Delayed bets of one bettor at a time. Most of a season is in play: without a bound the questions for decisions would be the load."""


@dataclass(frozen=True)
class Answer:
    """The first answer to a bet. `asked_at` is the test's clock in seconds."""

    asked_at: float
    decision: str

    @property
    def taken(self) -> bool:
        """Whether the bet passed every check and is stored: accepted, or waiting for its second check."""
        return self.decision in {"Accepted", "Pending"}


@dataclass
class Answers:
    """What bettors were told. `final` by key; a key that was asked but never answered stands in `asked` only."""

    asked: dict[str, dict[str, Any]] = field(default_factory=dict)
    first: list[Answer] = field(default_factory=list)
    final: dict[str, dict[str, Any]] = field(default_factory=dict)
    unanswered: list[str] = field(default_factory=list)

    @property
    def accepted(self) -> list[dict[str, Any]]:
        return [document for document in self.final.values() if document["decision"] == "Accepted"]

    def taken_since(self, at: float) -> bool:
        """Whether a bet that was asked for after this moment was taken."""
        return any(answer.taken and answer.asked_at >= at for answer in reversed(self.first))

    def tally(self) -> str:
        """How many bets ended how, and why: for messages."""
        why = Counter(f"{document['decision']} {document.get('reason', '')}" for document in self.final.values())
        return f"{len(self.asked)} asked, {len(self.unanswered)} unanswered, {dict(sorted(why.items()))}"


@asynccontextmanager
async def bettors(url: str, *, count: int = 4, pause_s: float = 0.02, seed: int = 1) -> AsyncIterator[Answers]:
    """`count` bettors who bet until the block ends; every bet is followed to its final decision.

    Each has a stream of its own that is strict about versions: a broken chain fails the test.
    """
    answers, stop = Answers(), asyncio.Event()
    numbers = itertools.count(1)
    crowd = [
        _Bettor(url, f"s{seed}-b{bettor}", random.Random(seed * 100 + bettor), answers, numbers)
        for bettor in range(count)
    ]
    tasks = [asyncio.create_task(bettor.bet_until(stop, pause_s)) for bettor in crowd]
    try:
        yield answers
    finally:
        stop.set()
        await asyncio.gather(*tasks)


class _Bettor:
    def __init__(
        self, url: str, name: str, rng: random.Random, answers: Answers, numbers: "itertools.count[int]"
    ) -> None:
        self._client = TouchlineClient(url, rng=rng)
        self._name = name
        self._rng = rng
        self._answers = answers
        self._numbers = numbers
        self._open: set[asyncio.Task[None]] = set()

    async def bet_until(self, stop: asyncio.Event, pause_s: float) -> None:
        async with self._client, asyncio.TaskGroup() as followers:
            await self._client.subscribe("*", within=30)
            while not stop.is_set():
                bet = self._choose()
                if bet is not None and (answer := await self._place(bet)) in {"", "Pending"}:
                    following = followers.create_task(self._follow(bet["key"], known=bool(answer)))
                    self._open.add(following)
                    following.add_done_callback(self._open.discard)
                await asyncio.sleep(pause_s)

    def _choose(self) -> dict[str, Any] | None:
        """A bet on any open selection, as the bettor sees it now; on delayed markets only while few delayed bets are open."""
        offers = [
            (view.id, selection, price, str(view.version))
            for view in self._client.replica.markets.values()
            if view.status == "Open" and (not view.meta.get("betDelayMs") or len(self._open) < DELAYED_AT_MOST)
            for selection, price in view.sel.items()
            if price
        ]
        if not offers:
            return None
        market, selection, price, version = self._rng.choice(offers)
        return {
            "key": f"{self._name}-{next(self._numbers)}",
            "stake": "2.00",
            "type": "Single",
            "priceChange": self._rng.choice(["Exact", "AcceptBetter"]),
            "legs": [{"market": market, "selection": selection, "price": price, "version": version}],
        }

    async def _place(self, bet: dict[str, Any]) -> str:
        """Ask for a bet; the decision, or nothing where there was no answer."""
        key, asked_at = bet["key"], asyncio.get_running_loop().time()
        self._answers.asked[key] = bet
        try:
            document = await self._client.http.bet(bet, within=ANSWER_S)
        except GatewayError:
            self._answers.unanswered.append(key)
            return ""
        decision = str(document["decision"])
        self._answers.first.append(Answer(asked_at, decision))
        if decision != "Pending":
            self._answers.final[key] = document
        return decision

    async def _follow(self, key: str, *, known: bool) -> None:
        """Ask for the decision of a delayed or unanswered bet until it is final, or (if it is not known to be stored) never was made."""
        loop = asyncio.get_running_loop()
        end = loop.time() + ANSWER_S
        while loop.time() < end:
            try:
                document = await self._client.http.decision(key)
            except GatewayError:
                document = {"decision": "Pending"}
            if document is None:
                assert not known, f"bettor was told that {key} is pending, but no such bet is stored"
                return  # the bettor was never told anything either
            if document["decision"] != "Pending":
                self._answers.final[key] = document
                return
            await asyncio.sleep(POLL_S)
        raise AssertionError(f"bet {key} was pending and found no final decision within {ANSWER_S:.0f} s")
