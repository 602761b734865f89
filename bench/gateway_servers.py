"""What the gateway's fan-out is compared with, each as small as it can be, all on one event loop with the gateway itself.

Every side has `async send(payloads)`: write the same finished bytes to each of its clients, once for each payload.
"""

import asyncio
import ctypes
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from picows import WSListener, WSTransport, ws_create_server
from websockets.asyncio.server import broadcast, serve

SOURCE = """
#include <sys/types.h>
#include <sys/socket.h>
int fan_out(const int *fds, int count, const char *bytes, long size) {
    int sent = 0;
    for (int i = 0; i < count; i++) sent += send(fds[i], bytes, size, MSG_NOSIGNAL) == size;
    return sent;
}
"""


class NoCompiler(Exception):
    """There is no C compiler here."""


class CLoop:
    """`send` in C over plain sockets: the floor."""

    def __init__(self) -> None:
        compiler = shutil.which("cc") or shutil.which("gcc")
        if compiler is None:
            raise NoCompiler("no cc on the PATH")
        self._folder = tempfile.TemporaryDirectory(prefix="touchline-bench-")
        source, library = Path(self._folder.name) / "fan.c", Path(self._folder.name) / "fan.so"
        source.write_text(SOURCE)
        subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", library, source], check=True)
        self._function = ctypes.CDLL(str(library)).fan_out
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=4_096)
        self._listener.setblocking(False)
        self._sockets: list[socket.socket] = []
        self.port = int(self._listener.getsockname()[1])

    async def accept(self, count: int) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(count):
            accepted, _ = await loop.sock_accept(self._listener)
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            accepted.setblocking(False)
            self._sockets.append(accepted)
        self._fds = (ctypes.c_int * count)(*(accepted.fileno() for accepted in self._sockets))

    async def send(self, payloads: Sequence[bytes]) -> None:
        for payload in payloads:
            sent = self._function(self._fds, len(self._sockets), payload, ctypes.c_long(len(payload)))
            if sent != len(self._sockets):
                raise RuntimeError(f"only {sent} sends went through")
            await asyncio.sleep(0)

    def close(self) -> None:
        for accepted in self._sockets:
            accepted.close()
        self._listener.close()
        self._folder.cleanup()


class _Kept(WSListener):
    transports: list[WSTransport]

    def __init__(self, transports: list[WSTransport]) -> None:
        self.transports = transports

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transports.append(transport)


class Picows:
    """`underlying_transport.write` of a finished frame in a Python loop: what picows allows at best."""

    def __init__(self) -> None:
        self._transports: list[WSTransport] = []
        self._server: asyncio.AbstractServer | None = None
        self.port = 0

    async def listen(self) -> None:
        self._server = await ws_create_server(
            lambda _request: _Kept(self._transports), "127.0.0.1", 0, read_buffer_init_size=256, backlog=4_096
        )
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def send(self, payloads: Sequence[bytes]) -> None:
        for payload in payloads:
            for transport in self._transports:
                transport.underlying_transport.write(payload)
            await asyncio.sleep(0)

    def close(self) -> None:
        assert self._server is not None
        self._server.close()


class Websockets:
    """`broadcast` of the `websockets` library, without compression."""

    def __init__(self) -> None:
        self._server: Any = None
        self.port = 0

    async def listen(self) -> None:
        async def idle(connection: Any) -> None:
            await connection.wait_closed()

        self._server = await serve(idle, "127.0.0.1", 0, compression=None, ping_interval=None, backlog=4_096)
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def send(self, messages: Sequence[str]) -> None:
        """Messages, not frames: the library makes its own."""
        for message in messages:
            broadcast(self._server.connections, message, raise_exceptions=True)
            await asyncio.sleep(0)

    def close(self) -> None:
        self._server.close()
