"""What is written to `quarantine.<provider>.<reason>`: the refusal, its candidates, and enough to try again.

`frame` names the captured frame (`raw.<provider>`: connection and sequence); `update` is the native update as the adapter read
it. A frame that no adapter could read is given as its head in base64; the whole stands in the capture.
"""

from base64 import b64encode

import msgspec

from touchline.feeds.interface import Frame, NativeUpdate
from touchline.ingest.origin import Origin
from touchline.ingest.refusals import QuarantineReason, Refusal
from touchline.ingest.results import Quarantine

HEAD_BYTES = 4096
MAX_UPDATE_BYTES = 256 * 1024


class QuarantineRecord(msgspec.Struct, omit_defaults=True, rename="camel"):
    """One refusal, as JSON."""

    provider: str
    reason: QuarantineReason
    detail: str
    at: int
    """Epoch microseconds."""
    received_at: int = 0
    connection: str = ""
    sequence: int = 0
    rule: str = ""
    """The adapter's own word for what it could not read."""
    market: str = ""
    event: str = ""
    runner: str = ""
    candidates: tuple[str, ...] = ()
    update: NativeUpdate | None = None
    update_left_out: int = 0
    """Size of an update too large to be repeated here; it stands in the captured frame."""
    head: str = ""


def of_update(provider: str, wall: int, origin: Origin, refused: Quarantine) -> QuarantineRecord:
    """A refusal of the pipeline."""
    record = _record(provider, wall, origin, refused.refusal)
    record.market, record.event = refused.market, refused.event
    if refused.update is not None:
        size = len(msgspec.json.encode(refused.update))
        if size <= MAX_UPDATE_BYTES:
            record.update = refused.update
        else:
            record.update_left_out = size
    return record


def of_frame(provider: str, wall: int, origin: Origin, frame: Frame) -> QuarantineRecord:
    """A frame that its adapter refused."""
    record = _record(provider, wall, origin, Refusal(QuarantineReason.MALFORMED_FRAME, frame.detail))
    record.rule = frame.rule
    record.head = _head(origin.frame)
    return record


def of_long_frame(provider: str, wall: int, origin: Origin, detail: str) -> QuarantineRecord:
    """A frame that the transport could not take."""
    record = _record(provider, wall, origin, Refusal(QuarantineReason.FRAME_TOO_LONG, detail))
    record.head = _head(origin.frame)
    return record


def _record(provider: str, wall: int, origin: Origin, refusal: Refusal) -> QuarantineRecord:
    return QuarantineRecord(
        provider=provider,
        reason=refusal.reason,
        detail=refusal.detail,
        at=wall,
        received_at=origin.received_us,
        connection=origin.connection if origin.sequence else "",
        sequence=origin.sequence,
        runner=refusal.runner,
        candidates=refusal.candidates,
    )


def _head(frame: bytes) -> str:
    return b64encode(frame[:HEAD_BYTES]).decode()
