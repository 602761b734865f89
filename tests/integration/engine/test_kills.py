"""Any one process of a running engine is killed, or its leader frozen, while bettors bet.

Each time: the system heals by itself within five seconds, no bet is accepted on a stale price, no accepted bet is lost or
decided twice, and clients resume without a hole in their versions (the bettors' own streams are strict about them).
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from support.audit import Audit, audit, check_against_truth, truth
from support.bettors import Answers, bettors
from support.engine import QUICKSTART, Engine, engine
from support.waiting import until
from touchline.domain.version import Version
from touchline.local.client import TouchlineClient
from touchline.local.replica import Replica

pytestmark = [pytest.mark.servers, pytest.mark.drill, pytest.mark.asyncio(loop_scope="module")]

HEAL_S = 5.0
FROZEN_S = 10.0
ZERO = Version(0, 0)
MAX_AGE_US = 1_000_000
"""The longest `freshness.maxAge` of the quickstart's classes."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def quickstart() -> AsyncIterator[Engine]:
    async with engine(QUICKSTART) as running:
        async with TouchlineClient(running.url) as client:
            await client.subscribe("*", within=30)
            await client.wait_for(lambda replica: len(_open(replica)) >= 3, within=60)
        yield running


async def leader(running: Engine) -> str:
    """The book node that leads most shards now."""
    books = (await running.statuses())["books"]
    led: dict[str, int] = {book["name"]: len(book["leads"]) for book in books}
    return max(sorted(led), key=lambda name: led[name])


async def standby(running: Engine) -> str:
    leads = await leader(running)
    return next(name for name in ("book-1", "book-2") if name != leads)


def _open(replica: Replica) -> list[str]:
    return [view.id for view in replica.markets.values() if view.status == "Open"]


async def _betting(answers: Answers) -> None:
    """Wait until bets are accepted."""
    await until(
        lambda: len(answers.accepted) >= 3,
        within=60,
        what=lambda: f"nothing accepted before the fault: {answers.tally()}",
    )


async def _healed(client: TouchlineClient, answers: Answers, at: float, before: dict[str, Version]) -> float:
    """How long after the fault until a market is open that has moved since, and a bet that was asked for since is taken."""

    def moved() -> list[str]:
        return [one for one in _open(client.replica) if client.replica.markets[one].version > before.get(one, ZERO)]

    await until(
        lambda: bool(moved()) and answers.taken_since(at),
        within=30,
        what=lambda: f"open: {_open(client.replica)}, moved: {moved()}, {answers.tally()}",
    )
    return asyncio.get_running_loop().time() - at


def _versions(client: TouchlineClient) -> dict[str, Version]:
    return {market: view.version for market, view in client.replica.markets.items()}


async def _judge(running: Engine, answers: Answers, before: Audit) -> None:
    """Nothing lost, nothing decided twice, nothing accepted on a stale price."""
    told = await truth(running)
    after = await audit(running)
    after.check(answers)
    known = {record.request.key for record in before.bets}
    accepted = [record for record in after.bets if record.decision == "Accepted" and record.request.key not in known]
    assert accepted, "no bet was accepted at all: the test shows nothing"
    assert await check_against_truth(running, told, accepted, MAX_AGE_US) > 0


VICTIMS = ["ingest-betfair-a", "leader", "standby", "gateway-1", "nats", "valkey"]


@pytest.mark.parametrize("victim", VICTIMS)
async def test_a_killed_process_is_healed_within_five_seconds_and_no_bet_suffers(
    quickstart: Engine, victim: str
) -> None:
    before = await audit(quickstart)
    async with TouchlineClient(quickstart.url) as client:
        await client.subscribe("*", within=30)
        async with bettors(quickstart.url, seed=VICTIMS.index(victim) + 1) as answers:
            await _betting(answers)
            name = {"leader": leader, "standby": standby}.get(victim)
            target = await name(quickstart) if name else victim
            before_it, at = _versions(client), asyncio.get_running_loop().time()
            gone = quickstart.kill(target)
            took = await _healed(client, answers, at, before_it)
            await until(lambda: quickstart.runs_again(target, gone), within=HEAL_S, what=f"{target} was not restarted")
        assert took <= HEAL_S, f"{victim}: healed only after {took:.1f} s"
    await _judge(quickstart, answers, before)


async def test_a_leader_frozen_for_ten_seconds_is_replaced_and_decides_nothing_afterwards(quickstart: Engine) -> None:
    before = await audit(quickstart)
    async with TouchlineClient(quickstart.url) as client:
        await client.subscribe("*", within=30)
        async with bettors(quickstart.url, seed=50) as answers:
            await _betting(answers)
            loop = asyncio.get_running_loop()
            target = await leader(quickstart)
            before_it, at = _versions(client), loop.time()
            frozen = quickstart.freeze(target)
            try:
                took = await _healed(client, answers, at, before_it)
                await until(lambda: loop.time() >= at + FROZEN_S, within=FROZEN_S + 5, what="the end of the frost")
            finally:
                os.kill(frozen, signal.SIGCONT)
            thawed, had = loop.time(), len(answers.accepted)
            await until(
                lambda: answers.taken_since(thawed) and len(answers.accepted) > had,
                within=30,
                what=lambda: f"nothing accepted after the thaw: {answers.tally()}",
            )
        assert took <= HEAL_S, f"healed only after {took:.1f} s"
    after = await audit(quickstart)
    assert any(after.epochs[shard] > before.epochs[shard] for shard in after.epochs)
    await _judge(quickstart, answers, before)
