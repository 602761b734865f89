"""Ids: how events, markets and selections are named, and which shard an event belongs to.

market id   `<event>:<type>[:<line>]`, for example `e7f3a1:MatchWinner`, `e7f3a1:TotalGoals:2.5`
event, sport, league, type   one NATS subject token each: letters, digits, `_` and `-`
selection   letters, digits, `_`, `-` and `.`; unique in its market
"""

import re
import unicodedata
from typing import NamedTuple
from zlib import crc32

TOKEN_PATTERN = r"[A-Za-z0-9_-]{1,64}"
LINE_PATTERN = r"[+-]?[0-9]{1,6}(\.[0-9]{1,4})?"
_TOKEN = re.compile(TOKEN_PATTERN)
_LINE = re.compile(LINE_PATTERN)
_SELECTION = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_NOT_TOKEN = re.compile(r"[^A-Za-z0-9_-]+")


class MalformedKey(ValueError):
    """A text that is not a well-formed id; the message names the part that is wrong."""


class MarketKey(NamedTuple):
    """A market id taken apart. `line` is empty where the market has none."""

    event: str
    type: str
    line: str = ""

    def __str__(self) -> str:
        return f"{self.event}:{self.type}:{self.line}" if self.line else f"{self.event}:{self.type}"

    @classmethod
    def parse(cls, text: str) -> "MarketKey":
        """Read a market id.

        Raises:
            MalformedKey: a part is missing or has characters that are not allowed.
        """
        parts = text.split(":")
        if len(parts) not in {2, 3}:
            raise MalformedKey(f"{text!r} is not a market id: write <event>:<type> or <event>:<type>:<line>")
        event, kind, line = parts[0], parts[1], parts[2] if len(parts) == 3 else ""
        if not is_token(event):
            raise MalformedKey(f"{text!r}: event {event!r} must be 1-64 letters, digits, '_' or '-'")
        if not is_token(kind):
            raise MalformedKey(f"{text!r}: market type {kind!r} must be 1-64 letters, digits, '_' or '-'")
        if len(parts) == 3 and not _LINE.fullmatch(line):
            raise MalformedKey(f"{text!r}: line {line!r} must be a decimal number such as 2.5 or -1")
        return cls(event, kind, line)


def is_token(text: str) -> bool:
    """Whether a text can stand as one token of a NATS subject."""
    return _TOKEN.fullmatch(text) is not None


def is_selection(text: str) -> bool:
    """Whether a text can stand as a selection id."""
    return _SELECTION.fullmatch(text) is not None


def token(text: str, *, empty: str = "unknown") -> str:
    """Make a subject token of any text: `English Premier League` -> `english-premier-league`, `São Paulo` -> `sao-paulo`.

    A text without a single Latin letter or digit gets a token of its own (`x` and its CRC-32), so that two such names stay
    two; only blank text becomes `empty`.
    """
    folded = unicodedata.normalize("NFKD", text.strip().lower()).encode("ascii", "ignore").decode()
    slug = _NOT_TOKEN.sub("-", folded).strip("-")[:64].strip("-")
    if slug:
        return slug
    return f"x{crc32(text.strip().encode()):08x}" if text.strip() else empty


def shard_of(event: str, shards: int) -> int:
    """The shard, 0 to `shards` - 1, that owns an event: CRC-32 of the id, stable over processes and releases."""
    return crc32(event.encode()) % shards
