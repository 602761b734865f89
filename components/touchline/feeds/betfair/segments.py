"""Putting a segmented message together: SEG_START, any number of SEG, SEG_END are one message.

Invariant: `_parts` is not None exactly between a SEG_START and its SEG_END.
"""

from touchline.feeds.betfair.decode import MarketChange, Message

MAX_SEGMENTS = 10_000
MAX_CHANGES = 200_000
"""More than any subscription holds; beyond it the sender is broken and memory would grow."""


class BrokenSegment(ValueError):
    """A segment without its beginning, a beginning without an end, or a message without bounds."""


class Segments:
    """`kind` is the change type (`ct`) of the message that was last completed; empty for a delta."""

    def __init__(self) -> None:
        self.kind = ""
        self._parts: list[MarketChange] | None = None
        self._count = 0
        self._open_kind = ""

    @property
    def open(self) -> bool:
        return self._parts is not None

    def clear(self) -> None:
        """Forget an unfinished message."""
        self._parts = None

    def add(self, message: Message) -> list[MarketChange] | None:
        """All changes of the message that this one completes; None while more segments follow.

        A heartbeat between two segments belongs to neither and completes nothing.

        Raises:
            BrokenSegment: the segments do not fit together; what was collected is forgotten.
        """
        changes = message.mc or []
        match message.segment_type:
            case None:
                if self._parts is not None:
                    if message.ct == "HEARTBEAT" or not changes:
                        return None
                    raise self._broken("a whole message in the middle of a segmented one")
                self.kind = message.ct or ""
                return changes
            case "SEG_START":
                if self._parts is not None:
                    raise self._broken("a segmented message began before the last one ended")
                self._parts, self._count, self._open_kind = list(changes), 1, message.ct or ""
                return None
            case "SEG" | "SEG_END":
                if self._parts is None:
                    raise self._broken("a segment without a beginning")
                self._parts.extend(changes)
                self._count += 1
                if self._count > MAX_SEGMENTS or len(self._parts) > MAX_CHANGES:
                    raise self._broken(
                        f"a segmented message of more than {MAX_SEGMENTS} segments or {MAX_CHANGES} changes"
                    )
                if message.segment_type == "SEG":
                    return None
                whole, self._parts, self.kind = self._parts, None, self._open_kind or message.ct or ""
                return whole
            case other:
                raise self._broken(f"segment type {other[:40]!r} is not in the protocol")

    def _broken(self, why: str) -> BrokenSegment:
        self._parts = None
        return BrokenSegment(why)
