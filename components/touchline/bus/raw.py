"""What a message of `raw.<provider>` holds: one frame, a part of a very long one, or several frames that arrived closely together.

The payload is the frames' exact bytes, one after the other. Headers:

    Touchline-Recv-Ns      when the (first) frame was received, epoch nanoseconds
    Touchline-Connection   the connection that it came by
    Touchline-Seq          its number on that connection's ingest; the frames that follow have the next numbers
    Touchline-Frames       only where there are several: `LENGTH+LATER` for each, separated by commas: its length in bytes, and how many
                           microseconds after the first it was received
    Touchline-Part         `2/3`: only a part of a frame that is longer than a message may be
    Touchline-Truncated    `1`: only the head of a frame that was too long to be read
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

RECEIVED = "Touchline-Recv-Ns"
CONNECTION = "Touchline-Connection"
SEQUENCE = "Touchline-Seq"
FRAMES = "Touchline-Frames"
PART = "Touchline-Part"
TRUNCATED = "Touchline-Truncated"


class RawError(ValueError):
    """A message of `raw.*` that no ingest wrote."""


class RawFrame(NamedTuple):
    """One frame as it was received."""

    received_us: int
    connection: str
    sequence: int
    frame: bytes


def pack(frames: Sequence[RawFrame]) -> tuple[dict[str, str], bytes]:
    """Headers and payload of one message: frames of one connection with consecutive numbers, at least one."""
    first = frames[0]
    headers = {RECEIVED: f"{first.received_us}000", CONNECTION: first.connection, SEQUENCE: str(first.sequence)}
    if len(frames) == 1:
        return headers, first.frame
    headers[FRAMES] = ",".join([f"{len(one.frame)}+{one.received_us - first.received_us}" for one in frames])
    return headers, b"".join([one.frame for one in frames])


def unpack(headers: Mapping[str, str], payload: bytes) -> list[RawFrame]:
    """The frames of one message, in order; a part of a frame counts as one.

    Raises:
        RawError: a header is missing or malformed, or the lengths are not the payload's.
    """
    try:
        received, connection, sequence = int(headers[RECEIVED]) // 1000, headers[CONNECTION], int(headers[SEQUENCE])
        listed = [one.split("+") for one in headers[FRAMES].split(",")] if FRAMES in headers else [[len(payload), 0]]
        places = [(int(length), int(later)) for length, later in listed]
    except (KeyError, ValueError) as error:
        raise RawError(f"not a message of raw capture: {error}") from error
    if sum(length for length, _ in places) != len(payload):
        raise RawError(f"{FRAMES} names {sum(length for length, _ in places)} bytes, there are {len(payload)}")
    frames, start = [], 0
    for index, (length, later) in enumerate(places):
        frames.append(RawFrame(received + later, connection, sequence + index, payload[start : start + length]))
        start += length
    return frames
