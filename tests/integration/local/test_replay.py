"""`touchline replay` on hand-made recordings: counts that add up, final states, damage that is survived and told."""

import bz2
import gzip
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.betfair_messages import change, definition, heartbeat, mcm, runner
from support.engine import START_S
from support.waiting import wait_until

pytestmark = pytest.mark.servers

MARKET = "1.100"
LINES = [
    mcm(
        change(
            MARKET,
            runner(1, atb=[[2.0, 10]], atl=[[2.1, 10]]),
            runner(2, atb=[[1.9, 5]], atl=[[2.0, 5]]),
            definition=definition(1, 2),
            img=True,
        ),
        pt=1_000_000,
        ct="SUB_IMAGE",
    ),
    heartbeat(pt=1_000_500),
    b"{ this is no message",
    mcm(change(MARKET, runner(1, atb=[[2.02, 7]])), pt=1_001_000),
    mcm(change(MARKET, definition=definition(1, 2, status="SUSPENDED", version=2)), pt=1_002_000),
    mcm(change(MARKET, definition=definition(1, 2, status="OPEN", in_play=True, version=3)), pt=1_003_000),
    mcm(change(MARKET, runner(2, atb=[[1.95, 3]])), pt=1_004_000),
]


def replay(file: Path, *options: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "touchline.local", "replay", str(file), *options]
    return subprocess.run(words, capture_output=True, text=True, timeout=START_S * 2, check=False, cwd=file.parent)


def left_behind(word: str) -> list[str]:
    """Command lines of processes that mention a word."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            text = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue  # it has just ended
        if word in text:
            found.append(text)
    return found


def test_every_message_is_accounted_for_and_the_last_state_is_the_recordings(tmp_path: Path) -> None:
    file = tmp_path / "recorded.bz2"
    file.write_bytes(bz2.compress(b"\n".join(LINES)))
    result = replay(file, "--json", "--state-dir", str(tmp_path / "state"))
    assert result.returncode == 0, result.stderr
    played: dict[str, Any] = json.loads(result.stdout)
    frames = played["frames"]
    assert frames["captured"] == len(LINES)
    assert frames["captured"] == frames["accepted"] + frames["quarantined"] + frames["ignored"]
    assert frames["quarantined_by_rule"] == {"MalformedMessage": 1}
    (market,) = played["markets"].values()
    assert market["status"] == "Open"
    assert market["phase"] == "InPlay"
    assert market["sel"] == {"home": "2.02", "away": "1.95"}
    assert left_behind(str(tmp_path / "state")) == []


def test_the_summary_is_readable_and_the_engine_stays_with_keep_until_ctrl_c(tmp_path: Path) -> None:
    file, state = tmp_path / "recorded", tmp_path / "state"
    file.write_bytes(b"\n".join(LINES))
    words = ["replay", str(file), "--keep", "--state-dir", str(state)]
    argv = [sys.executable, "-m", "touchline.local", *words]
    with (
        (tmp_path / "err").open("wb") as errors,
        subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
    ):
        wait_until(lambda: "still serving" in (tmp_path / "err").read_text(), within=START_S)
        url = json.loads((state / "run.json").read_text())["gateway"]
        assert httpx.get(f"{url}/v1/events", trust_env=False).json()["events"]
        os.kill(process.pid, signal.SIGINT)
        output, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert f"messages {len(LINES)} in" in " ".join(output.split())
    assert "quarantined 1 MalformedMessage 1" in " ".join(output.split())
    assert "Open 1" in output
    assert left_behind(str(state)) == []
    assert not (state / "lock").exists()


def test_a_file_that_breaks_off_is_played_up_to_there_and_said_to_be_broken(tmp_path: Path) -> None:
    file = tmp_path / "broken.gz"
    packed = gzip.compress(b"\n".join(LINES * 2000), compresslevel=0)
    file.write_bytes(packed[: len(packed) // 2])
    result = replay(file, "--json")
    assert result.returncode == 1
    assert "the recording broke off: recording" in result.stderr
    assert "broken.gz, after line" in result.stderr
    assert "Traceback" not in result.stderr
    played = json.loads(result.stdout)
    assert 1000 < played["frames"]["captured"] < len(LINES) * 2000
    assert len(played["markets"]) == 1


def settled(market: str, kind: str, name: str, winner: int, event: str = "29") -> list[bytes]:
    """A tennis market from its image to its result."""
    what = {"marketType": kind, "name": name, "eventTypeId": "2", "eventName": "A Berg v C Dahl", "event": event}
    runners = [
        {"status": "ACTIVE", "sortPriority": at, "id": at, "name": who} for at, who in ((1, "A Berg"), (2, "C Dahl"))
    ]
    result = [{**one, "status": "WINNER" if one["id"] == winner else "LOSER"} for one in runners]
    first = definition(1, 2, runners=runners, **what)
    last = definition(1, 2, runners=result, status="CLOSED", version=2, **what)
    prices = (runner(1, atb=[[2.0, 10]], atl=[[2.1, 10]]), runner(2, atb=[[1.9, 5]], atl=[[2.0, 5]]))
    return [
        mcm(change(market, *prices, definition=first, img=True), pt=1_000_000),
        mcm(change(market, definition=last), pt=1_002_000),
    ]


def test_sets_of_one_type_are_told_apart_by_the_markets_name_and_settled(tmp_path: Path) -> None:
    markets = [
        ("1.1", "MATCH_ODDS", "Match Odds", 1),
        ("1.2", "SET_WINNER", "Set 1 Winner", 2),
        ("1.3", "SET_WINNER", "Set 2 Winner", 1),
        (
            "1.4",
            "SET_WINNER",
            "Tie Break Winner",
            1,
        ),  # of a kind that no map knows: kept under the provider's own words
    ]
    played_lines = [settled(*market) for market in markets]
    file = tmp_path / "sets"
    file.write_bytes(b"\n".join([first for first, _ in played_lines] + [last for _, last in played_lines]))
    result = replay(file, "--json", "--state-dir", str(tmp_path / "state"))
    assert result.returncode == 0, result.stderr
    played = json.loads(result.stdout)
    assert played["updates"]["refusals"] == {}
    found = {name.partition(":")[2]: market["status"] for name, market in played["markets"].items()}
    assert found.pop(next(name for name in found if name.startswith("set-winner"))) == "Settled"
    assert found == {"MatchWinner": "Settled", "SetWinner1": "Settled", "SetWinner2": "Settled"}
