"""The payload of `book.*`: a routing head that needs no JSON parser, then the client's object, encoded once.

    <kind><urgent> <epoch> <seq> <prev> <market>\n<JSON object>

kind    S state, D delta, G gone
urgent  `!` the update shuts the market (it overtakes prices within a turn), `-` otherwise
seq     shard-wide sequence of this update in its epoch: the client's version is `<epoch>.<seq>`
prev    the market's previous seq in this epoch, 0 for a state
market  the market id (no spaces)

A snapshot is answered in chunks: frames as above each preceded by a line with its subject, joined by newlines (the JSON holds
none); the last chunk ends with the line `E <epoch> <seq>`, the shard's sequence as of the snapshot.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple


class WireError(ValueError):
    """A payload that has not this form."""


class BookFrame(NamedTuple):
    """One update as published. `body` is the client's JSON object, complete and final."""

    kind: str
    urgent: bool
    epoch: int
    seq: int
    prev: int
    market: str
    body: bytes


def pack(kind: str, urgent: bool, epoch: int, seq: int, prev: int, market: str, body: bytes) -> bytes:
    """The payload of one update."""
    return b"%b%b %d %d %d %b\n%b" % (kind.encode(), b"!" if urgent else b"-", epoch, seq, prev, market.encode(), body)


def unpack(payload: bytes) -> BookFrame:
    """Take a payload apart.

    Raises:
        WireError: the head is malformed.
    """
    head, newline, body = payload.partition(b"\n")
    parts = head.split(b" ")
    if not newline or len(parts) != 5 or len(parts[0]) != 2:
        raise WireError(f"not a book frame: {payload[:80]!r}")
    flags, epoch, seq, prev, market = parts
    try:
        return BookFrame(chr(flags[0]), flags[1] == 0x21, int(epoch), int(seq), int(prev), market.decode(), body)
    except ValueError as error:
        raise WireError(f"not a book frame: {payload[:80]!r}") from error


class SnapshotEnd(NamedTuple):
    epoch: int
    seq: int


def pack_snapshot(frames: Iterable[tuple[str, bytes]], end: SnapshotEnd, *, limit: int = 512 * 1024) -> Iterator[bytes]:
    """Chunks of at most about `limit` bytes from `(subject, payload)` pairs."""
    lines: list[bytes] = []
    size = 0
    for subject, payload in frames:
        part = subject.encode() + b"\n" + payload
        if lines and size + len(part) > limit:
            yield b"\n".join(lines)
            lines, size = [], 0
        lines.append(part)
        size += len(part) + 1
    lines.append(b"E %d %d" % end)
    yield b"\n".join(lines)


def unpack_snapshot(chunk: bytes) -> tuple[list[tuple[str, BookFrame]], SnapshotEnd | None]:
    """The frames of one chunk with their subjects, and the end mark if this is the last chunk.

    Raises:
        WireError: the chunk is malformed.
    """
    lines = chunk.split(b"\n")
    end = None
    if lines and lines[-1].startswith(b"E "):
        try:
            _, epoch, seq = lines.pop().split(b" ")
            end = SnapshotEnd(int(epoch), int(seq))
        except ValueError as error:
            raise WireError("not a snapshot end") from error
    if len(lines) % 3:
        raise WireError(f"a snapshot chunk of {len(lines)} lines")
    frames = [(lines[i].decode(), unpack(lines[i + 1] + b"\n" + lines[i + 2])) for i in range(0, len(lines), 3)]
    return frames, end
