"""One market as the gateway knows it: its newest state, and the last deltas that led there.

The book sends a state once and deltas from then on; a client that joins needs the state as of now, one that resumes needs the
deltas since its version. Invariants of `MarketView`:

* `ring` is a chain: the `prev` of each delta is the `seq` of the one before; the last `seq` is the market's own.
* the folded document is the state after all deltas but the newest `_unfolded`; folding happens only when somebody asks,
  so a market that nobody joins costs no JSON parsing.
"""

from collections import deque
from typing import Any, NamedTuple

import msgspec

from touchline.bus.wire import BookFrame
from touchline.domain.reasons import HoldReason
from touchline.domain.status import MarketStatus
from touchline.domain.version import Version
from touchline.gateway.topics import Subject

RING = 64
"""Deltas kept for one market at most (`Board` bounds their bytes over all markets)."""

_HEADS = ("op", "m", "p")
_PARTWISE = ("sel", "meta")
"""Fields of which a delta names only the parts that changed, each whole."""

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class Delta(NamedTuple):
    prev: int
    seq: int
    body: bytes


class MarketView:
    """See the module. `audiences` and `generation` belong to `Fanout`: whom an update goes to, and as of when."""

    __slots__ = (
        "_body",
        "_document",
        "_lost",
        "_unfolded",
        "audiences",
        "epoch",
        "generation",
        "id",
        "ring",
        "seq",
        "shard",
        "subject",
        "topics",
    )

    def __init__(self, market: str, subject: str) -> None:
        parsed = Subject.parse(subject)
        self.id = market
        self.subject = subject
        self.shard = parsed.shard
        self.topics = parsed.topics(market)
        self.epoch = 0
        self.seq = 0
        self.ring: deque[Delta] = deque()
        self._unfolded = 0
        self._document: dict[str, Any] | None = None
        self._body: bytes | None = None
        self._lost: bytes | None = None
        self.audiences: list[Any] = []
        self.generation = -1

    @property
    def version(self) -> Version:
        return Version(self.epoch, self.seq)

    def state(self, frame: BookFrame) -> None:
        """A state replaces everything."""
        self.epoch = frame.epoch
        self.seq = frame.seq
        self.ring.clear()
        self._unfolded = 0
        self._document = None
        self._body = frame.body
        self._lost = None

    def delta(self, frame: BookFrame) -> bool:
        """Take a delta up; false (and nothing done) if it does not follow the version known."""
        if frame.epoch != self.epoch or frame.prev != self.seq:
            return False
        if self._unfolded >= RING:
            self._fold()
        if self._document is None and self._body is not None and not self._unfolded:
            self._document = _decode(self._body)  # the last moment when the body is the state
        if len(self.ring) >= RING:
            self.ring.popleft()
        self.ring.append(Delta(frame.prev, frame.seq, frame.body))
        self._unfolded += 1
        self.seq = frame.seq
        self._body = None
        self._lost = None
        return True

    def forget_oldest(self, seq: int) -> None:
        """Drop the oldest delta if it still is the one of `seq`."""
        if self.ring and self.ring[0].seq == seq:
            if self._unfolded >= len(self.ring):
                self._fold()
            self.ring.popleft()

    def since(self, version: Version) -> list[bytes] | None:
        """The deltas from a version that a client has to the newest; None where they are not held."""
        if version == (self.epoch, self.seq):
            return []
        if version.epoch != self.epoch:
            return None
        return self._after(version.seq, exact=True)

    def since_cursor(self, cursor: Version) -> list[bytes] | None:
        """The deltas for a client that was sent everything of this shard up to `cursor`; None where they are not held."""
        if self.epoch != cursor.epoch:
            return [] if self.epoch < cursor.epoch else None
        if self.seq <= cursor.seq:
            return []
        return self._after(cursor.seq, exact=False)

    def _after(self, seq: int, *, exact: bool) -> list[bytes] | None:
        """The chain from the delta that leads away from `seq` (or from the version in force at `seq`)."""
        for index, delta in enumerate(self.ring):
            if delta.seq > seq:
                if delta.prev == seq or (not exact and delta.prev <= seq):
                    return [later.body for later in list(self.ring)[index:]]
                return None
        return None

    def document(self) -> dict[str, Any]:
        """The newest state as plain values; not to be changed."""
        self._fold()
        assert self._document is not None
        return self._document

    def body(self) -> bytes:
        """The newest state as the client's object."""
        if self._body is None:
            self._body = _encode(self.document())
        return self._body

    def shown(self, lost_since: int | None) -> bytes:
        """What clients see: the state, or the same version suspended where its shard was lost (since: epoch microseconds)."""
        if lost_since is None:
            return self.body()
        if self._lost is None:
            self._lost = _encode(self.shown_document(lost_since))
        return self._lost

    def shown_document(self, lost_since: int | None) -> dict[str, Any]:
        """`shown` as plain values."""
        document = self.document()
        if lost_since is None or document.get("status") not in {MarketStatus.OPEN, MarketStatus.SUSPENDED}:
            return document
        return {
            **document,
            "v": made_version(self.version),
            "status": MarketStatus.SUSPENDED.value,
            "holds": [*document.get("holds", ()), authority_lost(lost_since)],
        }

    def found(self) -> None:
        """The shard is back: what was rendered while it was lost is void (the next loss has another time)."""
        self._lost = None

    def _fold(self) -> None:
        if self._document is None:
            assert self._body is not None, "a market is created with its first state"
            self._document = _decode(self._body)
        if not self._unfolded:
            return
        document = self._document
        for index in range(len(self.ring) - self._unfolded, len(self.ring)):
            for field, value in _decode(self.ring[index].body).items():
                if field in _PARTWISE:
                    document[field] = {**(document.get(field) or {}), **value}
                elif field not in _HEADS:
                    document[field] = value
        self._unfolded = 0


def made_version(version: Version) -> str:
    """The version of a state that a gateway made by itself: `3.01187` for 3.1187.

    It is equal in order, so nobody goes back; but the zero tells it from the leader's state of that version. A client that
    resumes from it holds something else than the leader said, and is sent the state.
    """
    return f"{version.epoch}.0{version.seq}"


def is_made(text: str) -> bool:
    """Whether a well-formed version is one of those."""
    seq = text.partition(".")[2]
    return len(seq) > 1 and seq[0] == "0"


def authority_lost(since: int) -> dict[str, Any]:
    """The hold that a gateway sets by itself."""
    return {
        "reason": HoldReason.AUTHORITY_LOST.value,
        "since": since,
        "detail": "nobody provably leads this shard; prices may be out of date",
    }


def unproven(market: str, version: Version, since: int) -> bytes:
    """A state for a market that a resuming client knows and this gateway does not (yet): shut, at the client's own version."""
    return _encode(
        {
            "op": "state",
            "m": market,
            "v": made_version(version),
            "status": MarketStatus.SUSPENDED.value,
            "holds": [authority_lost(since)],
            "sel": {},
        }
    )


def gone(market: str, version: Version) -> bytes:
    """The object that takes a market away."""
    return _encode({"op": "gone", "m": market, "v": str(version)})
