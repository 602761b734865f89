"""One WebSocket connection: picows parses what comes in; what goes out are finished frames, written to its transport directly.

Small on purpose: it is the largest part of what an idle connection costs.
"""

import asyncio
import logging
from collections.abc import Callable, MutableMapping
from typing import Any, NamedTuple

from picows import WSFrame, WSListener, WSMsgType, WSTransport, WSUpgradeRequest, WSUpgradeResponse
from picows.common import WSUpgradeResponseWithListener
from picows.picows import WSAutoPingStrategy, WSProtocol  # type: ignore[attr-defined]

from touchline.gateway.identity import Identity
from touchline.gateway.turns import Turns

SUBPROTOCOL = "touchline.v1"
READ_BUFFER = 256
CLOSE_WAIT_S = 1.0
MALFORMED, NORMAL = 4400, 1000
_TOO_BIG = 1009

# The same for all connections: picows writes them out at once and only ever sets Sec-WebSocket-Accept anew.
_ACCEPTED = WSUpgradeResponse.create_101_response()
_ACCEPTED_SUBPROTOCOL = WSUpgradeResponse.create_101_response([("Sec-WebSocket-Protocol", SUBPROTOCOL)])


class _PicowsLog(logging.LoggerAdapter[logging.Logger]):
    """What clients do wrong is their error, not ours; and a shared adapter spares a logger for each connection."""

    def error(self, msg: object, *args: object, **kwargs: Any) -> None:
        self.debug(msg, *args, **kwargs)

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        return msg, kwargs


_log = _PicowsLog(logging.getLogger("touchline.gateway.picows"), {})
_log.logger.setLevel(logging.WARNING)


class Shared(NamedTuple):
    """What connections have in common: one object for many."""

    turns: Turns
    max_pending: int
    command_size: int
    opened: Callable[["SocketClient"], None]
    closed: Callable[["SocketClient"], None]


class SocketClient(WSListener):
    """A connection as picows (`on_ws_…`, `…_writing`) and the hub's outputs (`write`, `shut`) see it."""

    __slots__ = ("_closing", "_identity", "_parts", "_shared", "_transport", "write")

    write: Callable[[bytes], object]

    def __init__(self, shared: Shared, identity: Identity | None) -> None:
        self._shared = shared
        self._identity = identity
        self._transport: WSTransport | None = None
        self._parts: list[bytes] | None = None
        self._closing = False

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._transport = transport
        under = transport.underlying_transport
        under.set_write_buffer_limits(high=self._shared.max_pending, low=self._shared.max_pending // 4)
        # What a frame needs no check for: it is bytes, and this is the loop's thread.
        self.write = getattr(under, "write_nocheck", under.write)
        identity, self._identity = self._identity, None
        self._shared.opened(self)
        self._shared.turns.connect(self, identity)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        kind = frame.msg_type
        if kind == WSMsgType.TEXT and frame.fin and self._parts is None:
            self._shared.turns.command(self, frame.get_payload_as_bytes())
        elif kind == WSMsgType.CLOSE:
            self._closed_by_peer(transport, frame)
        elif kind == WSMsgType.TEXT and self._parts is None:
            self._parts = [frame.get_payload_as_bytes()]
        elif kind == WSMsgType.CONTINUATION and self._parts is not None:
            self._parts.append(frame.get_payload_as_bytes())
            if sum(map(len, self._parts)) > self._shared.command_size:
                self._refuse(_TOO_BIG, f"a command has at most {self._shared.command_size} bytes")
            elif frame.fin:
                text, self._parts = b"".join(self._parts), None
                self._shared.turns.command(self, text)
        elif kind != WSMsgType.PONG:
            self._refuse(MALFORMED, "commands are text messages")

    def on_ws_disconnected(self, transport: WSTransport) -> None:  # noqa: ARG002 - picows' signature
        self._shared.closed(self)
        self._shared.turns.disconnect(self)

    def pause_writing(self) -> None:
        self._shared.turns.writable(self, False)

    def resume_writing(self) -> None:
        self._shared.turns.writable(self, True)

    def shut(self, code: int, reason: str) -> None:
        """Close, with a moment for the peer to answer; then the connection is cut, whatever is unsent."""
        transport = self._transport
        if transport is None or self._closing:
            return
        self._closing = True
        self.write = _discard
        transport.send_close(code, reason[:120])  # type: ignore[arg-type]  # any code that fits
        asyncio.get_running_loop().call_later(CLOSE_WAIT_S, transport.disconnect, False)

    def _refuse(self, code: int, reason: str) -> None:
        self._parts = None
        self._shared.turns.disconnect(self)
        self.shut(code, reason)

    def _closed_by_peer(self, transport: WSTransport, frame: WSFrame) -> None:
        self._shared.turns.disconnect(self)
        if not self._closing:
            self._closing = True
            self.write = _discard
            transport.send_close(frame.get_close_code() or NORMAL)
        transport.disconnect()


def _discard(_payload: bytes) -> None:
    """After a close frame nothing may follow (RFC 6455, 5.5.1)."""


def accept(
    transport: asyncio.Transport,
    client: SocketClient,
    *,
    key: bytes,
    version: bytes,
    subprotocol: bool,
    command_size: int,
    rest: bytes = b"",
) -> None:
    """Hand a connection whose upgrade request was read (and `rest` after it) over to picows.

    picows reads the request itself, so it gets the same one in its shortest form (browsers send `Connection: keep-alive,
    Upgrade`, which it refuses, and headers are kept for the life of the connection).
    """
    response = _ACCEPTED_SUBPROTOCOL if subprotocol else _ACCEPTED

    def listener(_request: WSUpgradeRequest) -> WSUpgradeResponseWithListener:
        return WSUpgradeResponseWithListener(response, client)

    protocol = WSProtocol(
        None,
        None,
        False,
        listener,
        _log,
        True,
        None,
        False,
        20,
        20,
        WSAutoPingStrategy.PING_WHEN_IDLE,
        True,
        command_size,
        None,
        READ_BUFFER,
    )
    protocol.connection_made(transport)
    transport.set_protocol(protocol)
    feed(
        protocol,
        b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
        b"Sec-WebSocket-Version: %b\r\nSec-WebSocket-Key: %b\r\n\r\n" % (version, key),
    )
    feed(protocol, rest)


def feed(protocol: asyncio.BufferedProtocol, data: bytes) -> None:
    """Give bytes that were read already to a buffered protocol."""
    while data:
        buffer = memoryview(protocol.get_buffer(len(data)))
        size = min(len(buffer), len(data))
        buffer[:size] = data[:size]
        protocol.buffer_updated(size)
        data = data[size:]
