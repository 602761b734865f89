"""A client's connection to a gateway: one stream each way, slow at times, broken at others."""

from collections.abc import Callable
from typing import Any

from touchline.gateway.identity import Identity
from touchline.simulation.gateway_node import GatewayNode
from touchline.simulation.scheduler import MILLISECOND, Scheduler

SOCKET_BYTES = 6_000
"""What a socket holds before its gateway is told that it is full."""


class Socket:
    """`received(payload)` and `closed(why)` are the client's; nothing is called after `closed`."""

    def __init__(
        self,
        gateway: GatewayNode,
        scheduler: Scheduler,
        received: Callable[[bytes], None],
        closed: Callable[[str], None],
    ) -> None:
        self.gateway = gateway
        self.open = True
        self.reading = True
        self._scheduler = scheduler
        self._received = received
        self._closed = closed
        self._down_at = 0
        self._up_at = 0
        self._unread: list[bytes] = []
        self._unread_bytes = 0
        self._full = False

    def connect(self, identity: Identity) -> None:
        self._send_up(self.gateway.reach, self, identity)

    def send(self, text: bytes) -> None:
        if self.open:
            self._up(self.gateway.command, text)

    def drop(self) -> None:
        """The client's side of it breaks."""
        if self.open:
            self.open = False
            self._scheduler.after(self._scheduler.between(1, 50) * MILLISECOND, self._tell_gone)

    def stop_reading(self) -> None:
        self.reading = False

    def read_on(self) -> None:
        """Take what has piled up, and tell the gateway that there is room."""
        self.reading = True
        unread, self._unread, self._unread_bytes = self._unread, [], 0
        for payload in unread:
            self._arrived(payload)
        if self._full:
            self._full = False
            self._up(self.gateway.writable, True)

    # -- the gateway's side --------------------------------------------------------------------------------------------

    def write(self, payload: bytes) -> None:
        if not self.open:
            return
        if not self.reading:
            self._unread.append(payload)
            self._unread_bytes += len(payload)
            if self._unread_bytes > SOCKET_BYTES and not self._full:
                self._full = True
                self.gateway.timer(0, self.gateway.writable, self, False)
            return
        self._down_at = max(self._down_at, self._scheduler.now + 300 + int(self._scheduler.rng.random() * 4_000))
        self._scheduler.at(self._down_at, self._arrived, payload)

    def shut(self, code: int, reason: str) -> None:
        """The gateway closes it, or is dead."""
        if self.open:
            self._scheduler.after(self._scheduler.between(1, 30) * MILLISECOND, self._shut, f"{code} {reason}")

    def _shut(self, why: str) -> None:
        if self.open:
            self.open = False
            self._closed(why)

    def _arrived(self, payload: bytes) -> None:
        if self.open:
            self._received(payload)

    def _up(self, action: Callable[..., None], *args: Any) -> None:
        """Something for the gateway's process."""
        self._send_up(self.gateway.handle, action, self, *args)

    def _send_up(self, deliver: Callable[..., None], *args: Any) -> None:
        self._up_at = max(self._up_at, self._scheduler.now + 300 + int(self._scheduler.rng.random() * 4_000))
        self._scheduler.at(self._up_at, self._deliver, self.gateway.incarnation, deliver, args)

    def _deliver(self, incarnation: int, deliver: Callable[..., None], args: tuple[Any, ...]) -> None:
        if self.gateway.incarnation == incarnation and self.gateway.alive:
            deliver(*args)
        else:
            self.shut(1006, "nobody listens there")

    def _tell_gone(self) -> None:
        self.gateway.handle(self.gateway.gone, self)
