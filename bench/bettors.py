"""Ways to place one bet and wait for its decision, as cheap for the bettor's side as they can be made.

Each way opens lanes; a lane has one bet in flight at a time and answers with the decision's document.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import msgspec
from nats.aio.client import Client
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from touchline.bus import subjects
from touchline.bus.messages import BetLeg, BetRequest, decode_bet_reply, encode
from touchline.domain.keys import MarketKey, shard_of
from touchline.domain.prices import parse_micro
from touchline.local.client import socket_url

Json = dict[str, Any]
Lane = Callable[[Json], Awaitable[Json]]
ANSWER_S = 10.0
STAKE_MICRO = 1_000_000
COOKIE = "touchline_customer=bench-{}"


@asynccontextmanager
async def over_bus(nc: Client, shards: int, lanes: int) -> AsyncIterator[Sequence[Lane]]:
    """Straight to the shards' leaders, as gateways do."""

    async def place(bet: Json) -> Json:
        leg = bet["legs"][0]
        legs = [BetLeg(leg["market"], leg["selection"], parse_micro(leg["price"]), leg["version"])]
        request = BetRequest(bet["key"], "bench", "", STAKE_MICRO, legs)
        shard = shard_of(MarketKey.parse(leg["market"]).event, shards)
        reply = await nc.request(subjects.bet(shard), encode(request), timeout=ANSWER_S)
        decision: Json = msgspec.json.decode(decode_bet_reply(reply.data).decision)
        return decision

    yield [place] * lanes


class _Socket(WSListener):
    """One WebSocket with one bet in flight."""

    def __init__(self) -> None:
        self.transport: WSTransport | None = None
        self.answer: asyncio.Future[Json] | None = None

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:  # noqa: ARG002 - picows' signature
        if frame.msg_type == WSMsgType.TEXT and self.answer is not None and not self.answer.done():
            self.answer.set_result(msgspec.json.decode(frame.get_payload_as_bytes()))

    async def place(self, bet: Json) -> Json:
        assert self.transport is not None
        self.answer = asyncio.get_running_loop().create_future()
        self.transport.send(WSMsgType.TEXT, msgspec.json.encode({"id": 1, "op": "bet", **bet}))
        async with asyncio.timeout(ANSWER_S):
            return await self.answer


@asynccontextmanager
async def over_sockets(url: str, lanes: int) -> AsyncIterator[Sequence[Lane]]:
    """Over WebSockets, one a lane."""
    sockets: list[_Socket] = []
    for number in range(lanes):
        _, listener = await ws_connect(
            _Socket, socket_url(url), extra_headers={"Cookie": COOKIE.format(number)}, websocket_handshake_timeout=30
        )
        assert isinstance(listener, _Socket)
        sockets.append(listener)
    try:
        yield [socket.place for socket in sockets]
    finally:
        for socket in sockets:
            assert socket.transport is not None
            socket.transport.disconnect()


class _Connection:
    """One kept-alive HTTP/1.1 connection."""

    def __init__(self, host: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        self._head = (
            f"POST /v1/bets HTTP/1.1\r\nHost: {host}\r\nCookie: {COOKIE.format(number)}\r\n"
            "Content-Type: application/json\r\nContent-Length: "
        )
        self._reader = reader
        self.writer = writer

    async def place(self, bet: Json) -> Json:
        body = msgspec.json.encode(bet)
        self.writer.write(f"{self._head}{len(body)}\r\n\r\n".encode() + body)
        async with asyncio.timeout(ANSWER_S):
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode().lower()
            length = int(head.partition("content-length:")[2].partition("\r\n")[0])
            decision: Json = msgspec.json.decode(await self._reader.readexactly(length))
        return decision


@asynccontextmanager
async def over_http(url: str, lanes: int) -> AsyncIterator[Sequence[Lane]]:
    """Over HTTP connections that are kept, one a lane."""
    parts = urlsplit(url)
    connections = [
        _Connection(parts.netloc, *await asyncio.open_connection(parts.hostname, parts.port), number)
        for number in range(lanes)
    ]
    try:
        yield [connection.place for connection in connections]
    finally:
        for connection in connections:
            connection.writer.close()
