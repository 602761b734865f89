"""Bettors on a running engine, and the auditor who holds it to every answer afterwards."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from scenarios.in_cluster import SETTLES_S, InCluster
from support.audit import Audit, audit, check_against_truth, truth
from support.bettors import Answers, bettors
from support.waiting import until

MAX_AGE_US = 1_000_000
"""The longest `freshness.maxAge` of the quickstart's classes."""
FEW = 3


async def accepting(answers: Answers, more_than: int = 0) -> None:
    """Wait until a few more bets than that are accepted."""
    await until(lambda: len(answers.accepted) >= more_than + FEW, within=SETTLES_S, what=answers.tally)


@contextlib.asynccontextmanager
async def betting(engine: InCluster, seed: int) -> AsyncIterator[Answers]:
    """Bettors before, during and after what the block does; afterwards the auditor holds the engine to every answer.

    `seed` is each test's own: bets of two seeds have different keys.

    Raises:
        AssertionError: a bet was lost, decided twice or taken on a price that nobody offered.
    """
    before: Audit = await audit(engine)
    known = {record.request.key for record in before.bets}
    async with bettors(engine.url, count=3, seed=seed) as answers:
        await accepting(answers)
        yield answers
        healed = len(answers.accepted)
        await accepting(answers, healed)
    await asyncio.to_thread(engine.settled)
    told, after = await truth(engine), await audit(engine)
    after.check(answers)
    accepted = [each for each in after.bets if each.decision == "Accepted" and each.request.key not in known]
    assert await check_against_truth(engine, told, accepted, MAX_AGE_US) > 0, (
        "no bet was compared: the test shows nothing"
    )
