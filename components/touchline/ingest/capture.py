"""Raw capture: every frame to `raw.<provider>`, exactly as received, before or beside decoding.

The broker's work is by the message, so frames that follow each other within `PACE_S` share one (`touchline.bus.raw`). The first after a
quiet time does not wait. A frame larger than a broker message is stored in parts, in order, with one number.
"""

import asyncio

from nats.aio.client import Client

from touchline.bus import subjects
from touchline.bus.raw import PART, TRUNCATED, RawFrame, pack
from touchline.ingest.clock import Clock
from touchline.ingest.durable import DurableSender

PART_BYTES = 768 * 1024
"""Below the broker's own default limit of 1 MiB a message, headers included."""
PACE_S = 0.005
"""Between two messages of a busy feed, at least: what a kill of the process can take with it, beside what is under way."""
SHARED_BYTES = 256 * 1024
SHARED_FRAMES = 256
"""A message that several frames share is full with either."""


class Capture:
    """The capture of one provider; `frames` and `stored` count whole frames."""

    def __init__(
        self,
        nc: Client,
        provider: str,
        *,
        run: str,
        clock: Clock,
        max_messages: int = 20_000,
        max_bytes: int = 64 << 20,
    ) -> None:
        self.provider = provider
        self._subject = subjects.raw(provider)
        self.sender = DurableSender(
            nc,
            what=f"raw capture to {subjects.raw_stream(provider)}",
            run=run,
            clock=clock,
            max_messages=max_messages,
            max_bytes=max_bytes,
        )
        self._loop = asyncio.get_running_loop()
        self._together: list[RawFrame] = []
        self._bytes = 0
        self._due: asyncio.Handle | None = None
        self._sent_at = 0.0
        self.frames = 0
        self.stored = 0

    @property
    def waiting(self) -> int:
        """Frames not yet acknowledged as stored."""
        return self.frames - self.stored

    def offer(self, frame: bytes, received_us: int, connection: str, sequence: int, *, truncated: bool = False) -> None:
        """Take one frame. Never blocks and never refuses: whoever reads asks `sender.full` and waits for `sender.room`."""
        self.frames += 1
        one = RawFrame(received_us, connection, sequence, frame)
        if truncated or len(frame) > PART_BYTES:
            self.flush()
            self._alone(one, truncated=truncated)
            return
        before = self._together[-1] if self._together else None
        if before is not None and (
            before.connection != connection
            or before.sequence + 1 != sequence
            or self._bytes + len(frame) > SHARED_BYTES
            or len(self._together) >= SHARED_FRAMES
        ):
            self.flush()
        self._together.append(one)
        self._bytes += len(frame)
        if self._due is None:
            wait = self._sent_at + PACE_S - self._loop.time()
            self._due = self._loop.call_later(wait, self.flush) if wait > 0 else self._loop.call_soon(self.flush)

    def flush(self) -> None:
        """Hand over what has come together."""
        if self._due is not None:
            self._due.cancel()
            self._due = None
        if not self._together:
            return
        frames, self._together, self._bytes = self._together, [], 0
        self._sent_at = self._loop.time()
        headers, payload = pack(frames)
        count = len(frames)
        self.sender.send(self._subject, payload, headers, lambda: self._stored(count), weight=count)

    def _alone(self, one: RawFrame, *, truncated: bool) -> None:
        headers, frame = pack([one])
        if truncated:
            headers[TRUNCATED] = "1"
        count = max(1, -(-len(frame) // PART_BYTES))
        for index in range(count):
            part = frame[index * PART_BYTES : (index + 1) * PART_BYTES]
            marked = headers | ({PART: f"{index + 1}/{count}"} if count > 1 else {})
            self.sender.send(self._subject, part, marked, (lambda: self._stored(1)) if index + 1 == count else None)

    async def close(self, timeout_s: float) -> bool:
        """Wait until all is stored, at most `timeout_s`; false where something was left behind."""
        self.flush()
        return await self.sender.close(timeout_s)

    def _stored(self, frames: int) -> None:
        self.stored += frames
