"""Two book nodes and the failures between them: killed, stopped, cut off from the broker; and no bet decided twice."""

import asyncio
import json
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from nats.aio.client import Client
from nats.errors import Error as NatsError

from support.book_process import (
    BookProcess,
    bet_on,
    book_nodes,
    configure,
    decisions,
    engine,
    football,
    leader_of,
    place,
    place_until_answered,
    policy,
    provider,
    status_of,
    wait_for_open,
)
from support.scripted_ingest import ScriptedIngest
from touchline.bus.messages import BetReply, BetRequest
from touchline.domain.keys import shard_of
from touchline.local.servers import NatsServer

pytestmark = pytest.mark.servers

SHARDS = 2
MARKET = "e1:MatchWinner"
SHARD = shard_of("e1", SHARDS)
PRICES = {"home": 2_000_000, "draw": 3_400_000, "away": 3_750_000}


class Bettors:
    """Bets placed all along, each key again until somebody decides; every answer is kept."""

    def __init__(self, nc: Client) -> None:
        self.nc = nc
        self.answers: dict[str, list[BetReply]] = {}
        self.longest_s = 0.0
        self._stop = asyncio.Event()
        self._count = 0

    async def run(self, workers: int = 4) -> None:
        await asyncio.gather(*(self._bet() for _ in range(workers)))

    def stop(self) -> None:
        self._stop.set()

    async def answered(self, more: int, within: float = 10.0) -> None:
        """Wait until so many more bets were answered."""
        before = len(self.answers)

        async def enough() -> bool:
            return len(self.answers) >= before + more

        await until(enough, within)

    async def _bet(self) -> None:
        while not self._stop.is_set():
            self._count += 1
            key = f"k{self._count}"
            # Version 0.0 is older than any: whether the bet stands is decided by the price.
            request = bet_on(MARKET, key=key, version="0.0", stake=1_000_000)
            began = time.monotonic()
            self.answers[key] = [await place_until_answered(self.nc, request, shards=SHARDS, within=20)]
            self.longest_s = max(self.longest_s, time.monotonic() - began)
            await self._ask_again(request)

    async def _ask_again(self, request: BetRequest) -> None:
        try:
            self.answers[request.key].append(await place(self.nc, request, shards=SHARDS, timeout=0.3))
        except (NatsError, TimeoutError):
            return  # nobody leads just now; the first answer stands


def check(answers: dict[str, list[BetReply]], records: list[dict[str, Any]]) -> None:
    """What was answered is what is stored, once for each key; records of a term that was over are none."""
    epoch, stored = 0, {}
    for record in records:
        if record["record"] == "epoch":
            assert record["epoch"] > epoch
            epoch = record["epoch"]
            continue
        assert record["epoch"] == epoch, "a record of a leader whose term was over"
        key = record["request"]["key"]
        assert key not in stored, f"{key} was decided twice"
        stored[key] = record["document"]
    for key, replies in answers.items():
        for reply in replies:
            assert json.loads(bytes(reply.decision)) == stored[key]


async def until(condition: Callable[[], Awaitable[bool]], within: float = 5.0) -> None:
    """Wait until something is so. Raises TimeoutError."""
    async with asyncio.timeout(within):
        while not await condition():  # noqa: ASYNC110 - the condition is in another process
            await asyncio.sleep(0.02)


async def other(nc: Client, nodes: dict[str, BookProcess]) -> tuple[str, str, int]:
    """Leader, standby and epoch of the market's shard."""
    leader, epoch = await leader_of(nc, SHARD)
    return leader, next(name for name in nodes if name != leader), epoch


async def until_led_by(nc: Client, node: str, within: float) -> float:
    """Seconds until a node's name stands in the lease."""
    began = time.monotonic()
    while time.monotonic() - began < within:
        if (await leader_of(nc, SHARD))[0] == node:
            return time.monotonic() - began
        await asyncio.sleep(0.02)
    raise TimeoutError(f"{node} did not take over within {within} s")


async def both_ready(nc: Client, nodes: dict[str, BookProcess]) -> None:
    """Both nodes have read the decisions and hear the provider, so that either could lead."""

    async def ready() -> bool:
        found = [await status_of(nc, node) for node in nodes]
        return all(
            status.get("providers") and all(shard["caughtUp"] for shard in status["shards"].values())
            for status in found
        )

    await until(ready, within=60)


@asynccontextmanager
async def serving(nc: Client, server: NatsServer, *names: str) -> AsyncIterator[dict[str, BookProcess]]:
    """Book nodes that offer the market, each of which could lead."""
    await configure(nc, engine(shards=SHARDS), provider(), football(), policy())
    async with ScriptedIngest(nc, shards=SHARDS) as ingest:
        with book_nodes(*names, nats_url=server.url) as nodes:
            await ingest.market(MARKET, prices=PRICES)
            await wait_for_open(nc, MARKET, shards=SHARDS)
            await both_ready(nc, nodes)
            yield nodes


async def test_a_killed_leader_is_followed_within_five_seconds_and_its_keys_are_remembered(
    nats: Client, nats_server: NatsServer
) -> None:
    async with serving(nats, nats_server, "b1", "b2") as nodes:
        remembered = bet_on(MARKET, key="before", version="0.0")
        first = await place_until_answered(nats, remembered, shards=SHARDS)
        bettors = Bettors(nats)
        betting = asyncio.create_task(bettors.run())
        leader, standby, epoch = await other(nats, nodes)

        nodes[leader].kill()
        took = await until_led_by(nats, standby, 5)
        again = await place_until_answered(nats, remembered, shards=SHARDS, within=5)
        await wait_for_open(nats, MARKET, shards=SHARDS, within=5)
        after = await place_until_answered(nats, bet_on(MARKET, key="after", version="0.0"), shards=SHARDS)
        bettors.stop()
        await betting

        assert took < 5
        assert bettors.longest_s < 5
        assert (again.status, bytes(again.decision)) == (200, bytes(first.decision))
        decision = json.loads(bytes(after.decision))
        assert (decision["decision"], decision["epoch"]) == ("Accepted", epoch + 1)
        assert await leader_of(nats, SHARD) == (standby, epoch + 1)
        records = await decisions(nats, SHARD)
        terms = [(record["epoch"], record["node"]) for record in records if record["record"] == "epoch"]
        assert terms == [(epoch, leader), (epoch + 1, standby)]
        check(bettors.answers, records)


async def test_a_leader_that_was_stopped_for_ten_seconds_decides_nothing_when_it_wakes(
    nats: Client, nats_server: NatsServer
) -> None:
    async with serving(nats, nats_server, "b1", "b2") as nodes:
        bettors = Bettors(nats)
        betting = asyncio.create_task(bettors.run())
        await bettors.answered(50)
        leader, standby, epoch = await other(nats, nodes)

        nodes[leader].signal(signal.SIGSTOP)
        stopped = time.monotonic()
        await until_led_by(nats, standby, 5)
        before = len(bettors.answers)
        await asyncio.sleep(10 - (time.monotonic() - stopped))  # the length of the pause is what is tested
        assert len(bettors.answers) > before + 100, "the standby decides meanwhile"
        nodes[leader].signal(signal.SIGCONT)

        async def noticed() -> bool:
            return bool((await status_of(nats, leader)).get("pauses"))

        await until(noticed)
        bettors.stop()
        await betting

        assert (await status_of(nats, leader))["leads"] == []
        assert await leader_of(nats, SHARD) == (standby, epoch + 1)
        records = await decisions(nats, SHARD)
        woken = [record for record in records if record["node"] == leader and record["epoch"] != epoch]
        assert woken == []
        check(bettors.answers, records)
        statuses = Counter(replies[0].status for replies in bettors.answers.values())
        assert statuses[409] == 0
        assert bettors.longest_s < 5


async def test_the_book_survives_its_broker_being_killed_and_no_answer_is_taken_back(
    nats: Client, nats_server: NatsServer
) -> None:
    async with serving(nats, nats_server, "b1", "b2"):
        bettors = Bettors(nats)
        betting = asyncio.create_task(bettors.run())
        await bettors.answered(50)

        nats_server.kill()
        nats_server.start()
        began = time.monotonic()
        await bettors.answered(50)
        healed = time.monotonic() - began
        bettors.stop()
        await betting

        assert healed < 5
        check(bettors.answers, await decisions(nats, SHARD))
        accepted = [json.loads(bytes(replies[0].decision))["decision"] for replies in bettors.answers.values()]
        assert accepted.count("Accepted") > 80


async def test_a_node_alone_that_was_stopped_begins_a_new_term_when_it_wakes(
    nats: Client, nats_server: NatsServer
) -> None:
    async with serving(nats, nats_server, "b1") as nodes:
        first = bet_on(MARKET, key="before", version="0.0")
        before = await place_until_answered(nats, first, shards=SHARDS)
        nodes["b1"].signal(signal.SIGSTOP)
        asleep = bet_on(MARKET, key="asleep", version="0.0")
        with pytest.raises((NatsError, TimeoutError)):
            await place(nats, asleep, shards=SHARDS, timeout=3)
        nodes["b1"].signal(signal.SIGCONT)
        answer = await place_until_answered(nats, asleep, shards=SHARDS, within=5)
        again = await place_until_answered(nats, first, shards=SHARDS)

        epoch = json.loads(bytes(before.decision))["epoch"]
        assert json.loads(bytes(answer.decision))["epoch"] > epoch
        assert (again.status, bytes(again.decision)) == (200, bytes(before.decision))
        check({"before": [before, again], "asleep": [answer]}, await decisions(nats, SHARD))


async def test_a_node_that_is_told_to_stop_hands_over_without_a_wait(nats: Client, nats_server: NatsServer) -> None:
    async with serving(nats, nats_server, "b1", "b2") as nodes:
        leader, standby, _ = await other(nats, nodes)
        began = time.monotonic()
        assert nodes[leader].terminate() == 0
        assert time.monotonic() - began < 2
        assert await until_led_by(nats, standby, 2) < 1
