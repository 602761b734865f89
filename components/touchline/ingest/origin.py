"""Where something that a session said comes from."""

from typing import NamedTuple


class Origin(NamedTuple):
    """Where outputs come from: a frame as it was captured, or (sequence 0) the connection itself or the clock."""

    received_us: int
    connection: str
    sequence: int
    frame: bytes
