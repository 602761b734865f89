"""Reception: runs one adapter. Connect, capture every frame, hand it to the session, act on what the session says, reconnect.

Nothing is interpreted here. Each frame is stamped when its read returns and captured before the session sees it. When the capture's
buffer is full nothing more is read, so the provider's own flow control, or its patience, is what gives.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Sequence
from typing import Protocol

from touchline.bus.ending import end
from touchline.feeds.interface import Adapter, FrameTooLong, Output, Reconnect, Send, Transport, TransportError
from touchline.ingest.capture import Capture
from touchline.ingest.clock import SECOND, Clock
from touchline.ingest.origin import Origin

log = logging.getLogger(__name__)

TICK_S = 0.05
CONNECT_S = 30.0
CLOSE_S = 2.0
STALL_US = SECOND
PACE_S = 0.002
"""Between two reads of few frames, at least: what comes meanwhile is read, captured and sent on together."""
FEW = 16


class Sink(Protocol):
    """Who acts on a session's outputs, other than `Send` and `Reconnect`."""

    def take(self, now: int, wall: int, origin: Origin, outputs: Sequence[Output]) -> None:
        """Take outputs in order. Does not block."""

    def frame_too_long(self, now: int, wall: int, origin: Origin, detail: str) -> None:
        """A frame exceeded the transport's bound; `origin.frame` is its head."""

    async def flush(self) -> None:
        """Send what has been taken."""


class Reception:
    """The connection of one provider. `run_id` begins every connection's name."""

    def __init__(self, adapter: Adapter, capture: Capture, sink: Sink, clock: Clock, *, run_id: str) -> None:
        self._adapter = adapter
        self._session = adapter.session
        self._capture = capture
        self._sink = sink
        self._clock = clock
        self._run_id = run_id
        self._connections = 0
        self._sequence = 0
        self._sends: deque[bytes] = deque()
        self._sending = asyncio.Lock()
        self._transport: Transport | None = None
        self._verdict: Reconnect | None = None
        self._dropping = asyncio.Event()
        self._stalled_since = 0
        self.connected = False
        self.permanent = ""
        """Why trying again is useless until somebody changes something; empty otherwise."""

    @property
    def adapter(self) -> Adapter:
        """The adapter that this runs."""
        return self._adapter

    @property
    def stall(self) -> str:
        """Why nothing has been read for more than a second, though there may be something; empty while all is well."""
        if self._stalled_since and self._clock.now() - self._stalled_since > STALL_US:
            return f"raw capture is behind: {self._capture.waiting} frames wait for the broker, reading has stopped"
        return ""

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set: connect, read, reconnect after the session's back-off."""
        ticker = asyncio.create_task(self._tick(), name="session ticks")
        stopping = asyncio.create_task(stop.wait(), name="stop")
        try:
            while not stop.is_set():
                verdict = await self._one_connection(stopping)
                if stop.is_set():
                    return
                if verdict is None:
                    log.info("the feed has ended; nothing more is read")
                    await stop.wait()
                    return
                self.permanent = verdict.detail if verdict.permanent else ""
                log.log(
                    logging.ERROR if verdict.permanent else logging.WARNING,
                    "%s; connecting again in %.1f s",
                    verdict.detail,
                    verdict.after_us / SECOND,
                )
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(verdict.after_us / SECOND):
                        await stop.wait()
        finally:
            await end((ticker, stopping))

    async def _one_connection(self, stopping: "asyncio.Task[bool]") -> Reconnect | None:
        self._verdict = None
        self._dropping.clear()
        self._sends.clear()
        transport, detail = await self._connect(stopping)
        if transport is not None:
            self._connections += 1
            self._transport, self.connected = transport, True
            self._act(self._session.connected(self._clock.now(), self._clock.wall()))
            try:
                detail = await self._until_over(transport, stopping)
            finally:
                self._transport, self.connected = None, False
                await self._close(transport)
        self._act(self._session.disconnected(self._clock.now(), self._clock.wall(), detail))
        await self._sink.flush()
        return self._verdict

    async def _connect(self, stopping: "asyncio.Task[bool]") -> tuple[Transport | None, str]:
        opening = asyncio.ensure_future(self._adapter.connect())
        done, _ = await asyncio.wait({opening, stopping}, timeout=CONNECT_S, return_when=asyncio.FIRST_COMPLETED)
        if opening in done:
            try:
                return opening.result(), ""
            except TransportError as error:
                return None, str(error)
        await end([opening])
        return None, "stopping" if done else f"no connection within {CONNECT_S:.0f} s"

    async def _until_over(self, transport: Transport, stopping: "asyncio.Task[bool]") -> str:
        """Read until the provider closes, the session gives up, or we stop; why it ended."""
        reading = asyncio.create_task(self._read(transport), name="reading")
        dropping = asyncio.create_task(self._dropping.wait(), name="dropping")
        try:
            await self._write(transport)
            await asyncio.wait({reading, dropping, stopping}, return_when=asyncio.FIRST_COMPLETED)
        except TransportError as error:
            return str(error)
        finally:
            await end((reading, dropping))
            self._stalled_since = 0
        if not reading.cancelled():
            return reading.result()
        return self._verdict.detail if self._verdict is not None else "stopping"

    async def _read(self, transport: Transport) -> str:
        loop = asyncio.get_running_loop()
        try:
            async for frames in transport.frames():
                began = loop.time()
                received = self._clock.wall()
                for frame in frames:
                    self._frame(frame, received)
                await self._sink.flush()
                await self._write(transport)
                await self._wait_for_room()
                if len(frames) < FEW and (wait := began + PACE_S - loop.time()) > 0:
                    await asyncio.sleep(wait)
        except FrameTooLong as error:
            self._too_long(error)
            return str(error)
        except TransportError as error:
            return str(error)
        return "the provider closed the connection"

    def _frame(self, frame: bytes, received: int) -> None:
        self._sequence += 1
        origin = Origin(received, self._name, self._sequence, frame)
        self._capture.offer(frame, received, origin.connection, origin.sequence)
        self._act(self._session.received(self._clock.now(), received, frame), origin)

    def _too_long(self, error: FrameTooLong) -> None:
        self._sequence += 1
        origin = Origin(self._clock.wall(), self._name, self._sequence, error.head)
        log.error("%s; its first %d bytes are kept in quarantine", error, len(error.head))
        self._capture.offer(error.head, origin.received_us, origin.connection, origin.sequence, truncated=True)
        self._sink.frame_too_long(self._clock.now(), self._clock.wall(), origin, str(error))

    async def _wait_for_room(self) -> None:
        if not self._capture.sender.full:
            await asyncio.sleep(0)  # a feed that never pauses must not keep beats and answers from their turn
            return
        self._stalled_since = self._clock.now()
        await self._capture.sender.room()
        if self.stall:
            log.warning("raw capture has room again; reading goes on")
        self._stalled_since = 0

    def _act(self, outputs: Sequence[Output], origin: Origin | None = None) -> None:
        now, wall = self._clock.now(), self._clock.wall()
        for output in outputs:
            if isinstance(output, Send):
                self._sends.append(output.payload)
            elif isinstance(output, Reconnect):
                if self._verdict is None:
                    self._verdict = output
                self._dropping.set()
        self._sink.take(now, wall, origin or Origin(wall, self._name, 0, b""), outputs)

    async def _write(self, transport: Transport) -> None:
        async with self._sending:
            while self._sends:
                await transport.send(self._sends.popleft())

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            self._act(self._session.tick(self._clock.now(), self._clock.wall()))
            await self._sink.flush()
            transport = self._transport
            if transport is not None and self._sends:
                try:
                    await self._write(transport)
                except TransportError as error:
                    log.warning("%s", error)
                    self._dropping.set()

    async def _close(self, transport: Transport) -> None:
        try:
            async with asyncio.timeout(CLOSE_S):
                await transport.close()
        except (TransportError, TimeoutError) as error:
            log.debug("closing %s: %r", self._name, error)

    @property
    def _name(self) -> str:
        return f"{self._run_id}.{self._connections}"
