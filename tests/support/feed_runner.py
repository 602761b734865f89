"""One adapter on a real connection, run as the contract in `interface` says: for tests of feeds without an ingest."""

import asyncio
import time
from types import TracebackType
from typing import Self

from support.feed_outputs import Reader
from touchline.domain.status import ProviderState
from touchline.feeds.interface import Adapter, FrameTooLong, Gap, Output, Reconnect, Send, Transport, TransportError

TICK_S = 0.02


def now_us() -> int:
    return time.monotonic_ns() // 1000


def wall_us() -> int:
    return time.time_ns() // 1000


class FeedRunner:
    """Runs while its `async with` block does. What came of it stands in `reader`, `log` and the lists."""

    def __init__(self, adapter: Adapter) -> None:
        self.adapter = adapter
        self.reader = Reader()
        self.log: list[tuple[int, Output]] = []
        """Everything but updates, with the moment."""
        self.delays_us: list[int] = []
        self.too_long: list[bytes] = []
        self.connections = 0
        self._transport: Transport | None = None
        self._dropped = asyncio.Event()
        self._verdict: Reconnect | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(self._run()), asyncio.create_task(self._tick())]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._transport is not None:
            await self._transport.close()

    @property
    def state(self) -> ProviderState:
        return self.reader.state

    def gaps(self) -> list[Gap]:
        return [output for _, output in self.log if isinstance(output, Gap)]

    def reconnects(self) -> list[Reconnect]:
        return [output for _, output in self.log if isinstance(output, Reconnect)]

    def _act(self, outputs: list[Output]) -> list[bytes]:
        self.reader.take(outputs)
        payloads = []
        for output in outputs:
            if isinstance(output, Send):
                payloads.append(output.payload)
            elif isinstance(output, Reconnect):
                self._verdict = self._verdict or output
                self._dropped.set()
            publish_us = getattr(output, "publish_us", 0)
            if publish_us:
                self.delays_us.append(wall_us() - publish_us)
            if not hasattr(output, "updates"):
                self.log.append((now_us(), output))
        return payloads

    async def _run(self) -> None:
        while True:
            self._verdict = None
            self._dropped.clear()
            detail = "closed by the provider"
            try:
                self._transport = await self.adapter.connect()
                self.connections += 1
                await self._send(self._act(self.adapter.session.connected(now_us(), wall_us())))
                await self._read(self._transport)
            except FrameTooLong as error:
                self.too_long.append(error.head)
                detail = str(error)
            except TransportError as error:
                detail = str(error)
            if self._transport is not None:
                transport, self._transport = self._transport, None
                await transport.close()
            self._act(self.adapter.session.disconnected(now_us(), wall_us(), detail))
            if self._verdict is None:
                return
            await asyncio.sleep(self._verdict.after_us / 1e6)

    async def _read(self, transport: Transport) -> None:
        async def read() -> None:
            async for frames in transport.frames():
                for frame in frames:
                    await self._send(self._act(self.adapter.session.received(now_us(), wall_us(), frame)))

        reading, dropped = asyncio.create_task(read()), asyncio.create_task(self._dropped.wait())
        try:
            await asyncio.wait({reading, dropped}, return_when=asyncio.FIRST_COMPLETED)
            if reading.done():
                reading.result()
        finally:
            for task in (reading, dropped):
                task.cancel()
            await asyncio.gather(reading, dropped, return_exceptions=True)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            await self._send(self._act(self.adapter.session.tick(now_us(), wall_us())))

    async def _send(self, payloads: list[bytes]) -> None:
        for payload in payloads:
            if self._transport is not None:
                await self._transport.send(payload)
