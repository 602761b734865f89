"""Two ingest processes of one provider on a real broker: one receives, the other stands by and takes over."""

import signal
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from nats.aio.client import Client

from support.health_port import ANY_PORT, HealthClient
from support.held_line import HeldLine
from support.ingest_process import ingest_process, log_of
from support.ingest_scene import declare_provider, raw_frames
from support.ingest_service import simulator
from support.odds_record import OddsRecord
from support.returning_broker import nats_server
from support.waiting import until, until_found
from touchline.bus.status import read_status
from touchline.domain.incarnation import epoch_of
from touchline.domain.lease import TTL_US
from touchline.local.servers import NatsServer
from touchline.sim.server import Simulator

__all__ = ["nats_server"]

pytestmark = pytest.mark.servers

PROVIDER = "betfair-a"
TTL_S = TTL_US / 1e6
START_S = 30.0


@pytest.fixture
async def served(nats: Client) -> AsyncIterator[Simulator]:
    async with simulator() as served:
        await declare_provider(nats, served.ports[PROVIDER], provider=PROVIDER)
        yield served


class Pair:
    """Two processes by name; `start` waits until each has found its place."""

    def __init__(self, stack: ExitStack, url: str, folder: Path, record: OddsRecord) -> None:
        self._stack = stack
        self._url = url
        self._folder = folder
        self.record = record
        self.processes: dict[str, Any] = {}
        self.health: dict[str, HealthClient] = {}

    async def start(self, name: str, *, url: str = "") -> None:
        folder = self._folder / name
        folder.mkdir(exist_ok=True)
        process = ingest_process(url or self._url, folder, *ANY_PORT, TOUCHLINE_NODE=name)
        self.processes[name] = self._stack.enter_context(process)
        self.health[name] = await HealthClient(lambda: self.log(name)).start()
        await self.health[name].until_ready()

    def log(self, name: str) -> str:
        return log_of(self._folder / name)

    def signal(self, name: str, number: int) -> float:
        """Send it; returns the moment."""
        self.processes[name].send_signal(number)
        return time.monotonic()


@pytest.fixture
async def pair(nats: Client, nats_server: NatsServer, served: Simulator, tmp_path: Path) -> AsyncIterator[Pair]:
    """`one` receives, `two` stands by."""
    record = await OddsRecord(PROVIDER).start(nats)
    with ExitStack() as stack:
        made = Pair(stack, nats_server.url, tmp_path, record)
        await made.start("one")
        await until(lambda: bool(record.connected), within=START_S, what=lambda: made.log("one"))
        await made.start("two")
        try:
            yield made
        except BaseException:
            for name in made.processes:
                print(f"--- {name}\n{made.log(name)}")
            raise
        finally:
            for process in made.processes.values():
                if process.poll() is None:
                    process.send_signal(signal.SIGCONT)


async def document(nc: Client, key: str = f"ingest.{PROVIDER}") -> dict[str, Any]:
    return (await read_status(nc)).get(key, {})


async def told_by(nc: Client, node: str, what: str, *, key: str = f"ingest.{PROVIDER}") -> dict[str, Any]:
    """The status under a key once it is this node's and says this, as its state or its detail."""

    async def told() -> bool:
        found = await document(nc, key)
        return found.get("node") == node and what in {found["state"], found["detail"]}

    await until_found(told, within=START_S)
    return await document(nc, key)


def none_of_the_old_was_taken_after_the_new(record: OddsRecord) -> bool:
    epochs = [epoch_of(one.inc) for one in record.heard if one.taken]
    return epochs == sorted(epochs)


async def test_one_receives_and_the_other_is_silent_and_ready(nats: Client, served: Simulator, pair: Pair) -> None:
    await until(lambda: f"standing by: one receives {PROVIDER}" in pair.log("two"))
    status = await told_by(nats, "two", f"standing by: one receives {PROVIDER}", key=f"standby.{PROVIDER}")
    assert (status["connected"], status["problems"]) == (False, [])
    assert status["endpoint"].startswith("127.0.0.1:"), "what is declared is read"
    heard = len(pair.record.heard)
    await until(lambda: len(pair.record.heard) > heard + 30)
    assert {epoch_of(one.inc) for one in pair.record.heard} == {1}
    assert len(served.providers[PROVIDER].connections) == 1
    assert (await document(nats))["node"] == "one"
    for name, active in (("one", 1), ("two", 0)):
        figures = await pair.health[name].figures()
        told = [figures[f"touchline_ingest_{word}"] for word in ("ready", "active", "connected")]
        assert told == [1, active, active]


async def test_when_the_active_one_is_killed_the_other_receives_within_the_lease(nats: Client, pair: Pair) -> None:
    first = pair.record.connected
    at = pair.signal("one", signal.SIGKILL)
    await until(lambda: pair.record.connected not in {"", first} and pair.record.in_sync, within=10)
    assert pair.record.connected_since(pair.record.connected) - at < TTL_S + 1.5
    assert epoch_of(pair.record.connected) == epoch_of(first) + 1
    assert none_of_the_old_was_taken_after_the_new(pair.record)
    await told_by(nats, "two", "Connected")


async def test_an_active_one_that_is_asked_to_stop_hands_over_within_a_second(nats: Client, pair: Pair) -> None:
    first = pair.record.connected
    at = pair.signal("one", signal.SIGTERM)
    await until(lambda: pair.record.connected not in {"", first} and pair.record.in_sync, within=10)
    took = pair.record.connected_since(pair.record.connected) - at
    print(f"handed over within {took * 1000:.0f} ms")
    assert took < 1
    await until(lambda: pair.processes["one"].poll() is not None, within=15)
    assert pair.processes["one"].returncode == 0
    assert none_of_the_old_was_taken_after_the_new(pair.record)
    status = await told_by(nats, "two", "Connected")
    assert status["inc"] == pair.record.connected


async def test_one_that_stood_still_says_nothing_more_stands_by_and_can_take_over_again(
    nats: Client, served: Simulator, pair: Pair
) -> None:
    record, first = pair.record, pair.record.connected
    stopped = pair.signal("one", signal.SIGSTOP)
    await until(lambda: record.connected not in {"", first} and record.in_sync, within=10)
    second = record.connected
    await until(lambda: time.monotonic() - stopped > 5)
    woken = pair.signal("one", signal.SIGCONT)
    await until(lambda: "standing by: two receives" in pair.log("one"), within=5)
    await told_by(nats, "one", "Waiting", key=f"standby.{PROVIDER}")
    await until(lambda: len(served.providers[PROVIDER].connections) == 1)
    assert none_of_the_old_was_taken_after_the_new(record)
    # What it had handed to its connection when it was stopped may still arrive. All that the provider has sent meanwhile is read on
    # waking, fifty messages and more: nothing of it is published.
    late = [one for one in record.heard if one.inc == first and one.at > woken]
    assert not any(one.taken for one in late)
    assert len(late) < 10, late
    assert (await document(nats))["node"] == "two"

    at = pair.signal("two", signal.SIGKILL)
    await until(lambda: record.connected not in {"", first, second} and record.in_sync, within=10)
    assert record.connected_since(record.connected) - at < TTL_S + 1.5
    assert [epoch_of(inc) for inc in record.incs] == [1, 2, 3]


async def test_a_broker_that_was_away_gives_the_turn_back_to_the_one_that_had_it_and_no_frame_is_lost(
    nats: Client, nats_server: NatsServer, served: Simulator, pair: Pair
) -> None:
    record, first = pair.record, pair.record.connected
    accepted = served.providers[PROVIDER].accepted
    nats_server.kill()
    await until(lambda: "no longer this process's turn" in pair.log("one"), within=10)
    # The lease has 0.3 s left for whoever waits: on a slow machine the broker takes longer to start, and either may be the first.
    pair.signal("two", signal.SIGSTOP)
    nats_server.start()
    await until(lambda: record.connected not in {"", first} and record.in_sync, within=20)
    pair.signal("two", signal.SIGCONT)
    assert record.connected.partition("-")[2] == first.partition("-")[2], "the same process, in another term"
    assert epoch_of(record.connected) == epoch_of(first) + 1
    assert none_of_the_old_was_taken_after_the_new(record)
    assert served.providers[PROVIDER].accepted == accepted, "its connection to the provider went on"
    pair.signal("one", signal.SIGTERM)
    await until(lambda: pair.processes["one"].poll() is not None, within=15)
    await told_by(nats, "two", "Connected")
    frames = [one for one in await raw_frames(nats, PROVIDER) if one.connection.startswith(first.partition("-")[2])]
    assert sorted(one.sequence for one in frames) == list(range(1, len(frames) + 1))


async def test_one_that_the_broker_cannot_hear_is_replaced_and_what_it_said_meanwhile_is_not_taken(
    nats: Client, nats_server: NatsServer, served: Simulator, pair: Pair
) -> None:
    """Its words are kept on their way and arrive after its successor's, as from a partition that heals."""
    record = pair.record
    async with HeldLine(nats_server.port) as line:
        await pair.start("three", url=f"nats://127.0.0.1:{line.port}")
        for name in ("two", "one"):  # so that it is the turn of the one on the line
            pair.signal(name, signal.SIGTERM)
            await until(lambda name=name: pair.processes[name].poll() is not None, within=15)  # type: ignore[misc]
        await until(lambda: epoch_of(record.connected) == 2 and record.in_sync, within=10)
        third = record.connected
        await pair.start("four")
        held = time.monotonic()
        line.hold()
        await until(lambda: record.connected not in {"", third} and record.in_sync, within=10)
        assert record.connected_since(record.connected) - held < TTL_S + 1.5
        heard = len(record.heard)
        # A reader that joins now has never heard of the one on the line.
        joined = await OddsRecord(PROVIDER).start(nats)
        await until(lambda: bool(joined.connected))
        line.let_go()
        await until(lambda: any(one.inc == third for one in record.heard[heard:]), what=lambda: pair.log("three"))
        await until(lambda: "standing by: four receives" in pair.log("three"), within=10)
        await until(lambda: len(served.providers[PROVIDER].connections) == 1)
        late = [one for one in record.heard[heard:] if one.inc == third]
        assert not any(one.taken for one in late)
        assert none_of_the_old_was_taken_after_the_new(record)
        assert {one.inc for one in joined.heard if one.taken} == {record.connected}
        assert third in {one.inc for one in joined.heard}
        batches = len(record.heard)
        await until(lambda: len(record.heard) > batches + 20)
        assert {epoch_of(one.inc) for one in record.heard[batches:]} == {3}


async def test_a_lease_that_is_taken_from_its_holder_ends_its_turn(nats: Client, served: Simulator, pair: Pair) -> None:
    """Nobody may do so; a person at the broker can."""
    record, first = pair.record, pair.record.connected
    await (await nats.jetstream().key_value("lease")).put(
        f"ingest.{PROVIDER}", b'{"holder": "somebody", "epoch": 7, "ttl_us": 2000000}'
    )
    await until(lambda: "standing by: somebody receives" in pair.log("one"), within=10)
    await until(lambda: not served.providers[PROVIDER].connections)
    # Nobody renews it, so one of the two takes it, in a term that nobody has seen.
    await until(lambda: record.connected not in {"", first} and record.in_sync, within=10)
    assert epoch_of(record.connected) == 8
    assert none_of_the_old_was_taken_after_the_new(record)


async def test_a_standby_that_is_asked_to_stop_disturbs_nobody(nats: Client, pair: Pair) -> None:
    first = pair.record.connected
    pair.signal("two", signal.SIGTERM)
    await until(lambda: pair.processes["two"].poll() is not None, within=15)
    assert pair.processes["two"].returncode == 0
    heard = len(pair.record.heard)
    await until(lambda: len(pair.record.heard) > heard + 20)
    assert pair.record.connected == first
    assert (await document(nats))["node"] == "one"


async def test_one_alone_has_the_turn_at_once_and_its_status_tells_its_end(
    nats: Client, nats_server: NatsServer, tmp_path: Path
) -> None:
    """Without any FeedProvider declared, too: whoever waits for one is told so by the one that would receive."""
    with ingest_process(nats_server.url, tmp_path, TOUCHLINE_NODE="alone") as child:
        await told_by(nats, "alone", "Waiting")
        child.send_signal(signal.SIGTERM)
        await until(lambda: child.poll() is not None, within=15)
    assert child.returncode == 0
    assert (await told_by(nats, "alone", "stopped"))["state"] == "Waiting"
    assert list(await read_status(nats)) == [f"ingest.{PROVIDER}"]
