"""`touchline up examples/quickstart` with everything real: prices, bets, halts, edits, and a `kill -9` of every process."""

import json
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from support.cli_examples import examples
from support.engine import REPOSITORY, Engine, alive
from support.recorder_process import Logged
from support.waiting import until_found, wait_until
from touchline.domain.version import Version
from touchline.local.client import TouchlineClient
from touchline.local.replica import Replica

pytestmark = pytest.mark.servers

HEALS_S = 45.0
"""Bound of the tests, not of the product: the machine may be busy with other tests."""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the quickstart that may be edited."""
    folder = tmp_path_factory.mktemp("quickstart")
    shutil.copytree(REPOSITORY / "examples" / "quickstart", folder, dirs_exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def engine(files: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with Engine([files], tmp_path_factory.mktemp("up")) as engine:
        yield engine.ready()


@pytest.fixture
async def client(engine: Engine) -> AsyncIterator[TouchlineClient]:
    """A strict client: any breach of the version rules fails the test."""
    async with TouchlineClient(engine.record.gateway, customer="test-customer") as client:
        await client.subscribe("*", within=HEALS_S)
        yield client


def open_market(replica: Replica) -> str:
    """An open market whose first selection has a price; empty where there is none at the moment."""
    for view in replica.markets.values():
        if view.status == "Open" and view.meta["class"] == "football-winner-prematch" and all(view.sel.values()):
            return view.id
    return ""


def suspended(replica: Replica, reason: str, kind: str) -> bool:
    """Whether all markets of a type that can be are shut for a reason."""
    found = [
        view for view in replica.markets.values() if f":{kind}" in view.id and view.status in {"Open", "Suspended"}
    ]
    return bool(found) and all(reason in {hold["reason"] for hold in view.holds} for view in found)


def some_open(replica: Replica, kind: str) -> bool:
    return any(f":{kind}" in view.id and view.status == "Open" for view in replica.markets.values())


async def moved_on(client: TouchlineClient, *, within: float = HEALS_S) -> None:
    """Wait until a price of an open market has moved from now on."""
    before = {market: view.version for market, view in client.replica.markets.items()}

    def moved(replica: Replica) -> bool:
        return any(
            view.status == "Open" and view.version > before.get(view.id, Version(0, 0))
            for view in replica.markets.values()
        )

    await client.wait_for(moved, within=within)


async def test_prices_move_and_the_page_is_there(engine: Engine, client: TouchlineClient) -> None:
    await client.wait_for(lambda replica: len(replica.markets) >= 8, within=HEALS_S)
    await moved_on(client)
    async with httpx.AsyncClient(base_url=engine.record.gateway, trust_env=False) as http:
        assert "text/html" in (await http.get("/")).headers["content-type"]
        assert (await http.get("/v1/events")).json()["events"]


async def test_a_bet_from_the_command_line_is_accepted_and_its_key_answers_the_same(
    engine: Engine, client: TouchlineClient
) -> None:
    await client.wait_for(lambda replica: open_market(replica) != "", within=120)
    market = open_market(client.replica)
    words = ("bet", market, "home", "5.00", "--key", "quickstart-key-1", "--wait", "--json")
    first = json.loads(engine.command(*words).stdout)
    again = json.loads(engine.command(*words).stdout)
    assert first["decision"] in {"Accepted", "Rejected", "Repriced"}
    assert again == first
    assert first["durability"] == "Fsync"


async def test_prices_and_decisions_are_in_the_log_and_how_long_is_declared(
    engine: Engine, client: TouchlineClient, files: Path
) -> None:
    await client.wait_for(lambda replica: open_market(replica) != "", within=120)
    words = ("bet", open_market(client.replica), "home", "5.00", "--key", "key-in-the-log", "--json")
    assert "decision" in json.loads(engine.command(*words).stdout)
    nc = await engine.admin()
    log = Logged(nc)

    async def holds_the_decision() -> bool:
        await log.read()
        return any(b"key-in-the-log" in entry.data for entry in log.entries if entry.stream.startswith("BETS_"))

    async def kept(seconds: int) -> bool:
        return (await nc.jetstream().stream_info("AUDIT")).config.max_age == seconds

    await until_found(holds_the_decision, within=HEALS_S)
    assert any(entry.subject.startswith("book.") for entry in log.entries)
    assert [each for each in log.breaks if each.stream.startswith("BETS_")] == []
    assert "prices and decisions" in engine.command("status").stdout

    declared = files / "engine.yaml"
    text = declared.read_text()
    at = len(engine.output)
    declared.write_text(text.rstrip() + "\n  recorder: {retention: 48h}\n")
    engine.says("applied OddsEngine.main", after=at)
    await until_found(lambda: kept(48 * 3600), within=HEALS_S)
    declared.write_text(text)
    await until_found(lambda: kept(2160 * 3600), within=HEALS_S)
    await nc.close()


async def test_a_halt_shuts_the_market_says_who_and_stands_until_it_is_resumed(
    engine: Engine, client: TouchlineClient
) -> None:
    await client.wait_for(lambda replica: some_open(replica, "MatchWinner"), within=HEALS_S)
    done = engine.command("halt", "all", "--note", "fire alarm")
    assert (done.returncode, done.stdout) == (0, "halted everything\n")
    await client.wait_for(lambda replica: suspended(replica, "Manual", "MatchWinner"), within=HEALS_S)
    market = next(view.id for view in client.replica.markets.values() if view.status == "Suspended")
    assert "fire alarm" in engine.command("explain", market).stdout
    assert "halted: everything" in engine.command("status").stdout
    assert engine.command("resume", "all").stdout == "resumed everything\n"
    await client.wait_for(lambda replica: some_open(replica, "MatchWinner"), within=HEALS_S)


async def test_the_examples_of_the_help_work_on_a_running_engine(engine: Engine, client: TouchlineClient) -> None:
    await client.wait_for(lambda replica: some_open(replica, "MatchWinner"), within=HEALS_S)
    market = next(view.id for view in client.replica.markets.values() if view.status == "Open" and "Winner" in view.id)
    event = market.partition(":")[0]
    ran = 0
    for name in ("watch", "explain", "halt", "resume", "status", "version"):
        for words in examples(name):
            real = [word.replace("e7f3a1:MatchWinner", market).replace("e7f3a1", event) for word in words]
            more = ["--count", "3"] if name == "watch" and "--count" not in real else []
            result = engine.command(*real, *more)
            assert result.returncode == 0, (real, result.stdout, result.stderr)
            ran += 1
    for what in (("event", event), ("provider", "betfair"), ("all",)):
        engine.command("resume", *what)
    assert ran >= 12


async def test_an_edit_is_live_without_a_restart_and_an_invalid_one_changes_nothing(
    engine: Engine, client: TouchlineClient, files: Path
) -> None:
    markets = files / "markets.yaml"
    text = markets.read_text()
    pids = engine.record.processes
    await client.wait_for(lambda replica: some_open(replica, "TotalGoals"), within=HEALS_S)

    at = len(engine.output)
    total_goals = text.index("name: football-total-goals")
    halted = text[:total_goals] + text[total_goals:].replace("spec:\n", "spec:\n  suspended: true\n", 1)
    markets.write_text(halted)
    engine.says("applied Market.football-total-goals", after=at)
    await client.wait_for(lambda replica: suspended(replica, "Manual", "TotalGoals"), within=HEALS_S)

    at = len(engine.output)
    markets.write_text(halted.replace("phase: PreMatch", "phase: Prematch", 1))
    engine.says(f"{markets}:", after=at)
    engine.says("nothing was changed", after=at)
    assert "markets.yaml:9:" in engine.output[at:].replace("\n", "")
    assert suspended(client.replica, "Manual", "TotalGoals")

    at = len(engine.output)
    markets.write_text(text)
    engine.says("applied Market.football-total-goals", after=at)
    await client.wait_for(lambda replica: some_open(replica, "TotalGoals"), within=HEALS_S)
    assert engine.record.processes == pids


async def test_an_added_provider_starts_and_a_removed_one_stops(engine: Engine, files: Path) -> None:
    third = files / "third.yaml"
    providers = (files / "providers.yaml").read_text()
    at = len(engine.output)
    third.write_text(providers[providers.rindex("---\n") :].replace("betfair-b", "betfair-c").replace("demo", "third"))
    engine.says("applied FeedProvider.betfair-c", after=at)
    wait_until(lambda: {"ingest-betfair-c", "sim-third"} <= set(engine.record.processes), within=HEALS_S)
    engine.says("streaming", after=engine.output.rindex("applied FeedProvider.betfair-c"), within=HEALS_S)
    pid = engine.record.processes["ingest-betfair-c"]

    third.unlink()
    engine.says("removed FeedProvider.betfair-c", after=at)
    wait_until(lambda: "ingest-betfair-c" not in engine.record.processes, within=HEALS_S)
    wait_until(lambda: not Path(f"/proc/{pid}").exists(), within=HEALS_S)
    assert "sim-third" not in engine.record.processes


@pytest.mark.parametrize(
    "name", ["valkey", "ingest-betfair-a", "sim-demo", "book-1", "book-2", "gateway-1", "recorder", "nats"]
)
async def test_a_killed_process_is_back_and_prices_move_on(engine: Engine, client: TouchlineClient, name: str) -> None:
    await moved_on(client)
    killed = engine.kill(name)
    wait_until(lambda: engine.record.processes.get(name, killed) != killed, within=HEALS_S)
    await moved_on(client)
    wait_until(lambda: engine.command("status").returncode == 0, within=HEALS_S)
    wait_until(lambda: "prices and decisions" in engine.command("status").stdout, within=HEALS_S)
    assert not alive(killed)


def test_a_second_engine_on_the_same_state_directory_is_refused(engine: Engine) -> None:
    result = engine.command("up", "examples/quickstart", "--port", "0", "--state-dir", str(engine.state))
    assert result.returncode == 1
    assert f"(process {engine.process.pid})" in result.stderr
    assert "--state-dir" in result.stderr


def test_a_port_in_use_is_told_with_who_has_it(engine: Engine, tmp_path: Path) -> None:
    port = engine.record.gateway.rpartition(":")[2]
    result = engine.command("up", "examples/quickstart", "--port", port, "--state-dir", str(tmp_path / "other"))
    assert result.returncode == 1
    assert f"port {port} on 127.0.0.1 is in use" in result.stderr
    assert f"process {engine.record.processes['gateway-1']}" in result.stderr
    assert "--port" in result.stderr


def test_secrets_and_credentials_are_for_their_owner_only(engine: Engine) -> None:
    for path in (
        engine.state / "run.json",
        engine.state / "nats" / "nats.conf",
        *(engine.state / "secrets").rglob("*"),
    ):
        if path.name != "ca.crt" and path.is_file():
            assert path.stat().st_mode & 0o077 == 0, path
    assert (engine.state / "secrets").stat().st_mode & 0o077 == 0
    for pid in engine.record.processes.values():
        words = Path(f"/proc/{pid}/cmdline").read_bytes()
        assert engine.record.password.encode() not in words
    assert os.getpgid(engine.record.processes["book-1"]) != os.getpgid(engine.process.pid)


def test_ctrl_c_leaves_no_process_and_no_lock(engine: Engine) -> None:
    """The last test of the file: it ends the engine."""
    pids = {*engine.record.processes.values(), *engine.seen}
    engine.interrupt()
    assert engine.ended(within=30) == 0
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]
    assert not (engine.state / "lock").exists()
    assert not (engine.state / "run.json").exists()
    assert engine.output.rstrip().endswith("stopped")
