"""The stream as Server-Sent Events: the same audiences, states and deltas as on the WebSocket, one way.

The id of an event is a position in every shard (`0:3.1187,1:2.55`); it comes with the last event of a write, when everything
up to it has been sent. A browser gives it back as `Last-Event-ID` by itself. While a slow reader is being caught up no ids
come, so a reconnect starts from the last position that is true.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

import msgspec
from fastapi import APIRouter, Header, Query
from fastapi.responses import StreamingResponse

from touchline.gateway.commands import parse_topics
from touchline.gateway.frames import Format, events
from touchline.gateway.identity import Identity
from touchline.gateway.problems import Problem
from touchline.gateway.service import Service
from touchline.gateway.subscriptions import read_cursor
from touchline.gateway.web.access import Customer, TheService

router = APIRouter(prefix="/v1", tags=["stream"])

_encode = msgspec.json.Encoder().encode

IDLE_S = 15.0
RETRY_MS = 2_000


class StreamClient:
    """One reader: what the hub writes waits here until the response takes it."""

    __slots__ = ("_max_pending", "_parts", "_paused", "_ready", "_service", "_size", "closed")

    def __init__(self, service: Service, max_pending: int) -> None:
        self._service = service
        self._max_pending = max_pending
        self._parts: list[bytes] = []
        self._size = 0
        self._paused = False
        self._ready = asyncio.Event()
        self.closed = False

    def write(self, payload: bytes) -> None:
        if self.closed:
            return
        self._parts.append(payload)
        self._size += len(payload)
        self._ready.set()
        if self._size > self._max_pending and not self._paused:
            self._paused = True
            self._service.turns.writable(self, False)

    def shut(self, code: int, reason: str) -> None:
        """End the response after what is waiting, with an event that says why."""
        if not self.closed:
            self.closed = True
            self._parts.append(events([("close", _encode({"op": "close", "code": code, "reason": reason}))]))
            self._ready.set()

    async def read(self) -> bytes:
        """What has come since; a comment where nothing did for a while."""
        try:
            async with asyncio.timeout(IDLE_S):
                await self._ready.wait()
        except TimeoutError:
            return b": still here\n\n"
        self._ready.clear()
        parts, self._parts, self._size = self._parts, [], 0
        if self._paused:
            self._paused = False
            self._service.turns.writable(self, True)
        return b"".join(parts)


@router.get(
    "/stream",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}, "description": "Server-Sent Events"}},
)
async def open_stream(
    service: TheService,
    customer: Customer,
    topics: Annotated[str, Query(max_length=8_000, description="Topics, separated by commas.")] = "*",
    last_event_id: Annotated[str, Header(max_length=8_000, description="Where an earlier stream ended.")] = "",
) -> StreamingResponse:
    """Events `state`, `delta`, `gone`, `ok`, `synced`, `drain`, with the objects of the WebSocket protocol as data."""
    wanted = parse_topics(topics.split(","), service.hub.rules.topics)
    if last_event_id:
        read_cursor(last_event_id, len(service.hub.board.shards))  # told as a problem, before the answer begins
    limit = service.engine.spec.gateway.limits.connections
    if service.draining or len(service.streams) >= limit:
        raise Problem(503, "full", "Try another gateway", headers={"Retry-After": "1"})
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(
        _read(service, customer, wanted, last_event_id), media_type="text/event-stream", headers=headers
    )


async def _read(service: Service, identity: Identity, topics: tuple[str, ...], cursor: str) -> AsyncIterator[bytes]:
    client = StreamClient(service, service.engine.spec.gateway.slow_consumer.max_pending.octets)
    service.streams[client] = None
    service.connections += 1
    try:
        yield b"retry: %d\n\n" % RETRY_MS
        service.turns.connect(client, identity, Format.EVENTS)
        service.turns.listen(client, topics, cursor)
        while not client.closed:
            yield await client.read()
        yield await client.read()
    finally:
        service.turns.disconnect(client)
        del service.streams[client]
        service.connections -= 1
