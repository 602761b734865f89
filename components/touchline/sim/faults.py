"""Faults on demand, while the simulator runs: what is wrong with a provider now, and what that does to its messages.

`FaultBoard` knows the faults in force; `Wire` is the way of one connection's messages through them. Both are state machines.

kind        what happens to a provider's messages while it lasts
Delay       they arrive `by` later than they were published
Gap         changes are lost, each leaves only a heartbeat; images and answers still come
Disconnect  connections are closed, and new ones as soon as they are opened
Silence     nothing arrives, neither changes nor heartbeats; what was held comes at the end, as after a stalled network
Status503   all change messages and heartbeats say `status: 503`
Segmented   changes come in segments
Duplicate   changes come twice
Corrupt     the next `count` changes arrive as broken lines
ClockSkew   publish times are `by` off (negative: behind)
"""

from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import msgspec

from touchline.sim.raw_book import Change
from touchline.sim.subscriber import segmented, split

CRLF = b"\r\n"
WIRE_BYTES = 64 * 1024 * 1024
"""Held back on one connection at most; then it is closed, as a real server would."""
FOREVER = 1 << 62
_encode = msgspec.json.Encoder().encode


class FaultKind(StrEnum):
    """What can be wrong."""

    DELAY = "Delay"
    GAP = "Gap"
    DISCONNECT = "Disconnect"
    SILENCE = "Silence"
    STATUS_503 = "Status503"
    SEGMENTED = "Segmented"
    DUPLICATE = "Duplicate"
    CORRUPT = "Corrupt"
    CLOCK_SKEW = "ClockSkew"


@dataclass
class Fault:
    """One fault. `provider` empty: all of them. `until`: of the simulator's clock, in microseconds."""

    kind: FaultKind
    provider: str = ""
    until: int = FOREVER
    by_us: int = 0
    count: int = 1
    hits: int = 0
    """How many messages or connections it has touched."""


class FaultBoard:
    """The faults in force, in the order in which they began."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        self._faults.append(fault)

    def clear(self, provider: str = "") -> None:
        """End the faults of a provider, or all."""
        self._faults = [fault for fault in self._faults if provider and fault.provider not in {"", provider}]

    def expire(self, now: int) -> list[Fault]:
        """Forget the faults that have ended; they are returned."""
        ended = [fault for fault in self._faults if fault.until <= now]
        self._faults = [fault for fault in self._faults if fault.until > now]
        return ended

    def active(self, now: int, provider: str, kind: FaultKind) -> Fault | None:
        for fault in self._faults:
            if fault.kind is kind and fault.provider in {"", provider} and fault.until > now:
                return fault
        return None

    def all(self, now: int) -> list[Fault]:
        return [fault for fault in self._faults if fault.until > now]


class Held(NamedTuple):
    due: int
    line: bytes


class Wire:
    """One connection's messages, on their way out in order."""

    def __init__(self, board: FaultBoard, provider: str) -> None:
        self._board = board
        self._provider = provider
        self._held: deque[Held] = deque()
        self._bytes = 0
        self._last_due = 0
        self.overflowed = False

    def send(self, now: int, messages: list[Change], *, segmentation: bool = False) -> None:
        """Put messages on the wire; faults of this moment change them."""
        for message in messages:
            for line in self._lines(now, message, segmentation=segmentation):
                self._put(now, line)

    def due(self, now: int) -> bytes:
        """What has arrived by now."""
        silence = self._board.active(now, self._provider, FaultKind.SILENCE)
        if silence is not None:
            return b""
        lines = []
        while self._held and self._held[0].due <= now:
            lines.append(self._held.popleft().line)
        payload = b"".join(lines)
        self._bytes -= len(payload)
        return payload

    def _put(self, now: int, line: bytes) -> None:
        delay = self._hit(now, FaultKind.DELAY)
        # A stream keeps its order: nothing overtakes what was delayed before it.
        self._last_due = max(self._last_due, now + (delay.by_us if delay is not None else 0))
        self._held.append(Held(self._last_due, line + CRLF))
        self._bytes += len(line) + len(CRLF)
        self.overflowed = self.overflowed or self._bytes > WIRE_BYTES

    def _hit(self, now: int, kind: FaultKind) -> Fault | None:
        fault = self._board.active(now, self._provider, kind)
        if fault is not None:
            fault.hits += 1
        return fault

    def _lines(self, now: int, message: Change, *, segmentation: bool) -> list[bytes]:
        if message.get("op") != "mcm":
            return [_encode(message)]
        skew = self._hit(now, FaultKind.CLOCK_SKEW)
        if skew is not None:
            message = {**message, "pt": message["pt"] + skew.by_us // 1000}
        if self._hit(now, FaultKind.STATUS_503) is not None:
            message = {**message, "status": 503}
        if not message.get("mc"):
            return [_encode(message)]
        if "ct" not in message and self._hit(now, FaultKind.GAP) is not None:
            # The server believes that it has sent: its heart beats on, and the clock moves past what is lost.
            return [_encode({**{key: value for key, value in message.items() if key != "mc"}, "ct": "HEARTBEAT"})]
        messages = [message]
        if segmentation and "segmentType" not in message and self._hit(now, FaultKind.SEGMENTED) is not None:
            messages = segmented([{**message, "mc": part} for part in _pieces(message["mc"])])
        lines = [_encode(part) for part in messages]
        if self._hit(now, FaultKind.DUPLICATE) is not None:
            lines = [line for line in lines for _ in (1, 2)]
        corrupt = self._board.active(now, self._provider, FaultKind.CORRUPT)
        if corrupt is not None and corrupt.count > 0:
            corrupt.count -= 1
            corrupt.hits += 1
            if corrupt.count == 0:
                corrupt.until = now + 1
            lines = [line[: len(line) // 2] + b"\xff\x00" for line in lines]
        return lines


def _pieces(changes: list[Change]) -> list[list[Change]]:
    """A message's changes in parts of one market each, a single market by its runners."""
    if len(changes) > 1:
        return split(changes, 1)
    change = changes[0]
    runners = change.get("rc") or []
    if len(runners) < 2:
        return [changes, []]
    head = {key: value for key, value in change.items() if key != "rc"}
    return [[{**(head if at == 0 else {"id": change["id"]}), "rc": [runner]}] for at, runner in enumerate(runners)]
