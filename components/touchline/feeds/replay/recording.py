"""Reading a recorded file of stream messages: plain, .bz2 or .gz, recognised by content and never by name.

Three shapes are read. The usual one is a message a line. A file that is one JSON document over many lines is one message, or,
if it is an array, one message an element. Either way a frame is exactly the bytes that stand in the file (without the line
end), whatever they mean; only the bound on their length is checked here.
"""

import bz2
import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

import msgspec

from touchline.feeds.betfair.decode import BOM
from touchline.feeds.interface import FrameTooLong, TransportError

MAX_FRAME = 16 * 1024 * 1024
MAX_DOCUMENT = 64 * 1024 * 1024
"""The largest file that is read as one JSON document."""
HEAD = 1024
_BZIP2, _GZIP, _ZIP, _ZSTD = b"BZh", b"\x1f\x8b", b"PK", b"\x28\xb5\x2f\xfd"


class Line(NamedTuple):
    """One frame and where it stands: line number, or element number in a document, from 1."""

    number: int
    frame: bytes


class Recording:
    """One file. Opening it checks that it is there, readable, and holds anything at all."""

    def __init__(self, path: str | Path, *, max_frame: int = MAX_FRAME) -> None:
        """
        Raises:
            TransportError: it cannot be read or is empty; the message names the file and what to do.
        """
        self.path = Path(path)
        self._max_frame = max_frame
        self._raw: BinaryIO | None = None
        try:
            self.size = self.path.stat().st_size
            with self._open() as file:
                some = file.read(1)
        except (OSError, EOFError, zlib.error) as error:
            raise TransportError(f"recording {self.path}: cannot be read: {reason(error)}") from error
        if not some:
            raise TransportError(f"recording {self.path}: is empty; name a file of recorded stream messages")

    def lines(self) -> Iterator[Line]:
        """The frames in order; blank lines are none.

        Raises:
            TransportError: the file breaks off or is damaged; the message names file and line.
            FrameTooLong: a line exceeds the bound.
        """
        number = 0
        try:
            with self._open() as file:
                first = file.readline(self._max_frame + 1)
                if len(first) <= self._max_frame and not _complete(first):
                    document = first + file.read(MAX_DOCUMENT - len(first))
                    if not file.read(1) and (parts := _document(document)):
                        yield from (Line(at, part) for at, part in enumerate(parts, 1))
                        return
                    file.seek(0)
                    first = file.readline(self._max_frame + 1)
                line = first
                while line:
                    number += 1
                    if len(line) > self._max_frame and not line.endswith(b"\n"):
                        raise FrameTooLong(
                            f"recording {self.path}, line {number}: longer than {self._max_frame} bytes", line[:HEAD]
                        )
                    if frame := line.rstrip(b"\r\n"):
                        yield Line(number, frame)
                    line = file.readline(self._max_frame + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise TransportError(f"recording {self.path}, after line {number}: {reason(error)}") from error

    @property
    def position(self) -> int:
        """How many bytes of the file, as it lies on the disk, have been read; `size` is all of them."""
        return self.size if self._raw is None or self._raw.closed else self._raw.tell()

    @contextmanager
    def _open(self) -> Iterator[BinaryIO]:
        with self.path.open("rb") as raw:
            self._raw = raw
            magic = raw.read(4)
            raw.seek(0)
            if magic.startswith((_ZIP, _ZSTD)):
                raise TransportError(f"recording {self.path}: unpack it first; plain, .bz2 and .gz files are read")
            if magic.startswith(_BZIP2):
                with bz2.BZ2File(raw) as unpacked:
                    yield cast(BinaryIO, unpacked)
            elif magic.startswith(_GZIP):
                with gzip.GzipFile(fileobj=raw) as unzipped:
                    yield cast(BinaryIO, unzipped)
            else:
                yield raw


def reason(error: Exception) -> str:
    """What went wrong, in words."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__


def _complete(line: bytes) -> bool:
    """Whether a line is a JSON object by itself."""
    body = line[len(BOM) :] if line.startswith(BOM) else line
    try:
        return isinstance(msgspec.json.decode(body, type=dict[str, msgspec.Raw]), dict)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False


def _document(document: bytes) -> list[bytes]:
    """The messages of one JSON document; empty where it is none."""
    body = document[len(BOM) :] if document.startswith(BOM) else document
    try:
        return [bytes(part) for part in msgspec.json.decode(body, type=list[msgspec.Raw])]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return [document.strip()] if _complete(document) else []
