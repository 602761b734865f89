"""Whether we have heard everything that one provider's ingest sent to this shard, and what it last said of its provider.

Batches of one incarnation are numbered without holes, and every beat names the last number sent before it. A hole, a number in a
beat that did not arrive, or an incarnation that we do not know mean *not in sync*; a complete set of images (`Resync.FIRST` …
`LAST`, without a hole) ends it. While not in sync, what arrives is still applied (each statement is true by itself); what is unknown is
what else was said, so the provider's markets stay held.
"""

from enum import Enum
from typing import TYPE_CHECKING

from touchline.book.config import ProviderConfig
from touchline.bus.messages import Beat, OddsBatch, Resync, ResyncRequest
from touchline.domain.incarnation import superseded
from touchline.domain.status import ProviderState

if TYPE_CHECKING:
    from touchline.book.conditions import Condition
    from touchline.book.market import BookMarket, Signal

ASK_AGAIN_US = 1_000_000
BACK_AFTER_US = 1_000_000
"""How much newer the proof of a replaced incarnation must be than all of the current one, for that to have been a mistake."""
NEVER = 1 << 62
"""A time that never comes."""
_REMEMBERED_INCARNATIONS = 16
_STATES = {state.value: state for state in ProviderState}


class Sync(Enum):
    """How we stand with a provider's ingest."""

    IN_SYNC = "InSync"
    GAP = "Gap"
    RECOVERING = "Recovering"


class Take(Enum):
    """What to do with a batch."""

    DROP = "Drop"
    APPLY = "Apply"
    APPLY_LAST = "ApplyLast"
    """Apply, then forget the provider's markets that the set did not name (`Link.complete`)."""


class Link:
    """One provider as this shard hears it. `markets` are those that the provider has a view of."""

    __slots__ = (
        "ask_at",
        "conditions",
        "config",
        "delay_us",
        "detail",
        "echo",
        "filling",
        "in_sync",
        "inc",
        "last_src",
        "markets",
        "met_at",
        "name",
        "refused",
        "retired",
        "seen",
        "seq",
        "signals",
        "silence_us",
        "state",
        "sync",
        "sync_detail",
    )

    def __init__(self, name: str) -> None:
        self.name = name
        self.config: ProviderConfig | None = None
        self.inc = ""
        self.seq = 0
        self.sync = Sync.RECOVERING
        self.in_sync = False
        """`sync is Sync.IN_SYNC`, as the hot path reads it."""
        self.sync_detail = "nothing heard from its ingest yet"
        self.filling = False
        self.seen: dict[str, None] = {}
        """Markets that an image named since the set began."""
        self.refused = 0
        """Changes of unknown markets since the last complete set of images: the first is told, the others are counted."""
        self.ask_at = NEVER
        self.retired: list[str] = []
        self.met_at = 0
        """When the current incarnation was heard for the first time."""
        self.state = ProviderState.DISCONNECTED
        self.detail = "no beat yet"
        self.silence_us = 0
        self.delay_us = -1
        self.last_src = 0
        self.echo = -1
        """The newest stamp of our own clock that this incarnation has echoed; -1 before the first."""
        self.markets: dict[str, BookMarket] = {}
        self.conditions: dict[tuple[int, int], Condition] = {}
        self.signals: dict[str, dict[str, Signal]] = {}
        """Provider-wide triggers that fire: by cause, then by the market that set it."""

    def take(self, now: int, batch: OddsBatch) -> Take:
        """Judge a batch by its number; the caller applies its updates unless it is dropped."""
        if batch.inc != self.inc and not self._meet(now, batch.inc, fresh=batch.seq == 1):
            return Take.DROP
        if batch.seq <= self.seq:
            return Take.DROP
        if batch.seq != self.seq + 1:
            if not (self.seq == 0 and self.sync is Sync.RECOVERING):
                self._lose(now, Sync.GAP, f"batch {batch.seq} came after batch {self.seq}")
            self.filling = False
        self.seq = batch.seq
        if self.in_sync or not batch.resync:
            return Take.APPLY
        if batch.resync & Resync.FIRST:
            self.filling = True
            self.seen = {}
        if not self.filling:
            return Take.APPLY
        self.ask_at = now + ASK_AGAIN_US
        return Take.APPLY_LAST if batch.resync & Resync.LAST else Take.APPLY

    def complete(self) -> dict[str, None]:
        """End a set of images: in sync from here on. Returns the markets that the set named."""
        seen, self.seen = self.seen, {}
        self.filling = False
        self.sync = Sync.IN_SYNC
        self.in_sync = True
        self.sync_detail = ""
        self.ask_at = NEVER
        return seen

    def refuse(self) -> str:
        """A change of a market that the provider has not told. Returns what to say of it: hundreds may follow, so only of the first."""
        self.refused += 1
        return f"{self.name} changes it without having told what it is; others are counted" if self.refused == 1 else ""

    def refused_in_all(self) -> str:
        """A set of images is complete: how many changes were refused before it, in words where that is more than was said."""
        count, self.refused = self.refused, 0
        return f"{count} changes of markets that were not told yet were refused meanwhile" if count > 1 else ""

    def hear(self, now: int, beat: Beat, shard: int, node: str) -> bool:
        """Take over a beat; false if it is older than what we know already."""
        sent = beat.seqs[shard] if shard < len(beat.seqs) else 0
        echo = beat.echo.get(node, -1)
        if (
            echo > now
        ):  # the stamp of a clock that is not ours: this node ran on another machine before, and is echoed still
            echo = -1
        if beat.inc != self.inc:
            # It proves to live when the current one does not any more: a late word of its dead predecessor had replaced it, or the
            # bucket of leases was lost, and epochs begin anew.
            proven = echo > max(self.echo, self.met_at) + BACK_AFTER_US
            if not self._meet(now, beat.inc, fresh=sent == 0, proven=proven):
                return False
        if echo < self.echo:
            return False
        self.echo = echo
        self.state = _STATES.get(beat.state, ProviderState.UNRELIABLE)
        self.detail = beat.detail
        self.silence_us = beat.silence_us
        self.delay_us = beat.delay_us
        self.last_src = beat.last_src
        if sent > self.seq:
            if not (self.seq == 0 and self.sync is Sync.RECOVERING):
                self._lose(now, Sync.GAP, f"a beat names batch {sent}, {self.seq} is the last that came")
            self.filling = False
            self.seq = sent
        return True

    def ask(self, now: int, shard: int, node: str) -> ResyncRequest | None:
        """What to ask of ingest at this moment: repeated each second until a set of images is complete."""
        if now < self.ask_at:
            return None
        self.ask_at = now + ASK_AGAIN_US
        return ResyncRequest(shard, node, self.inc, self.seq)

    def _meet(self, now: int, inc: str, *, fresh: bool, proven: bool = False) -> bool:
        """Another incarnation than the current one: false if it is one that was replaced before, or that lost its lease to the current one.

        A fresh one is about to send its images by itself; one that we join later has to be asked. `proven`: it has seen a stamp of our
        clock that is younger than all that we heard of the current one. No late word of a former holder of the lease can have done
        that: it spoke before the current one took the lease, so what it had seen is older than the moment at which we met that.
        """
        if not proven and (inc in self.retired or superseded(inc, self.inc)):
            return False
        if inc in self.retired:
            self.retired.remove(inc)
        if self.inc:
            self.retired.append(self.inc)
            del self.retired[:-_REMEMBERED_INCARNATIONS]
        detail = f"ingest restarted as {inc}" if self.inc else f"its ingest {inc} was heard for the first time"
        self.inc = inc
        self.met_at = now
        self.seq = 0
        self.echo = -1
        self._lose(now, Sync.RECOVERING, detail)
        self.ask_at = now + ASK_AGAIN_US if fresh else now
        return True

    def _lose(self, now: int, sync: Sync, detail: str) -> None:
        """Out of sync from here on; a set under way is void. A gap while recovering stays a recovery."""
        self.filling = False
        self.seen = {}
        if sync is Sync.RECOVERING or self.in_sync:
            self.sync = sync
            self.sync_detail = detail
            self.ask_at = now
        self.in_sync = False
