"""The one listening port: WebSockets to picows, everything else to FastAPI (see `door`)."""

import asyncio
import logging
import socket
import ssl
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import aiofastnet
import msgspec
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from touchline.gateway.door import Door, Upgrade
from touchline.gateway.frames import PING
from touchline.gateway.problems import Problem
from touchline.gateway.service import Service
from touchline.gateway.sockets import SUBPROTOCOL, Shared, SocketClient, accept

log = logging.getLogger(__name__)

BACKLOG = 4_096
KEEP_ALIVE_S = 30
HTTP_KEEP_ALIVE_S = 30
UNSENT = 64 * 1024
"""Bytes that the kernel keeps unsent for one client; what is more waits here, and is conflated."""
PING_S = 25
PING_STEPS = 100
RESTART = 1012
_TCP_USER_TIMEOUT = 18  # linux/tcp.h; the socket module has it from Python 3.13 on


class OnePort:
    """Accepts connections until `close`."""

    def __init__(self, service: Service, app: Any) -> None:
        self._service = service
        self._config = Config(
            app,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=HTTP_KEEP_ALIVE_S,
        )
        self._config.load()
        self._state = ServerState()
        self._sockets: dict[SocketClient, None] = {}
        self._shared = Shared(service.turns, 0, 0, self._opened, self._closed)
        self._server: asyncio.AbstractServer | None = None

    async def listen(self, listener: socket.socket, tls: ssl.SSLContext | None = None) -> None:
        """Serve on a bound socket."""
        self._server = await aiofastnet.create_server(
            asyncio.get_running_loop(), self._door, sock=listener, backlog=BACKLOG, ssl=tls
        )

    def stop_accepting(self) -> None:
        """No new connections; those that there are stay."""
        if self._server is not None:
            self._server.close()

    def close(self, code: int = RESTART, reason: str = "the gateway restarts") -> None:
        """Close every connection."""
        for client in list(self._sockets):
            self._service.turns.disconnect(client)
            client.shut(code, reason)
        for stream in list(self._service.streams):
            stream.shut(code, reason)
        for protocol in list(self._state.connections):
            protocol.shutdown()

    @property
    def open(self) -> int:
        """Connections of every kind."""
        return len(self._sockets) + len(self._state.connections)

    async def empty(self, within_s: float) -> None:
        """Wait until nobody is connected, for a bounded time."""
        loop = asyncio.get_running_loop()
        end = loop.time() + within_s
        while self.open and loop.time() < end:  # noqa: ASYNC110 - uvicorn tells nobody when a connection of its ends
            await asyncio.sleep(0.02)

    async def keep_alive(self) -> None:
        """Ping every WebSocket each `PING_S`, a few at a time: proxies cut what is idle. Until cancelled."""
        while True:
            clients = list(self._sockets)
            for step in range(PING_STEPS):
                for client in clients[step::PING_STEPS]:
                    if client in self._sockets:
                        client.write(PING)
                await asyncio.sleep(PING_S / PING_STEPS)

    def _door(self) -> Door:
        return Door(self._socket, self._http)

    def _http(self) -> asyncio.Protocol:
        return H11Protocol(self._config, self._state, {})

    def _socket(self, transport: asyncio.Transport, upgrade: Upgrade) -> None:
        service = self._service
        headers = upgrade.headers
        gateway = service.engine.spec.gateway
        try:
            if service.draining or len(self._sockets) >= gateway.limits.connections:
                raise Problem(503, "full", "Try another gateway", headers={"Retry-After": "1"})
            self._check_origin(headers)
            offered = [name.strip() for name in headers.get(b"sec-websocket-protocol", b"").split(b",")]
            identity = service.identify(_text(headers, b"authorization"), _text(headers, b"cookie"))
        except Problem as problem:
            _refuse(transport, problem)
            return
        _tune(transport)
        shared = self._share(gateway.slow_consumer.max_pending.octets, gateway.limits.command_size.octets)
        accept(
            transport,
            SocketClient(shared, identity),
            key=headers[b"sec-websocket-key"],
            version=headers.get(b"sec-websocket-version", b""),
            subprotocol=SUBPROTOCOL.encode() in offered,
            command_size=shared.command_size,
            rest=upgrade.rest,
        )

    def _share(self, max_pending: int, command_size: int) -> Shared:
        """The same object for all connections under the same limits."""
        if (self._shared.max_pending, self._shared.command_size) != (max_pending, command_size):
            self._shared = self._shared._replace(max_pending=max_pending, command_size=command_size)
        return self._shared

    def _opened(self, client: SocketClient) -> None:
        self._sockets[client] = None
        self._service.connections += 1

    def _closed(self, client: SocketClient) -> None:
        if self._sockets.pop(client, 0) is None:
            self._service.connections -= 1

    def _check_origin(self, headers: dict[bytes, bytes]) -> None:
        origin = _text(headers, b"origin")
        allowed = self._service.engine.spec.gateway.allowed_origins
        if not origin or "*" in allowed or origin in allowed or urlsplit(origin).netloc == _text(headers, b"host"):
            return
        raise Problem(403, "origin", "Origin not allowed", f"pages of {origin[:200]} may not connect")


def _text(headers: dict[bytes, bytes], name: bytes) -> str:
    return headers.get(name, b"").decode("latin-1")


def _tune(transport: asyncio.Transport) -> None:
    """The kernel finds out that a peer is gone, at no cost to us, and leaves the queue to us."""
    peer = transport.get_extra_info("socket")
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    peer.setsockopt(socket.IPPROTO_TCP, _TCP_USER_TIMEOUT, KEEP_ALIVE_S * 1000)
    # Without it the kernel takes megabytes for a client that does not read: prices grow old there, out of our sight.
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT)


def _refuse(transport: asyncio.Transport, problem: Problem) -> None:
    body = msgspec.json.encode(problem.document())
    head = [
        f"HTTP/1.1 {problem.status} {HTTPStatus(problem.status).phrase}",
        "content-type: application/problem+json",
        f"content-length: {len(body)}",
        "connection: close",
        *(f"{name}: {value}" for name, value in problem.headers.items()),
    ]
    transport.write("\r\n".join(head).encode() + b"\r\n\r\n" + body)
    transport.close()
