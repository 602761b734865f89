"""Who leads a shard or receives a provider: a lease in a bucket, decided by compare-and-set results and one's own clock alone.

The store is asked for one thing only: that a write which names revision R succeeds if and only if R is still the newest.
Reads may be stale, results may be lost, processes may be paused at any instant. Why two nodes are never valid at once:

    holder      s = its clock when it *decided* to write; valid until s + ttl - margin, if the write succeeded
    candidate   f = its clock when a read that showed that write *arrived*; may write on top from f + ttl on

The write reaches the store after s and is read before f, so in true time s <= f: the holder's validity ends before the
candidate's wait does, as long as two clocks drift apart by less than `margin` in one `ttl` (0.3 s in 2 s is 15 %). The candidate's
write succeeds only if the revision it watched is still the newest, so nobody renewed meanwhile. A write whose
result is unknown extends nothing; if it did land, others merely wait longer.

The value in the bucket is `{"holder", "epoch", "ttl_us", "beat"}`; `holder` is empty after a deliberate release, and the lease
may then be taken at once. Every take raises the epoch by one, so an epoch belongs to one term of one process: a value that shows an
epoch which *this* object won is its own, and it may take that lease again (with the next epoch) without waiting.
"""

from dataclasses import dataclass
from enum import Enum

import msgspec

TTL_US = 2_000_000
RENEW_US = 400_000
MARGIN_US = 300_000


@dataclass(frozen=True, slots=True)
class Read:
    """Read the lease's key; answer with `Lease.read`. A failed or timed-out read is answered with `Lease.unread`."""


@dataclass(frozen=True, slots=True)
class Write:
    """Write the key if `revision` is still its newest (0: only create it); answer with `Lease.written`, exactly once."""

    value: bytes
    revision: int


@dataclass(frozen=True, slots=True)
class Won:
    """This node leads from now on, in this epoch, while `Lease.valid` says so."""

    epoch: int


@dataclass(frozen=True, slots=True)
class Lost:
    """This node leads no longer; stand by at once."""

    why: str


LeaseOutput = Read | Write | Won | Lost


class LeaseValue(msgspec.Struct, frozen=True):
    """What stands in the bucket. `beat` counts the writes of one term, for people to see that it lives."""

    holder: str
    epoch: int
    ttl_us: int
    beat: int = 0


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(LeaseValue).decode


class _Asked(Enum):
    """What is outstanding. At most one request is, so its answer needs no name."""

    NOTHING = 0
    READ = 1
    TAKE = 2
    RENEW = 3
    RELEASE = 4


class Lease:
    """One lease as one node sees it. All times are microseconds of that node's monotonic clock.

    Invariants: `_until` only grows by a *successful* write, counted from before it was sent; `_revision` is the newest revision
    known, `_since` the moment from which it was known; a term that has ended is never continued.
    """

    def __init__(
        self,
        *,
        node: str,
        ttl_us: int = TTL_US,
        renew_us: int = RENEW_US,
        margin_us: int = MARGIN_US,
        poll_us: int | None = None,
    ) -> None:
        """`poll_us`: between two reads of a candidate, half a renewal by default; a lease that was released is noticed so late."""
        if not 0 < margin_us < ttl_us or not 0 < 2 * renew_us <= ttl_us - margin_us:
            raise ValueError("a lease needs 0 < margin < ttl and room for two renewals: 2 * renew <= ttl - margin")
        self.node = node
        self.epoch = 0
        """Of the term that this node holds or held last; 0 before the first."""
        self.holder = ""
        """Who the store says leads, as last read: for status displays only, never for a decision."""
        self._ttl, self._renew, self._margin = ttl_us, renew_us, margin_us
        self._poll = renew_us // 2 if poll_us is None else poll_us
        self._holding = False
        self._until = 0
        self._sent = 0
        self._renew_at = 0
        self._asked = _Asked.NOTHING
        self._written_value = LeaseValue("", 0, ttl_us)
        self._known = False  # whether `_revision` may be written on
        self._revision = 0
        self._value: LeaseValue | None = None
        self._since = 0
        self._behind_since: int | None = None
        self._read_at = 0
        self._not_before = 0
        self._release_wanted = False
        self._floor = 0

    @property
    def holding(self) -> bool:
        """Whether a term is running; only `valid` says whether it may be acted on."""
        return self._holding

    @property
    def known(self) -> bool:
        """Whether it was read or written at least once."""
        return self._known or self._revision > 0

    @property
    def taken(self) -> bool:
        """Whether the store, as last read, shows the term of somebody else."""
        return self._value is not None and self._value.holder != "" and not self._mine()

    @property
    def asking(self) -> bool:
        """Whether the answer to a request is awaited."""
        return self._asked is not _Asked.NOTHING

    def valid(self, now: int) -> bool:
        """Whether this node may act as leader at this instant. Ask with a fresh clock, directly before acting."""
        return self._holding and now < self._until

    def at_least(self, epoch: int) -> None:
        """Have seen this epoch elsewhere (the decisions' stream records them, too): the next take uses a higher one.

        Should the bucket ever be lost and start again, epochs still only rise.
        """
        self._floor = max(self._floor, epoch)

    def tick(self, now: int) -> list[LeaseOutput]:
        """Call several times per renewal interval."""
        outputs = self._lapse(now)
        if self._asked is not _Asked.NOTHING:
            return outputs
        if self._holding and self._known:
            if now >= self._renew_at:
                outputs.append(self._write(now, _Asked.RENEW))
        elif self._release_wanted and self._known:
            self._release_wanted = False
            if self._mine():
                outputs.append(self._write(now, _Asked.RELEASE))
        elif self._may_take(now):
            outputs.append(self._write(now, _Asked.TAKE))
        elif now >= self._read_at:
            self._asked, self._read_at = _Asked.READ, now + self._poll
            outputs.append(Read())
        return outputs

    def read(self, now: int, revision: int, value: bytes | None) -> list[LeaseOutput]:
        """The result of a `Read`: the newest revision that the store showed (0: no key) and its value (None: deleted)."""
        outputs = self._lapse(now)
        if self._asked is _Asked.READ:
            self._asked = _Asked.NOTHING
        if revision < self._revision and not self._believe_older(now):
            return outputs
        self._behind_since = None
        if revision != self._revision or not self._known:
            self._note(now, revision, _read_value(value))
        if self._holding and not self._mine():
            outputs += self._lose(f"taken by {self.holder}" if self.holder else "released or deleted by somebody else")
        return outputs + self.tick(now)

    def unread(self, now: int) -> list[LeaseOutput]:
        """A `Read` failed or timed out; it is repeated at the next poll."""
        if self._asked is _Asked.READ:
            self._asked = _Asked.NOTHING
        return self._lapse(now)

    def written(self, now: int, revision: int | None) -> list[LeaseOutput]:
        """The result of this object's last `Write`: its revision, or None where it was refused or nobody knows.

        The caller must not confuse the results of two writes: once it has reported None for one, a late answer to it is dropped.
        """
        outputs = self._lapse(now)
        if self._asked in {_Asked.NOTHING, _Asked.READ}:
            return outputs
        asked, self._asked = self._asked, _Asked.NOTHING
        if revision is None or revision <= self._revision:
            self._known = False
            self._read_at = self._renew_at = now
            if asked is _Asked.TAKE:
                self._release_wanted = False
            return outputs + self.tick(now)
        self._note(now, revision, self._written_value)
        until = self._sent + self._ttl - self._margin
        if asked is _Asked.TAKE:
            self.epoch = self._written_value.epoch
            if now < until and not self._release_wanted:
                self._holding, self._until = True, until
                outputs.append(Won(self.epoch))
        elif asked is _Asked.RENEW and self._holding:
            self._until = until
        return outputs + self.tick(now)

    def release(self, now: int) -> list[LeaseOutput]:
        """Step down deliberately: others may take the lease at once; this node not before a whole ttl has passed."""
        outputs = self._lapse(now)
        self._not_before = now + self._ttl
        self._release_wanted = self._holding or self._asked is _Asked.TAKE
        if self._holding:
            outputs += self._lose("released")
        return outputs + self.tick(now)

    def drop(self, now: int, why: str, *, hold_off_us: int = 0) -> list[LeaseOutput]:
        """End the term at once and read anew: for a process that cannot vouch for its last seconds.

        If nobody else took the lease it may be taken again, with the next epoch, after `hold_off_us`.
        """
        outputs = self._lose(why) if self._holding else []
        self._known = False
        self._read_at = now
        self._not_before = max(self._not_before, now + hold_off_us)
        return outputs

    def _lapse(self, now: int) -> list[LeaseOutput]:
        return self._lose("not renewed in time") if self._holding and now >= self._until else []

    def _lose(self, why: str) -> list[LeaseOutput]:
        self._holding = False
        return [Lost(why)]

    def _mine(self) -> bool:
        """Whether the value in the store belongs to a term that this object won."""
        value = self._value
        return value is not None and value.holder == self.node and value.epoch == self.epoch != 0

    def _may_take(self, now: int) -> bool:
        if not self._known or now < self._not_before:
            return False
        value = self._value
        if value is None:
            # A key that was never there is free. One that was deleted under a holder's feet is not, until that holder has stopped.
            return self._revision == 0 or now - self._since >= self._ttl
        return value.holder == "" or self._mine() or now - self._since >= max(self._ttl, value.ttl_us)

    def _believe_older(self, now: int) -> bool:
        """Whether to believe a read older than what is known: a lagging replica catches up; a bucket made anew stays behind.

        To believe it wrongly is safe: a write on an old revision is refused. To believe it only after a whole ttl is what makes
        it right: no holder of the bucket that is gone can have renewed since.
        """
        if self._behind_since is None:
            self._behind_since = now
        return now - self._behind_since >= self._ttl

    def _note(self, now: int, revision: int, value: LeaseValue | None) -> None:
        if revision != self._revision:
            self._since = now
        self.holder = value.holder if value else ""
        if value is not None:
            self.at_least(value.epoch)
        self._revision, self._value, self._known = revision, value, True

    def _write(self, now: int, asked: _Asked) -> Write:
        if asked is _Asked.TAKE:
            epoch, beat = max(self._value.epoch if self._value else 0, self.epoch, self._floor) + 1, 0
        else:
            epoch, beat = self.epoch, self._written_value.beat + 1
        holder = "" if asked is _Asked.RELEASE else self.node
        self._written_value = LeaseValue(holder, epoch, self._ttl, beat)
        self._asked, self._sent, self._renew_at = asked, now, now + self._renew
        return Write(_encode(self._written_value), self._revision)


def holder_of(value: bytes | None) -> str:
    """Who holds a lease with this value; empty: nobody."""
    found = _read_value(value)
    return found.holder if found is not None else ""


def _read_value(value: bytes | None) -> LeaseValue | None:
    """What stands in the bucket; a text that no node wrote counts as deleted: it is waited out, then overwritten."""
    if value is None:
        return None
    try:
        return _decode(value)
    except msgspec.DecodeError:
        return None
