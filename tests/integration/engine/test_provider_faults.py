"""Every fault that a provider can have, on the running quickstart while bettors bet.

Each time: the right hold within the bound that the quickstart declares, the second provider where the class has one, reopening by the
policy's rules, the first provider again when it is well, and no bet accepted on a price that nobody offered. What is only another
way of saying the same (segments, duplicates) changes nothing.
"""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from support.audit import Audit, audit, check_against_truth, truth
from support.bettors import Answers, bettors
from support.engine import QUICKSTART, Engine, engine
from support.provider_faults import clear, hits, inject
from support.timeline import Moment, Timeline
from support.waiting import until
from touchline.api.load import load_files
from touchline.api.v1alpha1.feed_provider import FeedProvider
from touchline.api.v1alpha1.market import Market
from touchline.api.v1alpha1.suspension_policy import SuspensionPolicy
from touchline.local.client import TouchlineClient

pytestmark = [pytest.mark.servers, pytest.mark.drill, pytest.mark.asyncio(loop_scope="module")]

NOISE_S = 4.0
"""On top of every declared bound: what a shared machine may add to reactions of all processes together."""
READY_S = 90.0
FAIL_BACK = "3s"
"""Instead of the quickstart's 30 s: each test begins with the first provider serving."""
FIRST, SECOND = "betfair-a", "betfair-b"

_declared = load_files([QUICKSTART])
_provider = next(one for one in _declared.of(FeedProvider) if one.name == FIRST).spec
_winner = [one.spec for one in _declared.of(Market) if "winner" in one.name]
assert _provider.betfair_stream is not None
HEARTBEAT_S = _provider.betfair_stream.heartbeat.micros / 1e6
SILENCE_S = min(_provider.health.max_silence.micros / 1e6, 2 * HEARTBEAT_S)
"""Two heartbeats missed: the session gives the connection up."""
MAX_DELAY_S = _provider.health.max_delay.micros / 1e6
MAX_AGE_S = max(market.freshness.max_age.micros for market in _winner) / 1e6
SWITCH_S = max(market.feeds.switch_after.micros for market in _winner) / 1e6
COOL_S = _declared.of(SuspensionPolicy)[0].spec.reopening.cool_down.micros / 1e6
LOST = "6s"
"""How long changes are lost: long enough for prices to move by more than the spread, which is what shows later."""
SHOWS_S = 30.0
"""Within this time some market moves again and shows what was lost."""
WINDOW_S = 10.0
"""The measured delay is a p99 over this window: a feed counts as late for so long after its last late message."""
CLOCKS_US = 200_000
"""Stamps are wall-clock, cool-downs are measured on the monotonic clock, and a tick comes each 100 ms."""
OURS = {"FeedDelay", "ProviderDisconnect", "SequenceGap", "Recovering", "StalePrice"}


@dataclass(frozen=True)
class Fault:
    """`within_s` is the declared bound from the fault to its hold; `unseen_s` how long a provider's change may stay unknown to us."""

    kind: str
    reasons: frozenset[str]
    within_s: float
    unseen_s: float
    cools: bool = True
    lasts_s: float = 0.0
    """How long it is felt after its end."""
    more: dict[str, Any] = field(default_factory=dict)


LATE = 0.7
"""Above the declared 500 ms, and below the two heartbeats after which a connection counts as dead: a busy machine may add
to it, and then the market is held as disconnected first."""
FAULTS = [
    Fault("Disconnect", frozenset({"ProviderDisconnect"}), MAX_AGE_S, MAX_AGE_S),
    Fault("Silence", frozenset({"ProviderDisconnect"}), SILENCE_S, SILENCE_S + MAX_AGE_S),
    Fault("Status503", frozenset({"StalePrice"}), MAX_AGE_S, MAX_AGE_S, cools=False),
    Fault(
        "Delay",
        frozenset({"FeedDelay", "ProviderDisconnect"}),
        LATE + HEARTBEAT_S,
        LATE + HEARTBEAT_S + MAX_AGE_S,
        lasts_s=WINDOW_S,
        more={"by": f"{LATE * 1000:.0f}ms"},
    ),
    Fault(
        "ClockSkew",
        frozenset({"FeedDelay"}),
        HEARTBEAT_S,
        HEARTBEAT_S + MAX_AGE_S,
        lasts_s=WINDOW_S,
        more={"by": "5s", "behind": True},
    ),
]


@dataclass
class Scene:
    """The engine, what a client was told, and what bettors were told."""

    engine: Engine
    told: Timeline
    answers: Answers

    def led(self) -> list[str]:
        """Open markets of the classes with a reserve that the first provider serves."""
        return self.told.open_on(FIRST, "MatchWinner")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def quickstart(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Engine]:
    folder = tmp_path_factory.mktemp("faults") / "quickstart"
    shutil.copytree(QUICKSTART, folder)
    _quicker(folder / "markets.yaml")
    async with engine(folder) as running:
        yield running


def _quicker(markets: Path) -> None:
    text = markets.read_text()
    assert "failBackAfter: 30s" in text
    markets.write_text(text.replace("failBackAfter: 30s", f"failBackAfter: {FAIL_BACK}"))


@asynccontextmanager
async def drill(running: Engine, seed: int) -> AsyncIterator[Scene]:
    """Bettors bet and a client looks on; before the block the first provider serves, after it all faults are ended."""
    told = Timeline()
    async with TouchlineClient(running.url, on_frame=told.message) as client:
        await client.subscribe("*", within=30)
        async with bettors(running.url, count=3, seed=seed, pause_s=0.05) as answers:
            scene = Scene(running, told, answers)
            try:
                await until(lambda: len(scene.led()) >= 2, within=READY_S, what=lambda: f"not ready: {_states(told)}")
                await until(lambda: bool(answers.final), within=READY_S, what="no bet was decided before the fault")
                yield scene
            finally:
                await clear(running)


def _states(told: Timeline) -> list[str]:
    return [
        f"{market} {document['status']} {document['meta'].get('provider')} {[h['reason'] for h in document['holds']]}"
        for market, document in told.markets.items()
    ]


def _over(told: Timeline, market: str) -> bool:
    """Whether the match has ended meanwhile: nothing more is to be expected of its market."""
    return market not in told.markets or told.markets[market]["status"] in {"Closed", "Settled", "Cancelled"}


async def _judge(scene: Scene, before: Audit, unseen_s: float, blind: tuple[int, int] = (0, 0)) -> list[Any]:
    """All decisions are as bettors were told, and no price was accepted that nobody offered. Returns the accepted bets.

    Bets of the wall-clock interval `blind` are left out: there the protocol itself cannot show that something is missing.
    """
    after = await audit(scene.engine)
    after.check(scene.answers)
    known = {record.request.key for record in before.bets}
    accepted = [one for one in after.bets if one.decision == "Accepted" and one.request.key not in known]
    judged = [one for one in accepted if not blind[0] <= one.at <= blind[1]]
    told = await truth(scene.engine)
    await check_against_truth(scene.engine, told, judged, int(unseen_s * 1e6))
    return accepted


async def _held(scene: Scene, market: str, at: float, reasons: frozenset[str], within: float) -> float:
    """Wait for a hold with one of these reasons; returns its moment."""

    def first() -> Moment | None:
        return next((one for one in scene.told.since(at, market) if one.reasons & reasons), None)

    await until(
        lambda: first() is not None or _over(scene.told, market),
        within=within,
        what=lambda: f"{market} is not held by {set(reasons)}: {list(scene.told.since(at, market))[-5:]}",
    )
    found = first()
    return found.at if found is not None else at


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.kind)
async def test_a_faulty_provider_is_held_within_its_bound_and_replaced_until_it_is_well(
    quickstart: Engine, fault: Fault
) -> None:
    before = await audit(quickstart)
    async with drill(quickstart, seed=100 + FAULTS.index(fault)) as scene:
        told = scene.told
        watched = scene.led()
        at = told.moments[-1].at
        await inject(quickstart, fault.kind, FIRST, **fault.more)
        held = [await _held(scene, market, at, fault.reasons, fault.within_s + NOISE_S) for market in watched]
        await until(
            lambda: all(_over(told, one) or told.markets[one]["meta"]["provider"] == SECOND for one in watched),
            within=SWITCH_S + NOISE_S,
            what=lambda: f"{SECOND} did not take over: {_states(told)}",
        )
        await until(
            # Others open on the second meanwhile: matches that begin.
            lambda: not {*watched}.isdisjoint(told.open_on(SECOND, "MatchWinner")) and not scene.led(),
            within=COOL_S + SWITCH_S + NOISE_S + 10,
            what=lambda: f"nothing reopened on {SECOND}: {_states(told)}",
        )
        ends = told.moments[-1].at
        still = [one for one in told.since(max(held)) if one.provider == FIRST and one.status == "Open"]
        assert not [one for one in still if one.market in watched and one.at <= ends]
        if fault.cools:
            _reopened_by_the_rules(told, watched, at, fault.reasons)
        await clear(quickstart)
        await until(
            lambda: all(_over(told, one) or told.markets[one]["meta"]["provider"] == FIRST for one in watched),
            within=fault.lasts_s + _seconds(FAIL_BACK) + 2 * NOISE_S + 10,
            what=lambda: f"{FIRST} does not serve again: {_states(told)}",
        )
        await until(
            lambda: bool(scene.led()),
            within=COOL_S + NOISE_S + 10,
            what=lambda: f"nothing reopened on {FIRST}: {_states(told)}",
        )
        back = [one.at for one in told.since(ends) if one.provider == FIRST and one.market in watched]
        assert all(one - ends >= _seconds(FAIL_BACK) - 0.5 for one in back), "it was not fit for long enough"
    assert await _judge(scene, before, fault.unseen_s)


def _seconds(duration: str) -> float:
    return float(duration.removesuffix("s"))


def _reopened_by_the_rules(told: Timeline, watched: list[str], at: float, reasons: frozenset[str]) -> None:
    """Between a hold by a trigger and the next opening stands a whole cool-down."""
    checked = 0
    for market in watched:
        moments = list(told.since(at, market))
        opened = next((i for i, one in enumerate(moments) if one.status == "Open" and one.provider == SECOND), None)
        if opened is None:
            continue
        fired = [i for i, one in enumerate(moments[:opened]) if one.reasons & reasons]
        assert any("CoolDown" in one.reasons for one in moments[:opened]), f"{market} reopened at once: {moments}"
        assert moments[opened].pub - moments[fired[-1] + 1].pub >= COOL_S * 1e6 - CLOCKS_US, moments[
            fired[-1] : opened + 1
        ]
        checked += 1
    assert checked


async def test_a_corrupt_line_is_quarantined_held_and_healed_by_a_fresh_image(quickstart: Engine) -> None:
    before = await audit(quickstart)
    async with drill(quickstart, seed=200) as scene:
        feed = await _feed(quickstart)
        quarantined, gaps = feed["frames"]["quarantined"], feed["health"]["gaps"]
        told, at = scene.told, scene.told.moments[-1].at
        await inject(quickstart, "Corrupt", FIRST, count=1)
        await until(
            lambda: any(one.reasons & OURS and one.provider == FIRST for one in told.since(at)),
            within=HEARTBEAT_S + MAX_AGE_S + NOISE_S,
            what="no market of the provider was held",
        )
        await _serves_again(told, told.moments[-1].at)
        feed = await _feed(quickstart)
        assert (feed["frames"]["quarantined"], feed["health"]["gaps"]) == (quarantined + 1, gaps + 1)
    assert await _judge(scene, before, MAX_AGE_S + MAX_DELAY_S)


async def test_a_gap_is_held_when_it_shows_and_healed_by_a_fresh_image(quickstart: Engine) -> None:
    """The protocol numbers nothing: lost changes show in what they leave behind (a crossed book), once others follow. Until then
    nobody can know."""
    before = await audit(quickstart)
    async with drill(quickstart, seed=201) as scene:
        told = scene.told
        gaps = (await _feed(quickstart))["health"]["gaps"]
        at, began = told.moments[-1].at, time.time_ns() // 1000
        await inject(quickstart, "Gap", FIRST, **{"for": LOST})
        await until(
            lambda: any(one.reasons & {"Recovering"} and one.provider == FIRST for one in told.since(at)),
            within=_seconds(LOST) + SHOWS_S + NOISE_S,
            what=lambda: f"the gap was never found: {_states(told)}",
        )
        found, held_at = time.time_ns() // 1000, told.moments[-1].at
        await _serves_again(told, held_at)
        assert (await _feed(quickstart))["health"]["gaps"] > gaps
        asked = len(scene.answers.asked)
        await until(lambda: len(scene.answers.asked) > asked + 5, within=60, what="bettors see no open market after it")
    assert await _judge(scene, before, MAX_AGE_S + MAX_DELAY_S, blind=(began, found + round(MAX_AGE_S * 1e6)))


async def _serves_again(told: Timeline, held_at: float) -> None:
    """Wait until a market is open again on the first provider, after a hold."""
    await until(
        lambda: any(one.status == "Open" and one.provider == FIRST for one in told.since(held_at)),
        within=COOL_S + NOISE_S + 20,
        what=lambda: f"not healed: {_states(told)}",
    )


HARMLESS = [("Segmented", {}), ("Duplicate", {}), ("ClockSkew", {"by": "5s"})]


@pytest.mark.parametrize(("kind", "more"), HARMLESS, ids=["Segmented", "Duplicate", "ClockAhead"])
async def test_what_says_the_same_in_another_way_changes_nothing(
    quickstart: Engine, kind: str, more: dict[str, Any]
) -> None:
    before = await audit(quickstart)
    async with drill(quickstart, seed=300 + [one for one, _ in HARMLESS].index(kind)) as scene:
        health = (await _feed(quickstart))["health"]
        watched, asked = scene.led(), len(scene.answers.asked)
        at = scene.told.moments[-1].at
        await inject(quickstart, kind, FIRST, **more)
        await _touched(quickstart, 30)
        await until(lambda: len(scene.answers.asked) > asked + 5, within=60, what="bettors see no open market any more")
        moved = [one for one in scene.told.since(at) if one.market in watched]
        assert {one.provider for one in moved} <= {FIRST}
        assert not [one for one in moved if one.reasons & (OURS - {"StalePrice"})]
        after = (await _feed(quickstart))["health"]
        assert (after["gaps"], after["disconnects"]) == (health["gaps"], health["disconnects"])
    assert await _judge(scene, before, MAX_AGE_S + MAX_DELAY_S)


@pytest.mark.parametrize(
    ("kind", "reasons"),
    [("Disconnect", {"ProviderDisconnect"}), ("Status503", {"StalePrice"})],
    ids=str,
)
async def test_where_both_providers_fail_everything_is_suspended_until_one_is_well(
    quickstart: Engine, kind: str, reasons: set[str]
) -> None:
    before = await audit(quickstart)
    async with drill(quickstart, seed=400 + len(kind)) as scene:
        told = scene.told
        watched = [market for market, document in told.markets.items() if document["status"] == "Open"]
        at = told.moments[-1].at
        await inject(quickstart, kind)
        for market in watched:
            await _held(scene, market, at, frozenset(reasons), MAX_AGE_S + NOISE_S)
        shut_at, shut = told.moments[-1].at, time.time_ns() // 1000
        asked = len(scene.answers.asked)
        end = shut_at + SWITCH_S + COOL_S
        await until(lambda: told.moments[-1].at >= end or _clock() >= end, within=30, what="a switch and a cool-down")
        assert not [one for one in told.since(shut_at) if one.status == "Open"]
        assert len(scene.answers.asked) - asked <= 3, "bettors still see open markets"
        healed = time.time_ns() // 1000
        await clear(quickstart)
        await until(
            lambda: bool(scene.led()), within=COOL_S + 2 * NOISE_S + 20, what=lambda: f"shut for ever: {_states(told)}"
        )
        asked = len(scene.answers.asked)
        await until(lambda: len(scene.answers.asked) > asked + 5, within=60, what="bettors see no open market after it")
    accepted = await _judge(scene, before, MAX_AGE_S + MAX_DELAY_S)
    assert not [one for one in accepted if shut <= one.at < healed]


def _clock() -> float:
    return time.monotonic()


async def _feed(running: Engine) -> dict[str, Any]:
    """The first provider's status as of now: they are written each second, so the next one is waited for."""
    asked, end = time.time_ns() // 1000, time.monotonic() + 10
    while True:
        feeds = (await running.statuses())["providers"]
        found: dict[str, Any] = next(one for one in feeds if one["name"] == FIRST)
        if found["at"] >= asked:
            return found
        assert time.monotonic() < end, f"no status for 10 s: {found}"
        await asyncio.sleep(0.05)


async def _touched(running: Engine, least: int) -> None:
    """Wait until the faults in force have touched so many messages."""
    end = time.monotonic() + 60
    while (found := await hits(running)) < least:
        assert time.monotonic() < end, f"only {found} messages were touched"
        await asyncio.sleep(0.05)
