"""One shard's stream of updates: is it whole, and does anybody lead it?

A shard is *whole* while every update since a snapshot has arrived in sequence; only then do its updates reach clients. It is
*proven* at the moment when its leader last showed itself (a beat that names what we have, an update in sequence, a
snapshot). Whole or not, a shard not proven for longer than the declared silence is *lost*: nobody can say that its prices hold.

A new epoch is treated as a hole: the new leader's snapshot says which markets exist.
"""

from collections import deque
from enum import Enum

from touchline.bus.messages import ShardBeat
from touchline.bus.wire import BookFrame, SnapshotEnd
from touchline.domain.version import NEVER, Version

HELD = 50_000
"""Updates kept while a snapshot is awaited; beyond it they are dropped and a newer snapshot is asked for."""

ASK_AGAIN_US = 1_000_000


class Verdict(Enum):
    """What to do with an update."""

    PASS = "Pass"
    HOLD = "Hold"
    DROP = "Drop"


class ShardView:
    """See the module. `lost_since` is None or the epoch microseconds at which the shard was lost."""

    __slots__ = (
        "_asked_at",
        "_beat",
        "epoch",
        "found_at",
        "held",
        "history_from",
        "lost_since",
        "node",
        "number",
        "proof",
        "seq",
        "snapshots",
        "whole",
    )

    def __init__(self, number: int) -> None:
        self.number = number
        self.epoch = 0
        self.seq = 0
        self.node = ""
        self.whole = False
        self.proof = 0
        self.lost_since: int | None = 0
        self.found_at = NEVER
        """Where the shard was when it was last found again after it had been shown as lost."""
        self.held: deque[tuple[str, BookFrame]] = deque()
        self.history_from: Version | None = None
        """From which version on every market that went is remembered (`Board.departed`)."""
        self.snapshots = 0
        self._beat: tuple[int, ShardBeat] | None = None
        self._asked_at: int | None = None

    @property
    def version(self) -> Version:
        return Version(self.epoch, self.seq)

    @property
    def lost(self) -> bool:
        return self.lost_since is not None

    def judge(self, now: int, frame: BookFrame) -> Verdict:
        """Place one update in the sequence; PASS has counted it."""
        if frame.epoch < self.epoch:
            return Verdict.DROP
        if frame.epoch > self.epoch:
            self.break_off()
            return Verdict.HOLD
        if not self.whole:
            return Verdict.HOLD
        if frame.seq <= self.seq:
            return Verdict.DROP
        if frame.seq != self.seq + 1:
            self.break_off()
            return Verdict.HOLD
        self.seq = frame.seq
        self.proof = now
        return Verdict.PASS

    def hold(self, subject: str, frame: BookFrame) -> None:
        """Keep an update until the snapshot is there."""
        if len(self.held) >= HELD:
            self.held.clear()
            self._asked_at = None
        self.held.append((subject, frame))

    def beat(self, now: int, beat: ShardBeat) -> None:
        """Note a beat. It is judged at the end of the turn: updates sent before it may be read after it."""
        if self._beat is None or (beat.epoch, beat.seq) >= (self._beat[1].epoch, self._beat[1].seq):
            self._beat = (now, beat)

    def judge_beat(self) -> bool:
        """Judge the newest beat noted; true if it proves the shard (whole, led, nothing missing)."""
        if self._beat is None:
            return False
        at, beat = self._beat
        self._beat = None
        if beat.epoch < self.epoch:
            return False
        self.node = beat.node
        if beat.epoch > self.epoch or beat.seq > self.seq:
            self.break_off()
        if not self.whole:
            return False
        self.proof = at
        return True

    def break_off(self) -> None:
        """Something is missing: nothing passes until a snapshot has been taken up."""
        if self.whole:
            self.whole = False
            self._asked_at = None

    def ask(self, now: int) -> bool:
        """Whether to ask for a snapshot now (counts as asked)."""
        if self.whole or (self._asked_at is not None and now - self._asked_at < ASK_AGAIN_US):
            return False
        self._asked_at = now
        return True

    def take_up(self, now: int, end: SnapshotEnd) -> bool:
        """Whether a snapshot helps; if so the shard is whole as of its end."""
        if self.whole or end.epoch < self.epoch or end < (self.epoch, self.seq):
            return False
        if self.history_from is None:
            self.history_from = Version(*end)
        self.epoch, self.seq = end
        self.whole = True
        self.proof = now
        self.snapshots += 1
        self._asked_at = None
        return True

    def silent(self, now: int, silence_us: int) -> bool:
        """Whether the shard has just become lost by silence."""
        return self.lost_since is None and now - self.proof > silence_us
