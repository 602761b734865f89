"""A recorded cricket match (148 hours, the last four of them in play) played at high speed, with bettors all along.

The recorded order of states is read from the file itself; what was on offer at any moment comes from betfairlightweight, moved to the
times of today by the replay's rule: recorded at `pt`, published at `wall0 + (pt - pt0) / speed`.
"""

import json
import re
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise, zip_longest
from pathlib import Path
from typing import NamedTuple

import pytest

from support.audit import audit
from support.betfair_truth import books_along
from support.bettors import Answers, bettors
from support.engine import Engine, engine
from support.lanes import captured_frames, event_records
from support.recorded import frames_of, internal_markets
from support.recordings import recording
from support.timeline import Moment, Timeline
from support.waiting import until
from touchline.local.client import TouchlineClient
from touchline.local.replay_resources import PROVIDER

pytestmark = [pytest.mark.servers, pytest.mark.drill, pytest.mark.recordings]

FILE = "betfair/flumine/1.200806927"
MAX_AGE_US = 1_000_000
"""`freshness.maxAge` of `examples/replay`."""
SLACK_US = 500_000
"""Between a decision and its record, and between two processes' readings: the machines are shared."""
PLAYED_S = 240.0
MEANS = {"OPEN": "Open", "SUSPENDED": "Suspended", "CLOSED": "Settled"}


class State(NamedTuple):
    """What the recording's definition says, in the words of the protocol."""

    status: str
    phase: str
    delay_ms: int


class Offer(NamedTuple):
    """What the recording offered from a message on (its number, from 0): `best` is micro odds by runner."""

    message: int
    status: str
    best: dict[str, int]


def recorded_states(path: Path) -> list[State]:
    """Every change of the definition's status, phase or delay, in the order of the file."""
    found: list[State] = []
    for frame in frames_of(path):
        for change in json.loads(frame).get("mc", []):
            definition = change.get("marketDefinition")
            if definition:
                phase = "InPlay" if definition["inPlay"] else "PreMatch"
                found.append(State(MEANS[definition["status"]], phase, definition["betDelay"] * 1000))
    return distinct(found)


def recorded_offers(path: Path) -> list[Offer]:
    """Every change of the market's status or best prices."""
    found: list[Offer] = []
    for count, books in books_along(path, 1):
        for status, best in books.values():
            if not found or (found[-1].status, found[-1].best) != (status, best):
                found.append(Offer(count - 1, status, best))
    return found


def distinct(states: Iterable[State]) -> list[State]:
    """Without what repeats the one before."""
    found: list[State] = []
    for state in states:
        if not found or found[-1] != state:
            found.append(state)
    return found


def told_states(moments: Iterable[Moment]) -> list[State]:
    """What a client was told. Where only we ourselves hold the market (no proof at that moment) nothing is told of the recording."""
    found = []
    for one in moments:
        if one.status == "Suspended" and "ProviderSuspended" not in one.reasons:
            continue
        found.append(State(one.status, one.phase, one.delay_ms))
    return distinct(found)


@asynccontextmanager
async def played(path: Path, speed: int) -> AsyncIterator[tuple[Engine, Timeline, Answers]]:
    """Play a file to its end with bettors; then the block looks at what came of it."""
    told = Timeline()
    async with engine(path, command="replay", arguments=["--speed", str(speed), "--keep"]) as running:
        async with TouchlineClient(running.url, on_frame=told.message) as client:
            await client.subscribe("*", within=30)
            async with bettors(running.url, count=3, seed=speed, pause_s=0.05) as answers:
                await until(
                    lambda: any(document["status"] == "Settled" for document in told.markets.values()),
                    within=PLAYED_S,
                    what=lambda: f"not played to the end: {told.moments[-3:]}\n{running.output[-2000:]}",
                )
        yield running, told, answers


async def check_bets(running: Engine, path: Path, speed: int, answers: Answers) -> list[tuple[Offer, int]]:
    """Every accepted price was on offer, on an open market, at a moment when it was still fresh. Returns what was accepted, with its time.

    Raises:
        AssertionError: a bet was accepted otherwise.
    """
    decided = await audit(running)
    decided.check(answers)
    accepted = [one for one in decided.bets if one.decision == "Accepted"]
    nc = await running.admin()
    try:
        bound = internal_markets(path, PROVIDER, (await event_records(nc, PROVIDER)).get)
        received = [one.received_us for one in (await captured_frames(nc, PROVIDER))[0]]
    finally:
        await nc.close()
    recorded = [json.loads(frame)["pt"] * 1000 for frame in frames_of(path)]
    published = [received[0] + round((pt - recorded[0]) / speed) for pt in recorded]
    offers = recorded_offers(path)
    runners = {
        (market.id, selection): runner
        for markets in bound.values()
        for market in markets
        for runner, selection in market.runners.items()
    }
    matched = []
    for bet in accepted:
        leg = bet.request.legs[0]
        runner = runners[leg.market, leg.selection]
        window = (bet.at - MAX_AGE_US - SLACK_US, bet.at + SLACK_US)
        found = _on_offer(offers, published, received, runner, bet.prices[0], window)
        assert found is not None, f"{leg} was accepted at {bet.prices[0]} (t={bet.at}) when nothing of it was on offer"
        matched.append((found, bet.at))
    return matched


def _on_offer(
    offers: Sequence[Offer],
    published: Sequence[int],
    received: Sequence[int],
    runner: str,
    micro: int,
    window: tuple[int, int],
) -> Offer | None:
    """An open offer of this price that was in force at some moment of the window: from its publication until we were told the next.

    On a busy machine a replay may run late; how late is its measured delay, which `health.maxDelay` bounds.
    """
    for offer, following in zip_longest(offers, offers[1:]):
        ends = received[following.message] if following is not None else window[1]
        in_force = published[offer.message] <= window[1] and ends >= window[0]
        if in_force and offer.status == "OPEN" and offer.best.get(runner) == micro:
            return offer
    return None


def versions_go_forward(moments: Sequence[Moment]) -> None:
    for before, after in pairwise(moments):
        assert after.version >= before.version, (before, after)


async def test_the_whole_recording_is_told_in_order_and_bets_follow_it() -> None:
    path, speed = recording(FILE), 10_000
    async with played(path, speed) as (running, told, answers):
        assert len(told.markets) == 1
        expected = recorded_states(path)
        assert [(one.status, one.phase) for one in expected].count(("Open", "InPlay")) >= 1
        assert told_states(told.moments) == expected
        versions_go_forward(told.moments)
        accepted = await check_bets(running, path, speed, answers)
        assert accepted, "nothing was accepted: the test shows nothing"


async def test_the_match_itself_is_bet_on_in_play_with_its_delay(tmp_path: Path) -> None:
    """The last hours alone, more slowly: everything before is put at their beginning, so that the book is complete."""
    path, speed = _the_match(recording(FILE), tmp_path), 400
    async with played(path, speed) as (running, told, answers):
        assert told_states(told.moments) == recorded_states(path)
        versions_go_forward(told.moments)
        assert await check_bets(running, path, speed, answers)
        delay_us = max(one.delay_ms for one in told.moments) * 1000
        turned = next(one.pub for one in told.moments if one.phase == "InPlay")
        shut = next(one.pub for one in told.moments if one.status == "Settled")
        late = [one for one in answers.accepted if one["at"] > turned + delay_us]
        assert late, "no bet was accepted in play"
        assert not [one for one in answers.accepted if one["at"] > shut + SLACK_US]
        decided = await audit(running)
        begun = {one.request.key: one.at for one in decided.bets if one.decision == "Pending"}
        for one in late:
            if one["key"] in begun:
                assert one["at"] - begun[one["key"]] >= delay_us - 1000
        assert any(one["key"] in begun for one in late)


def _the_match(whole: Path, folder: Path) -> Path:
    """The recording with every publish time before the match moved to shortly before it."""
    frames = frames_of(whole)
    begins = next(
        message["pt"]
        for message in map(json.loads, frames)
        if any((change.get("marketDefinition") or {}).get("inPlay") for change in message.get("mc", []))
    )
    earliest = begins - 600_000
    moved = [
        re.sub(rb'"pt":\s*(\d+)', lambda found: b'"pt":%d' % max(int(found[1]), earliest), frame, count=1)
        for frame in frames
    ]
    path = folder / "match"
    path.write_bytes(b"\n".join(moved) + b"\n")
    return path
