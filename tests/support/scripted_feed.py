"""A provider that a test plays by hand: an adapter whose transport and session do what they are told.

Frames are text commands: `update <micro>` a price of market 1.1, `image`, `ignore`, `broken`, `connected`, `gap`, `send`.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence

from support.native_markets import native
from touchline.domain.status import ProviderState
from touchline.feeds.interface import (
    Alive,
    Disposition,
    Frame,
    Gap,
    NativePrice,
    NativeUpdate,
    Output,
    Reconnect,
    Send,
    Session,
    State,
    Transport,
    TransportError,
    Updates,
)


class ScriptedSession:
    """Reads the commands above. `reconnect_us` is its back-off."""

    def __init__(self, reconnect_us: int = 10_000) -> None:
        self.reconnect_us = reconnect_us
        self.permanent = False
        self.log: list[str] = []
        self.give_up = ""

    def connected(self, now: int, wall: int) -> list[Output]:
        self.log.append("connected")
        return [State(ProviderState.RECOVERING, "open"), Send(b"hello")]

    def received(self, now: int, wall: int, frame: bytes) -> list[Output]:
        word, _, rest = frame.decode(errors="replace").partition(" ")
        accepted = Frame(Disposition.ACCEPTED, word)
        match word:
            case "image":
                prices = [NativePrice(runner.id, 2_000_000) for runner in native().runners]
                update = NativeUpdate("1.1", wall, native(), prices, image=True)
                return [accepted, Alive(wall), Updates([update], wall)]
            case "update":
                return [
                    accepted,
                    Alive(wall),
                    Updates([NativeUpdate("1.1", wall, prices=[NativePrice("11", int(rest))])], wall),
                ]
            case "connected":
                return [accepted, Alive(wall), State(ProviderState.CONNECTED, "streaming")]
            case "gap":
                return [accepted, Gap(1, "one is missing")]
            case "ignore":
                return [Frame(Disposition.IGNORED, "NotForUs")]
            case "send":
                return [accepted, Send(rest.encode())]
            case "drop":
                return [accepted, Reconnect(self.reconnect_us, "told to drop")]
            case _:
                return [Frame(Disposition.QUARANTINED, "Unreadable", f"no such command {word[:20]!r}")]

    def disconnected(self, now: int, wall: int, detail: str) -> list[Output]:
        self.log.append(f"disconnected: {detail}")
        return [State(ProviderState.DISCONNECTED, detail), Reconnect(self.reconnect_us, detail, self.permanent)]

    def tick(self, now: int, wall: int) -> list[Output]:
        if self.give_up:
            detail, self.give_up = self.give_up, ""
            return [Reconnect(self.reconnect_us, detail)]
        return []


class ScriptedTransport:
    """Yields what is put into `reads`; an exception there is raised, `None` closes."""

    def __init__(self) -> None:
        self.reads: asyncio.Queue[Sequence[bytes] | Exception | None] = asyncio.Queue()
        self.sent: list[bytes] = []
        self.taken = 0
        self.closed = False

    async def frames(self) -> AsyncIterator[Sequence[bytes]]:
        while (read := await self.reads.get()) is not None:
            if isinstance(read, Exception):
                raise read
            self.taken += 1
            yield read

    async def send(self, payload: bytes) -> None:
        self.sent.append(payload)

    async def close(self) -> None:
        self.closed = True

    def say(self, *commands: str) -> None:
        """One read with these frames."""
        self.reads.put_nowait([command.encode() for command in commands])


class ScriptedAdapter:
    """Opens `ScriptedTransport`s; `refuse` makes attempts fail with its text."""

    def __init__(self) -> None:
        self.scripted = ScriptedSession()
        self.session: Session = self.scripted
        self.transports: list[ScriptedTransport] = []
        self.attempts = 0
        self.refuse = ""
        self.opened = asyncio.Event()

    async def connect(self) -> Transport:
        self.attempts += 1
        if self.refuse:
            raise TransportError(self.refuse)
        transport = ScriptedTransport()
        self.transports.append(transport)
        self.opened.set()
        return transport

    @property
    def transport(self) -> ScriptedTransport:
        return self.transports[-1]
