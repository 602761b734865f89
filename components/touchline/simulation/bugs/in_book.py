"""Bugs in what is known of prices."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from touchline.book import conditions, freshness, link, settle
from touchline.book import review as reviewing
from touchline.book.arbitration import Word
from touchline.book.handover import Handover, HandoverOutput
from touchline.book.link import Link, Take
from touchline.book.manual import Orders
from touchline.book.market import BookMarket, Signal
from touchline.book.outputs import BookOutput
from touchline.book.pending import NOTHING, Legacy
from touchline.book.review import Outcome
from touchline.book.shard import ShardBook
from touchline.book.view import View
from touchline.bus.messages import Beat, MarketUpdate, OddsBatch
from touchline.domain.status import MarketStatus, ProviderState, ProviderStatus
from touchline.ingest.health import Health
from touchline.simulation.bugs.bug import Bug
from touchline.simulation.patching import Patch


def _gap_ignored() -> list[Patch]:
    right_take, right_hear = Link.take, Link.hear

    def take(self: Link, now: int, batch: OddsBatch) -> Take:
        if batch.inc == self.inc and batch.seq > self.seq:
            self.seq = batch.seq - 1
        return right_take(self, now, batch)

    def hear(self: Link, now: int, beat: Beat, shard: int, node: str) -> bool:
        if beat.inc == self.inc and shard < len(beat.seqs):
            self.seq = max(self.seq, beat.seqs[shard])
        return right_hear(self, now, beat, shard, node)

    return [Patch(Link, "take", take), Patch(Link, "hear", hear)]


def _arrival_for_echo() -> list[Patch]:
    right = Link.hear

    def hear(self: Link, now: int, beat: Beat, shard: int, node: str) -> bool:
        return right(self, now, msgspec.structs.replace(beat, echo={node: now}), shard, node)

    return [Patch(Link, "hear", hear)]


def _echo_of_another_clock() -> list[Patch]:
    """As it was before the simulation found it: a predecessor's stamp, made on another machine, was taken for our own."""
    right = Link.hear

    def hear(self: Link, now: int, beat: Beat, shard: int, node: str) -> bool:
        stamp = beat.echo.get(node, -1)
        return right(self, max(now, stamp), beat, shard, node)

    return [Patch(Link, "hear", hear)]


def _wrong_cause_clears() -> list[Patch]:
    right = reviewing.review

    def review(
        now: int, wall: int, market: BookMarket, word: Word, signals: Mapping[str, Signal], orders: Orders
    ) -> Outcome:
        outcome = right(now, wall, market, word, signals, orders)
        if outcome.cleared and market.status is MarketStatus.SUSPENDED:
            for hold in list(market.holds):
                market.holds.clear(hold.cause)
            market.status = MarketStatus.OPEN
        return outcome

    return [Patch(settle, "review", review)]


def _hole_in_a_set_ignored() -> list[Patch]:
    right = Link.take

    def take(self: Link, now: int, batch: OddsBatch) -> Take:
        if self.filling and batch.inc == self.inc and batch.seq > self.seq:
            self.seq = batch.seq - 1
        return right(self, now, batch)

    return [Patch(Link, "take", take)]


def _suspension_ignored() -> list[Patch]:
    right = View.apply

    def apply(self: View, update: MarketUpdate) -> None:
        right(self, update)
        if self.status is ProviderStatus.SUSPENDED:
            self.status = ProviderStatus.OPEN

    return [Patch(View, "apply", apply)]


def _applied_twice() -> list[Patch]:
    right = Link.take

    def take(self: Link, now: int, batch: OddsBatch) -> Take:
        if batch.inc == self.inc and batch.seq <= self.seq:
            return Take.APPLY
        return right(self, now, batch)

    return [Patch(Link, "take", take)]


def _proven_whatever(**pretended: Any) -> Callable[[], list[Patch]]:
    def patches() -> list[Patch]:
        right = freshness.proof
        return [Patch(conditions, "proof", lambda now, **facts: right(now, **{**facts, **pretended}))]

    return patches


def _delay_not_measured() -> list[Patch]:
    def delay(self: Health, now: int, recv_us: int, publish_us: int) -> int:  # noqa: ARG001 - the bug
        return 0

    return [Patch(Health, "_delay", delay)]


def _late_heartbeat_trusted() -> list[Patch]:
    """As it was before the simulation found it: a heartbeat proved life at its arrival, however late it was."""
    right = Health.alive

    def alive(self: Health, now: int, recv_us: int, publish_us: int, *, heartbeat: bool) -> None:
        right(self, now, recv_us, publish_us, heartbeat=heartbeat)
        self._alive_at = now

    return [Patch(Health, "alive", alive)]


def _word_of_the_dead() -> list[Patch]:
    """As it was before the simulation found it: a late word of a dead ingest replaced the living one for ever."""
    return [Patch(link, "BACK_AFTER_US", link.NEVER)]


def _halts_ignored() -> list[Patch]:
    def halts(self: Orders, market: str, event: str, provider: str) -> list[tuple[str, str]]:  # noqa: ARG001
        return []

    return [Patch(Orders, "halts", halts)]


def _pending_dies_with_its_leader() -> list[Patch]:
    """As it was before: whoever leads knows what it has seen itself, and nothing else."""
    right = ShardBook.lead

    def lead(self: ShardBook, now: int, epoch: int, legacy: Legacy = NOTHING) -> list[BookOutput]:  # noqa: ARG001
        return right(self, now, epoch)

    return [Patch(ShardBook, "lead", lead)]


def _pending_not_written() -> list[Patch]:
    def tick(self: Handover, now: int, changes: int, document: Callable[[], Legacy]) -> list[HandoverOutput]:  # noqa: ARG001
        return []

    return [Patch(Handover, "tick", tick)]


BOOK_BUGS = (
    Bug("gap-ignored", "a hole in the numbers of a provider's batches is passed over", _gap_ignored),
    Bug(
        "arrival-for-echo",
        "a beat proves its age by when it arrives, not by the stamp that it echoes",
        _arrival_for_echo,
    ),
    Bug(
        "echo-of-another-clock",
        "a stamp of this node's predecessor on another machine is taken for its own",
        _echo_of_another_clock,
    ),
    Bug("wrong-cause-clears", "the end of one hold clears the others, too", _wrong_cause_clears),
    Bug(
        "hole-in-a-set-ignored", "a set of images of which a part is missing counts as complete", _hole_in_a_set_ignored
    ),
    Bug("suspension-ignored", "a provider's own suspension of a market is not heeded", _suspension_ignored),
    Bug("applied-twice", "a batch that comes a second time is applied again", _applied_twice),
    Bug("silence-ignored", "a provider that says nothing counts as telling everything", _proven_whatever(silence_us=0)),
    Bug("delay-not-measured", "a provider that is late counts as punctual", _delay_not_measured),
    Bug(
        "unreliable-trusted",
        "a provider that does not trust its own data is trusted",
        _proven_whatever(state=ProviderState.CONNECTED),
    ),
    Bug("late-heartbeat-trusted", "a heartbeat that comes late counts as a sign of life now", _late_heartbeat_trusted),
    Bug("word-of-the-dead", "a late word of a dead ingest replaces the one that lives, for ever", _word_of_the_dead),
    Bug("halts-ignored", "a trader's halt does not hold anything", _halts_ignored),
    Bug(
        "pending-dies-with-leader",
        "a new leader does not take over the reviews and cool-downs of the one before",
        _pending_dies_with_its_leader,
    ),
    Bug("pending-not-written", "a leader does not write down what is pending", _pending_not_written),
)
