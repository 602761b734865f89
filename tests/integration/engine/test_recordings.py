"""Every recording there is goes through the whole engine as fast as it goes, and an independent library judges what comes out.

Nothing is lost on the way (each frame is stored as it stands in the file, and accepted, quarantined or ignored by a declared rule), and
in the end every market has the status and the best prices that betfairlightweight makes of the same file. Generated
recordings that nobody has seen go the same way.
"""

import asyncio
import json
import subprocess
import sys
from collections import deque
from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from pathlib import Path

import pytest
import pytest_asyncio

from support.betfair_truth import final_books
from support.generated_recording import write_recording
from support.lanes import Lanes, Played, Shown, lanes
from support.recorded import apart, frames_of, native_ids, operations, same_frame, voided
from support.recordings import absent, betfair_files
from touchline.ingest.refusals import QuarantineReason

pytestmark = [pytest.mark.servers, pytest.mark.drill, pytest.mark.asyncio(loop_scope="module")]

LANES = ("lane-1", "lane-2")
SEEDS = (1, 2, 3, 4)
MEANS = {"OPEN": "Open", "SUSPENDED": "Suspended", "INACTIVE": "Suspended", "CLOSED": "Settled"}
IGNORED = {"Control", "NotMarketData", "MarketNotDefined"}
"""The rules under which a frame may be ignored (docs of the Replay feed)."""


async def play_all(files: Sequence[Path], folder: Path) -> dict[Path, Played | AssertionError]:
    """Play every file, those that speak of the same market in engines of their own; what failed is kept for its own test."""
    found: dict[Path, Played | AssertionError] = {}
    for number, group in enumerate(apart(files)):
        group.sort(
            key=lambda path: len(native_ids(path))
        )  # what stays in an engine's book burdens all that is played later
        names, queue = LANES[: len(group)], deque(group[len(LANES) :])
        home = folder / f"engine-{number}"
        home.mkdir()
        async with lanes(home, names, group[: len(names)]) as engine:
            firsts = zip(names, group, strict=False)
            await asyncio.gather(*(_drive(engine, lane, first, queue, found) for lane, first in firsts))
    return found


async def _drive(
    engine: Lanes, lane: str, first: Path, queue: deque[Path], found: dict[Path, Played | AssertionError]
) -> None:
    path: Path | None = first
    while path is not None:
        try:
            found[path] = await engine.play(lane, path)
        except AssertionError as error:
            found[path] = error
        path = queue.popleft() if queue else None


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def played(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[dict[Path, Played | AssertionError]]:
    """Those recordings that the selected tests ask for, played."""
    asked = [item.callspec.params.get("recording") for item in request.session.items if hasattr(item, "callspec")]
    files = [path for path in betfair_files() if path in asked]
    yield await play_all(files, tmp_path_factory.mktemp("recordings")) if files else {}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def generated(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[int, Played | AssertionError]]:
    """Generated recordings, one for each seed, played."""
    folder = tmp_path_factory.mktemp("generated")
    files = {seed: write_recording(folder, seed) for seed in SEEDS}
    outcome = await play_all(list(files.values()), folder)
    yield {seed: outcome[path] for seed, path in files.items()}


def name_of(path: Path | None) -> str:
    return f"{path.parent.name}-{path.name}" if path is not None else "none"


@pytest.mark.recordings
@pytest.mark.parametrize("recording", betfair_files() or [None], ids=name_of)
async def test_a_recording_loses_nothing_and_ends_as_an_independent_reader_says(
    played: dict[Path, Played | AssertionError], recording: Path | None
) -> None:
    if recording is None:
        absent()
    judge(played[recording])


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_generated_recording_loses_nothing_and_ends_as_an_independent_reader_says(
    generated: dict[int, Played | AssertionError], seed: int
) -> None:
    outcome = generated[seed]
    judge(outcome)
    assert isinstance(outcome, Played)
    assert outcome.frames["quarantined"] > 0, "the generator writes broken lines, too"
    assert outcome.ignored, "the generator writes lines that are not about markets, too"
    assert len({MEANS[status] for status, _ in final_books(outcome.path).values()}) > 1
    assert any(prices for _, prices in final_books(outcome.path).values())


async def test_the_command_says_what_became_of_a_file_that_nobody_has_tried(tmp_path: Path) -> None:
    path = write_recording(tmp_path, 77)
    words = [sys.executable, "-m", "touchline.local", "replay", str(path), "--speed", "max", "--json"]
    done = await asyncio.to_thread(subprocess.run, words, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    frames = told["frames"]
    assert frames["captured"] == len(frames_of(path))
    assert frames["captured"] == frames["accepted"] + frames["quarantined"] + frames["ignored"]
    expected = sorted(MEANS[status] for status, _ in final_books(path).values())
    assert sorted(market["status"] for market in told["markets"].values()) == expected


def judge(outcome: Played | AssertionError) -> None:
    """Raises AssertionError where something was lost or came out otherwise."""
    if isinstance(outcome, AssertionError):
        raise outcome
    nothing_is_lost(outcome)
    all_markets_are_as_judged(outcome)


def nothing_is_lost(outcome: Played) -> None:
    """Frame by frame: what was stored, and what became of it."""
    lines = frames_of(outcome.path)
    frames = outcome.frames
    assert len(outcome.raw) == len(lines) == frames["captured"]
    for number, (stored, line) in enumerate(zip(outcome.raw, lines, strict=True), 1):
        assert same_frame(stored, line), f"message {number} was stored otherwise: {stored[:300]!r} for {line[:300]!r}"
    assert frames["captured"] == frames["accepted"] + frames["quarantined"] + frames["ignored"]
    assert sum(outcome.ignored.values()) == frames["ignored"]
    assert set(outcome.ignored) <= IGNORED
    refused = [record for record in outcome.quarantined if record.get("rule")]
    assert len(refused) >= frames["quarantined"]
    assert frames["accepted"] <= operations(outcome.path).count("mcm")
    if not lines:
        assert "is empty" in outcome.detail


def all_markets_are_as_judged(outcome: Played) -> None:
    """Every market that betfairlightweight knows, by the gateway's HTTP answer and by its stream."""
    wrong = []
    reliable = outcome.state == "Connected"
    void = voided(outcome.path)
    for native, (status, prices) in final_books(outcome.path).items():
        refusals = {record["reason"] for record in outcome.quarantined if record.get("market") == native}
        if QuarantineReason.DUPLICATE.value in refusals:
            continue  # it asks the same of the same event as another market of the provider, which stands for both
        markets = outcome.shown.get(native, [])
        if not markets:
            wrong.append(f"{native} ({status}) is not shown; quarantine: {refusals}")
        expected = MEANS[status] if reliable or status != "OPEN" else "Suspended"
        expected = "Cancelled" if native in void else expected
        for how in ("document", "streamed"):
            found: dict[str, int] = {}
            for market in markets:
                told = getattr(market, how)
                if told["status"] != expected:
                    wrong.append(
                        f"{native} = {market.id} ({how}): {told['status']}, the recording says {status}; {market.document['holds']}"
                    )
                found |= prices_of(market, told["sel"])
            if found != prices:
                wrong.append(f"{native} ({how}): {difference(found, prices)}")
    assert not wrong, f"{len(wrong)} differences in {outcome.path.name}: {wrong[:10]}"


def prices_of(market: Shown, sel: dict[str, str | None]) -> dict[str, int]:
    """Micro odds by native runner, of those that have a price."""
    shown = {runner: sel.get(selection) for runner, selection in market.runners.items()}
    return {runner: int(Decimal(price) * 1_000_000) for runner, price in shown.items() if price is not None}


def difference(found: dict[str, int], expected: dict[str, int]) -> str:
    runners = sorted({runner for runner in found | expected if found.get(runner) != expected.get(runner)})
    return ", ".join(f"runner {one}: shown {found.get(one)}, judged {expected.get(one)}" for one in runners[:5])
