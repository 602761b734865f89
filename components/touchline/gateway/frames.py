"""Bytes on the wire: several JSON objects as one WebSocket message, or as Server-Sent Events.

A server's WebSocket frame has no mask (RFC 6455, 5.1), so its bytes are the same for every receiver: header and payload are
put together once and the finished frame is written to each socket.
"""

from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Any

import msgspec

_TEXT = 0x81  # FIN and opcode 1
PING = b"\x89\x00"


class Format(Enum):
    """How one client reads the stream."""

    WEBSOCKET = "WebSocket"
    EVENTS = "Events"


def text_frame(payload: bytes) -> bytes:
    """One unfragmented, unmasked WebSocket text frame."""
    size = len(payload)
    if size < 126:
        return bytes((_TEXT, size)) + payload
    if size < 1 << 16:
        return bytes((_TEXT, 126, size >> 8, size & 0xFF)) + payload
    return bytes((_TEXT, 127)) + size.to_bytes(8, "big") + payload


def joined(bodies: Sequence[bytes]) -> bytes:
    """One WebSocket message: the object itself, or an array of several."""
    return text_frame(bodies[0] if len(bodies) == 1 else b"[" + b",".join(bodies) + b"]")


def events(objects: Iterable[tuple[str, bytes]], cursor: bytes = b"") -> bytes:
    """Server-Sent Events of `(op, body)` pairs. The cursor is the last one's id: only after it has everything been sent."""
    parts = [b"event: %b\ndata: %b\n\n" % (op.encode(), body) for op, body in objects]
    if cursor and parts:
        parts[-1] = b"id: %b\n%b" % (cursor, parts[-1])
    return b"".join(parts)


def render(how: Format, objects: Sequence[tuple[str, bytes]], cursor: bytes = b"") -> bytes:
    """`(op, body)` pairs in one client's format."""
    if how is Format.WEBSOCKET:
        return joined([body for _, body in objects])
    return events(objects, cursor)


def read_frames(data: bytes) -> list[dict[str, Any]]:
    """The objects of whole, unmasked text frames: what a reader of our own output sees (simulation, tests, tools).

    Raises:
        ValueError: the bytes are not a whole number of such frames.
    """
    objects: list[dict[str, Any]] = []
    while data:
        if data[:2] == PING:
            data = data[2:]
            continue
        if data[0] != _TEXT or len(data) < 2 or data[1] > 127:
            raise ValueError(f"not an unmasked text frame: {data[:16]!r}")
        start, size = 2, data[1]
        if size >= 126:
            start = 4 if size == 126 else 10
            size = int.from_bytes(data[2:start], "big")
        if len(data) < start + size:
            raise ValueError("a truncated frame")
        message = msgspec.json.decode(data[start : start + size])
        objects.extend(message if isinstance(message, list) else [message])
        data = data[start + size :]
    return objects
