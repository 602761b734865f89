"""One port: the first bytes of a connection say who serves it.

`GET /v1/ws` with an upgrade goes to picows; everything else to uvicorn's HTTP protocol with the FastAPI application. Both get
the transport with `set_protocol` and the bytes read so far.
"""

import asyncio
from collections.abc import Callable
from typing import NamedTuple

PATH = b"/v1/ws"
_START = b"GET " + PATH
MAX_HEAD = 16 * 1024
HEAD_S = 10.0


class Upgrade(NamedTuple):
    """A WebSocket request's head. Header names are lower case; `rest` is what came after it."""

    query: bytes
    headers: dict[bytes, bytes]
    rest: bytes


OpenSocket = Callable[[asyncio.Transport, Upgrade], None]
OpenHttp = Callable[[], asyncio.Protocol]


class Door(asyncio.Protocol):
    """A connection of which not enough was read to know what it wants."""

    __slots__ = ("_data", "_http", "_socket", "_timer", "_transport")

    def __init__(self, socket: OpenSocket, http: OpenHttp) -> None:
        self._socket = socket
        self._http = http
        self._data = b""
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]
        self._timer = asyncio.get_running_loop().call_later(HEAD_S, transport.close)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        if self._timer is not None:
            self._timer.cancel()
        self._transport = None

    def data_received(self, data: bytes) -> None:
        self._data = data = self._data + data if self._data else data
        if not _START.startswith(data[: len(_START)]):
            self._pass_to_http()
            return
        end = data.find(b"\r\n\r\n")
        if end < 0:
            if len(data) > MAX_HEAD:
                self._pass_to_http()  # which refuses it properly
            return
        upgrade = read_upgrade(data[:end], data[end + 4 :])
        if upgrade is None:
            self._pass_to_http()
            return
        assert self._transport is not None
        self._leave()
        self._socket(self._transport, upgrade)

    def _leave(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _pass_to_http(self) -> None:
        assert self._transport is not None
        self._leave()
        protocol = self._http()
        protocol.connection_made(self._transport)
        self._transport.set_protocol(protocol)
        protocol.data_received(self._data)


def read_upgrade(head: bytes, rest: bytes) -> Upgrade | None:
    """The request for a WebSocket in a request's head; None if it is another request."""
    lines = head.split(b"\r\n")
    target = lines[0].split(b" ")[1]
    path, _, query = target.partition(b"?")
    headers: dict[bytes, bytes] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(b":")
        if not colon:
            return None
        headers[name.strip().lower()] = value.strip()
    wants = (
        headers.get(b"upgrade", b"").lower() == b"websocket" and b"upgrade" in headers.get(b"connection", b"").lower()
    )
    if path != PATH or not wants or b"sec-websocket-key" not in headers:
        return None
    return Upgrade(query, headers, rest)
