"""The clients of the gateway's benchmarks: a process of its own that opens many sockets, reads and throws away.

Commands come as JSON lines on standard input, answers go as JSON lines to standard output:
`{"open": [name, port, count, how]}` opens connections, where `how` is `plain` (no WebSocket), `upgrade` (its handshake only), `subscribe`
(to everything at our gateway) or `centrifugo` (to the channel `bench` of that server); `{"drain": [name, bytes]}` answers when so many
bytes have come on that group since it was asked last, `{"received": name}` at once with how many have.
"""

import base64
import json
import os
import select
import socket
import sys
from typing import Any

SUBSCRIBE = b'{"id":1,"op":"subscribe","topics":["*"]}'
CENTRIFUGO_PATH = "/connection/websocket"
CENTRIFUGO_HELLO = (b'{"id":1,"connect":{}}', b'{"id":2,"subscribe":{"channel":"bench"}}')


def masked(text: bytes) -> bytes:
    """A client's text frame; a mask of zeros is a mask."""
    assert len(text) < 126
    return bytes((0x81, 0x80 | len(text))) + b"\x00\x00\x00\x00" + text


def upgrade(port: int, path: str = "/v1/ws") -> bytes:
    key = base64.b64encode(os.urandom(16))
    return (
        b"GET %b HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %b\r\n\r\n" % (path.encode(), port, key)
    )


class Group:
    """Sockets of one server. `received` counts bytes since the last drain."""

    def __init__(self, port: int, count: int, how: str) -> None:
        self.sockets: list[socket.socket] = []
        self.received = 0
        for _ in range(count):
            opened = socket.create_connection(("127.0.0.1", port), timeout=20)
            if how != "plain":
                opened.sendall(upgrade(port, CENTRIFUGO_PATH) if how == "centrifugo" else upgrade(port))
            self.sockets.append(opened)
        for opened in self.sockets:
            if how != "plain":
                self._until(opened, b"\r\n\r\n")
            if how == "subscribe":
                opened.sendall(masked(SUBSCRIBE))
            elif how == "centrifugo":
                opened.sendall(b"".join(map(masked, CENTRIFUGO_HELLO)))
        last = {"subscribe": b'"synced"', "centrifugo": b'"id":2'}.get(how)
        if last is not None:
            for opened in self.sockets:
                self._until(opened, last)
        for opened in self.sockets:
            opened.setblocking(False)

    @staticmethod
    def _until(opened: socket.socket, mark: bytes) -> None:
        seen = b""
        while mark not in seen:
            part = opened.recv(1 << 16)
            if not part:
                raise ConnectionError(f"closed after {seen[-200:]!r}")
            seen += part


def main() -> None:
    """Serve commands until standard input ends."""
    groups: dict[str, Group] = {}
    poll = select.epoll()
    owners: dict[int, tuple[Group, socket.socket]] = {}
    poll.register(0, select.EPOLLIN)
    waiting: tuple[Group, int] | None = None
    line = b""
    room = bytearray(1 << 16)
    while True:
        for number, _ in poll.poll():
            if number == 0:
                part = os.read(0, 1 << 16)
                if not part:
                    return
                line += part
                while b"\n" in line:
                    text, _, line = line.partition(b"\n")
                    waiting = obey(json.loads(text), groups, owners, poll) or waiting
            else:
                group, opened = owners[number]
                try:
                    size = opened.recv_into(room)
                except BlockingIOError:
                    continue
                if size == 0:
                    poll.unregister(number)
                group.received += size
        if waiting is not None and waiting[0].received >= waiting[1]:
            waiting[0].received -= waiting[1]
            waiting = None
            answer({"drained": True})


def obey(
    command: dict[str, Any],
    groups: dict[str, Group],
    owners: dict[int, tuple[Group, socket.socket]],
    poll: select.epoll,
) -> tuple[Group, int] | None:
    """Carry out one command."""
    if "open" in command:
        name, port, count, how = command["open"]
        group = groups[name] = Group(port, count, how)
        for opened in group.sockets:
            owners[opened.fileno()] = (group, opened)
            poll.register(opened, select.EPOLLIN)
        answer({"opened": len(group.sockets)})
        return None
    if "close" in command:
        for opened in groups.pop(command["close"]).sockets:
            poll.unregister(opened)
            del owners[opened.fileno()]
            opened.close()
        answer({"closed": True})
        return None
    if "received" in command:
        answer({"received": groups[command["received"]].received})
        return None
    name, size = command["drain"]
    return groups[name], size


def answer(document: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(document) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
