"""The protocol client against a scripted server on a real socket: resume, drain, lost answers, breaches of the rules."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from touchline.local.client import SUBPROTOCOL, TouchlineClient
from touchline.local.errors import GatewayError
from touchline.local.replica import ProtocolViolation

pytestmark = pytest.mark.servers

Json = dict[str, Any]
Act = Callable[["Line"], Awaitable[None]]
M = "e1:MatchWinner"


class Line:
    """One connection, from the server's side."""

    def __init__(self, socket: ServerConnection) -> None:
        self._socket = socket

    async def command(self) -> Json:
        command: Json = msgspec.json.decode(await self._socket.recv())
        return command

    async def say(self, *objects: Json) -> None:
        await self._socket.send(msgspec.json.encode(objects if len(objects) > 1 else objects[0]).decode())

    async def until_closed(self) -> None:
        await self._socket.wait_closed()


def state(version: str, price: str = "2.0") -> Json:
    return {"op": "state", "m": M, "v": version, "status": "Open", "holds": [], "sel": {"home": price}}


def delta(previous: str, version: str, price: str) -> Json:
    return {"op": "delta", "m": M, "p": previous, "v": version, "sel": {"home": price}}


async def welcome(line: Line, *objects: Json) -> Json:
    """Take a subscription and answer it with these objects."""
    command = await line.command()
    number = command["id"]
    await line.say({"op": "ok", "id": number, "markets": 1}, *objects, {"op": "synced", "id": number})
    return command


@asynccontextmanager
async def gateway(*acts: Act) -> AsyncIterator[str]:
    """A server whose n-th connection plays the n-th act, and then stays open; yields its URL."""
    waiting = iter(acts)

    async def play(socket: ServerConnection) -> None:
        line = Line(socket)
        act = next(waiting, None)
        if act is not None:
            await act(line)

    async with serve(play, "127.0.0.1", 0, subprotocols=[Subprotocol(SUBPROTOCOL)]) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_after_a_lost_connection_it_resumes_from_what_it_knows_and_misses_nothing() -> None:
    resumed: list[Json] = []

    async def first(line: Line) -> None:
        await welcome(line, state("1.1"), delta("1.1", "1.2", "2.1"))

    async def second(line: Line) -> None:
        resumed.append(await welcome(line, delta("1.2", "1.3", "2.2")))
        await line.until_closed()

    async with gateway(first, second) as url, TouchlineClient(url) as client:
        await client.subscribe("sport:Football")
        await client.wait_for(lambda replica: replica.versions() == {M: "1.3"})
        assert client.connections == 2
    assert resumed[0]["topics"] == ["sport:Football"]
    assert resumed[0]["resume"] == {M: "1.2"}


async def test_a_drain_is_obeyed_within_its_time() -> None:
    async def first(line: Line) -> None:
        await welcome(line, state("1.1"))
        await line.say({"op": "drain", "after": 50})
        await line.until_closed()

    async def second(line: Line) -> None:
        await welcome(line, state("2.1"))
        await line.until_closed()

    async with gateway(first, second) as url, TouchlineClient(url) as client:
        await client.subscribe("*")
        await client.wait_for(lambda replica: replica.versions() == {M: "2.1"})
        assert client.drains == 1


async def test_a_command_whose_answer_was_lost_is_sent_again_on_the_next_connection() -> None:
    async def first(line: Line) -> None:
        await line.command()  # and hang up

    async def second(line: Line) -> None:
        await welcome(line, state("1.1"))
        await line.until_closed()

    async with gateway(first, second) as url, TouchlineClient(url) as client:
        assert await client.subscribe("*") == 1
        assert client.replica.versions() == {M: "1.1"}


async def test_an_error_is_raised_with_the_problems_words() -> None:
    async def act(line: Line) -> None:
        command = await line.command()
        fault = {"pointer": "/topics/0", "detail": "write sport:NAME"}
        problem = {"title": "Malformed", "status": 422, "detail": "no such topic", "errors": [fault]}
        await line.say({"op": "error", "id": command["id"], "problem": problem})
        await line.until_closed()

    async with gateway(act) as url, TouchlineClient(url) as client:
        with pytest.raises(GatewayError, match=r"no such topic; /topics/0 write sport:NAME") as error:
            await client.subscribe("nonsense")
        assert error.value.status == 422


async def test_a_breach_of_the_version_rules_ends_a_strict_client() -> None:
    async def act(line: Line) -> None:
        await welcome(line, state("1.5"), state("1.4"))
        await line.until_closed()

    async with gateway(act) as url, TouchlineClient(url) as client:
        with pytest.raises(ProtocolViolation, match=r"went back from 1\.5 to 1\.4"):
            await client.subscribe("*")


async def test_a_lenient_client_asks_again_for_a_market_in_doubt() -> None:
    asked: list[Json] = []

    async def act(line: Line) -> None:
        await welcome(line, state("1.5"), delta("1.3", "1.6", "9"))
        asked.append(await welcome(line, state("1.6", "3.0")))
        await line.until_closed()

    async with gateway(act) as url, TouchlineClient(url, strict=False) as client:
        await client.subscribe("*")
        await client.wait_for(lambda replica: replica.versions() == {M: "1.6"})
        assert client.replica.violations == 1
    assert asked[0]["topics"] == [f"market:{M}"]
    assert "resume" not in asked[0]


async def test_changes_are_given_in_order_with_what_moved() -> None:
    async def act(line: Line) -> None:
        await welcome(line, state("1.1"), delta("1.1", "1.2", "2.1"), delta("1.2", "1.3", "1.9"))
        await line.until_closed()

    async with gateway(act) as url, TouchlineClient(url) as client:
        await client.subscribe("*")
        changes = client.changes()
        moved = [(await anext(changes)).moved for _ in range(3)]
    assert moved == [{"home": (None, "2.0")}, {"home": ("2.0", "2.1")}, {"home": ("2.1", "1.9")}]


async def test_a_reader_that_is_slow_loses_changes_and_never_the_truth() -> None:
    async def act(line: Line) -> None:
        await welcome(line, state("1.0"), *(delta(f"1.{n}", f"1.{n + 1}", f"{n + 2}.0") for n in range(100)))
        await line.until_closed()

    async with gateway(act) as url, TouchlineClient(url, bound=10) as client:
        await client.subscribe("*")
        assert client.skipped == 91
        assert client.replica.markets[M].sel == {"home": "101.0"}


async def test_nobody_there_is_told_within_the_time_given() -> None:
    async with TouchlineClient("http://127.0.0.1:9") as client:
        loop = asyncio.get_running_loop()
        began = loop.time()
        with pytest.raises(GatewayError, match="did not answer `subscribe` within 0"):
            await client.subscribe("*", within=0.4)
        assert loop.time() - began < 3
