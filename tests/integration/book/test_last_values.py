"""The last-value cache against a real Valkey: fenced by epoch, written again after a restart, never in the way."""

import asyncio
from collections.abc import Callable, Iterable

import pytest
from redis import asyncio as redis

from touchline.book.lvc import LastValueCache, epoch_key, hash_key
from touchline.bus.ending import end
from touchline.local.servers import ValkeyServer

pytestmark = pytest.mark.servers


class Leader:
    """One node's cache writer for shard 0, with the states that it would write."""

    def __init__(self, url: str, name: str) -> None:
        self.name = name
        self.version = 1
        self.ids = ["e1:MatchWinner", "e2:MatchWinner"]
        self.later: dict[int, int] = {}
        """By shard: the later epoch that the cache told of."""
        self.cache = LastValueCache(
            url, states=self.states, markets=lambda shard: self.ids, outdated=self.later.__setitem__, period_s=0.02
        )
        self._task: asyncio.Task[None] | None = None

    def states(self, shard: int, markets: Iterable[str]) -> dict[str, tuple[str, bytes] | None]:
        state = f"{self.name} {self.version}".encode()
        return {market: (f"book.{shard}.x", state) if market in self.ids else None for market in markets}

    def change(self, market: str) -> None:
        self.version += 1
        self.cache.changed(0, market)

    async def __aenter__(self) -> "Leader":
        self._task = asyncio.create_task(self.cache.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        await end([self._task])
        await self.cache.close()


async def content(server: ValkeyServer) -> dict[str, str]:
    client = redis.Redis.from_url(server.url, decode_responses=True)
    try:
        return {str(field): str(value) for field, value in (await client.hgetall(hash_key(0))).items()}
    finally:
        await client.aclose()


async def until_holds(server: ValkeyServer, wanted: Callable[[dict[str, str]], bool], within: float = 20.0) -> None:
    async with asyncio.timeout(within):
        while not wanted(await content(server)):  # noqa: ASYNC110 - the condition is the cache's
            await asyncio.sleep(0.01)


async def test_a_term_begins_with_every_market_and_changes_follow(valkey_server: ValkeyServer) -> None:
    async with Leader(valkey_server.url, "a") as a:
        a.cache.led(0, 1)
        await until_holds(valkey_server, lambda held: held == dict.fromkeys(a.ids, "book.0.x\na 1"))
        a.change("e1:MatchWinner")
        await until_holds(valkey_server, lambda held: held["e1:MatchWinner"] == "book.0.x\na 2")
        assert (await content(valkey_server))["e2:MatchWinner"] == "book.0.x\na 1"
        a.ids.remove("e2:MatchWinner")
        a.change("e2:MatchWinner")
        await until_holds(valkey_server, lambda held: list(held) == ["e1:MatchWinner"])
        assert a.cache.detail == "connected"


async def test_a_leader_of_the_past_writes_nothing_and_a_later_one_starts_afresh(valkey_server: ValkeyServer) -> None:
    async with Leader(valkey_server.url, "old") as old, Leader(valkey_server.url, "new") as new:
        old.ids.append("gone:MatchWinner")
        old.cache.led(0, 1)
        await until_holds(valkey_server, lambda held: "gone:MatchWinner" in held)
        new.cache.led(0, 2)
        await until_holds(valkey_server, lambda held: held == dict.fromkeys(new.ids, "book.0.x\nnew 1"))
        old.change("e1:MatchWinner")
        async with asyncio.timeout(5):
            while not old.later:  # noqa: ASYNC110 - it learns from the cache's answer
                await asyncio.sleep(0.01)
        assert old.later == {0: 2}
        assert await content(valkey_server) == dict.fromkeys(new.ids, "book.0.x\nnew 1")


async def test_a_cache_that_was_restarted_is_filled_again(valkey_server: ValkeyServer) -> None:
    async with Leader(valkey_server.url, "a") as a:
        a.cache.led(0, 7)
        await until_holds(valkey_server, lambda held: len(held) == 2)
        valkey_server.kill()
        for _ in range(10):
            a.change("e1:MatchWinner")
            await asyncio.sleep(0)
        valkey_server.start()
        await until_holds(valkey_server, lambda held: len(held) == 2)
        client = redis.Redis.from_url(valkey_server.url, decode_responses=True)
        assert await client.get(epoch_key(0)) == "7"
        await client.aclose()


async def test_without_a_cache_nothing_is_written_and_nothing_waits() -> None:
    cache = LastValueCache(
        "", states=lambda shard, markets: {}, markets=lambda shard: (), outdated=lambda shard, epoch: None
    )
    cache.led(0, 1)
    cache.changed(0, "e1:MatchWinner")
    await cache.run()
    assert cache.detail == "not configured"
    await cache.close()


async def test_a_cache_that_is_away_costs_the_loop_nothing(valkey_server: ValkeyServer) -> None:
    url = valkey_server.url
    valkey_server.kill()
    async with Leader(url, "a") as a:
        a.cache.led(0, 1)
        async with asyncio.timeout(20):
            while not a.cache.detail.startswith("away"):  # noqa: ASYNC110 - the condition is the connection's
                await asyncio.sleep(0.01)
        for n in range(10_000):
            a.cache.changed(0, f"m{n}")
        valkey_server.start()
        a.ids += [f"m{n}" for n in range(10_000)]
        await until_holds(valkey_server, lambda held: len(held) == 10_002)
