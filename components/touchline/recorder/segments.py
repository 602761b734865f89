"""The log's format: segments of compressed entries, each naming the hash of the one before it.

A segment is MessagePack. Its hash is the SHA-256 of the stored bytes; the next one carries it as `previous`, so that nothing can be left
out, put in or changed afterwards without breaking the chain. What was missing at the source stands in it as a `Break`.
"""

import hashlib
import zlib
from collections.abc import Iterable, Sequence

import msgspec

FORMAT = 1
NOTHING = b"\0" * 32
"""`previous` of a log's first segment."""
LEVEL = 1
"""Of the compression: prices of one market are much alike, more effort saves little."""


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """One message as its source holds it: stream, sequence there, when the broker stored it (RFC 3339), subject and bytes."""

    stream: str
    seq: int
    at: str
    subject: str
    data: bytes


class Place(msgspec.Struct, frozen=True, array_like=True):
    """Up to where a source is recorded: `seq`, and when the broker stored that message (`at`; empty where none was recorded). `created`
    is when the stream was made. Both tell one life of a stream from the next."""

    seq: int
    at: str
    created: str


class Break(msgspec.Struct, frozen=True, array_like=True):
    """Between `after` and `until`, both recorded or to be recorded, a source's messages are missing; why."""

    stream: str
    after: int
    until: int
    why: str


class Segment(msgspec.Struct, frozen=True):
    """One message of the log. `at`: epoch microseconds of its writer; `entries` are packed by `pack`."""

    format: int
    previous: bytes
    writer: str
    at: int
    places: dict[str, Place]
    breaks: list[Break]
    count: int
    entries: bytes


class Damaged(ValueError):
    """The bytes are no segment of a format that is known here."""


_entries = msgspec.msgpack.Decoder(list[Entry])
_segments = msgspec.msgpack.Decoder(Segment)


def pack(entries: Sequence[Entry]) -> bytes:
    """Entries as a segment holds them."""
    return zlib.compress(msgspec.msgpack.encode(entries), LEVEL)


def unpack(segment: Segment) -> list[Entry]:
    """The entries of a segment, in the order in which they were found.

    Raises:
        Damaged: they are damaged.
    """
    try:
        entries = _entries.decode(zlib.decompress(segment.entries))
    except (zlib.error, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Damaged(f"the segment's entries are damaged: {error}") from error
    if len(entries) != segment.count:
        raise Damaged(f"the segment says that it has {segment.count} entries, and has {len(entries)}")
    return entries


def encode(segment: Segment) -> bytes:
    """The bytes to store."""
    return msgspec.msgpack.encode(segment)


def decode(stored: bytes) -> Segment:
    """A stored segment, its entries still packed.

    Raises:
        Damaged: it is none.
    """
    try:
        segment = _segments.decode(stored)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Damaged(f"this is no segment: {error}") from error
    if segment.format != FORMAT:
        raise Damaged(f"the segment has format {segment.format}; this release reads {FORMAT}")
    return segment


def hash_of(stored: bytes) -> bytes:
    """What the next segment names as `previous`."""
    return hashlib.sha256(stored).digest()


def faults(stored: Iterable[tuple[int, bytes]]) -> Iterable[tuple[int, str]]:
    """Where a log is not whole: sequence in its stream, and what is wrong there. Given each segment's sequence and bytes, oldest first;
    what the oldest names as `previous` has run out and cannot be checked."""
    known: tuple[int, bytes] | None = None
    for seq, payload in stored:
        try:
            segment = decode(payload)
            unpack(segment)
        except Damaged as error:
            yield seq, f"{error}"
        else:
            if known is not None and seq != known[0] + 1:
                yield seq, f"the segments {known[0] + 1} to {seq - 1} are missing"
            elif known is not None and segment.previous != known[1]:
                yield seq, f"it does not follow segment {known[0]}: one of the two was changed"
        known = (seq, hash_of(payload))
