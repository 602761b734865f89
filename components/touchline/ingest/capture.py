"""Raw capture: every frame to `raw.<provider>`, exactly as received, before or beside decoding.

A frame larger than a broker message is stored in parts (`Touchline-Part: 2/3`), in order, with one `Touchline-Seq`.
"""

from nats.aio.client import Client

from touchline.bus import subjects
from touchline.ingest.clock import Clock
from touchline.ingest.durable import DurableSender

RECEIVED = "Touchline-Recv-Ns"
CONNECTION = "Touchline-Connection"
SEQUENCE = "Touchline-Seq"
PART = "Touchline-Part"
TRUNCATED = "Touchline-Truncated"

PART_BYTES = 768 * 1024
"""Below the broker's own default limit of 1 MiB a message, headers included."""


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
        self.frames = 0
        self.stored = 0

    def offer(self, frame: bytes, received_us: int, connection: str, sequence: int, *, truncated: bool = False) -> None:
        """Take one frame. Never blocks and never refuses: whoever reads asks `sender.full` and waits for `sender.room`."""
        self.frames += 1
        headers = {RECEIVED: f"{received_us}000", CONNECTION: connection, SEQUENCE: str(sequence)}
        if truncated:
            headers[TRUNCATED] = "1"
        if len(frame) <= PART_BYTES:
            self.sender.send(self._subject, frame, headers, self._stored)
            return
        count = -(-len(frame) // PART_BYTES)
        for index in range(count):
            part = frame[index * PART_BYTES : (index + 1) * PART_BYTES]
            last = index + 1 == count
            self.sender.send(
                self._subject, part, headers | {PART: f"{index + 1}/{count}"}, self._stored if last else None
            )

    def _stored(self) -> None:
        self.stored += 1
