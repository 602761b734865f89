"""When a gateway writes: the first update at once, what follows closely together, what shuts a market without waiting."""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from support.scripted_leader import ScriptedLeader
from support.waiting import until
from touchline.bus.wire import SnapshotEnd, unpack
from touchline.gateway import turns as turns_module
from touchline.gateway.frames import read_frames
from touchline.gateway.hub import Hub, HubRules
from touchline.gateway.identity import Identity
from touchline.gateway.outputs import Authenticate, PlaceBet
from touchline.gateway.turns import Turns

MARKET = "e0:MatchWinner"


class Recorder:
    """A client that keeps each write, taken apart."""

    def __init__(self) -> None:
        self.writes: list[list[dict[str, Any]]] = []

    def write(self, payload: bytes) -> None:
        self.writes.append(read_frames(payload))

    def shut(self, code: int, reason: str) -> None:
        raise AssertionError(f"closed: {code} {reason}")


class NoErrands:
    """Nothing has to be asked elsewhere in these tests."""

    def ask_snapshot(self, shard: int) -> None:
        pass

    def place_bet(self, bet: PlaceBet) -> None:
        raise AssertionError(bet)

    def authenticate(self, request: Authenticate) -> None:
        raise AssertionError(request)


class Costly(Recorder):
    """Each write to it takes a second of a clock of the test's own."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_000.0

    def write(self, payload: bytes) -> None:
        super().write(payload)
        self.now += 1


def rest(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Rest so long after every flush, whatever it cost."""
    monkeypatch.setattr(turns_module, "REST", 1e12)
    monkeypatch.setattr(turns_module, "LONGEST_REST_S", seconds)


class Scene:
    """One leader, one market, one client that follows everything and has been sent its state."""

    def __init__(self, client: Recorder | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.leader = ScriptedLeader(0)
        self.turns = Turns(Hub(shards=1, rules=HubRules(commands_per_second=1_000)), NoErrands(), clock=clock)
        self.client = client or Recorder()
        self.turns.hub.tick(0, 0)
        self.leader.open(MARKET)
        frames, end = self.leader.snapshot()
        self.turns.snapshot(0, [(subject, unpack(payload)) for subject, payload in frames], SnapshotEnd(*end))
        self.turns.connect(self.client, Identity("c"))
        self.turns.command(self.client, json.dumps({"id": 1, "op": "subscribe", "topics": ["*"]}).encode())
        self.client.writes.clear()

    def say(self, frame: tuple[str, bytes]) -> None:
        self.turns.book(frame[0], unpack(frame[1]))

    def prices(self) -> list[list[str]]:
        """By write: the prices of its deltas."""
        return [[item["sel"]["home"] for item in write if "sel" in item] for write in self.client.writes]


async def test_prices_that_follow_closely_leave_in_one_write_after_the_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    rest(monkeypatch, 0.2)
    scene = Scene()
    scene.say(scene.leader.price(MARKET, home="2.10"))
    await until(lambda: len(scene.client.writes) == 1)
    scene.say(scene.leader.price(MARKET, home="2.20"))
    scene.say(scene.leader.price(MARKET, home="2.30"))
    await until(lambda: len(scene.client.writes) == 2)
    assert scene.prices() == [["2.10"], ["2.20", "2.30"]]


async def test_a_suspension_does_not_wait_and_takes_along_what_does(monkeypatch: pytest.MonkeyPatch) -> None:
    rest(monkeypatch, 60.0)
    scene = Scene()
    scene.turns.schedule()
    await until(lambda: scene.turns.turns >= 1)
    scene.say(scene.leader.price(MARKET, home="2.20"))
    scene.say(scene.leader.suspend(MARKET))
    await until(lambda: bool(scene.client.writes))
    (write,) = scene.client.writes
    assert [item.get("status", "") for item in write] == ["", "Suspended"]
    scene.say(scene.leader.price(MARKET, home="2.40"))
    await until(lambda: scene.turns._paced is not None)
    assert len(scene.client.writes) == 1


@pytest.mark.parametrize(("later", "writes"), [(1.4, 1), (1.6, 2)])
async def test_the_gateway_rests_in_proportion_to_what_the_flush_cost(
    monkeypatch: pytest.MonkeyPatch, later: float, writes: int
) -> None:
    monkeypatch.setattr(turns_module, "LONGEST_REST_S", 60.0)
    client = Costly()
    scene = Scene(client, lambda: client.now)
    client.now += 60
    scene.say(scene.leader.price(MARKET, home="2.10"))
    await until(lambda: len(client.writes) == 1)
    client.now += later
    scene.say(scene.leader.price(MARKET, home="2.20"))
    for _ in range(3):  # turns of the loop: a flush that need not wait comes with the next
        await asyncio.sleep(0)
    assert len(client.writes) == writes


async def test_a_flush_that_cost_nothing_needs_no_rest() -> None:
    scene = Scene(clock=lambda: 7.0)
    for count in range(1, 4):
        scene.say(scene.leader.price(MARKET, home=f"2.{count}0"))
        for _ in range(3):
            await asyncio.sleep(0)
        assert len(scene.client.writes) == count
