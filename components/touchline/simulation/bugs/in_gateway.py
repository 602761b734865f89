"""Bugs in what clients are told."""

from collections.abc import Iterable, Mapping
from typing import Any

from touchline.bus.wire import BookFrame
from touchline.domain.version import Version
from touchline.gateway import commands
from touchline.gateway.board import Change
from touchline.gateway.fanout import Fanout
from touchline.gateway.markets import MarketView
from touchline.gateway.sessions import Session
from touchline.gateway.shards import ShardView, Verdict
from touchline.gateway.subscriptions import Resume, Subscriptions
from touchline.simulation.bugs.bug import Bug
from touchline.simulation.patching import Patch


def _lower_epoch_taken() -> list[Patch]:
    right = ShardView.judge

    def judge(self: ShardView, now: int, frame: BookFrame) -> Verdict:
        return Verdict.PASS if frame.epoch < self.epoch else right(self, now, frame)

    def delta(self: MarketView, frame: BookFrame) -> bool:
        if frame.epoch < self.epoch:
            self.epoch, self.seq = frame.epoch, frame.prev
        return right_delta(self, frame)

    right_delta = MarketView.delta
    return [Patch(ShardView, "judge", judge), Patch(MarketView, "delta", delta)]


def _gap_without_snapshot() -> list[Patch]:
    right = ShardView.judge

    def judge(self: ShardView, now: int, frame: BookFrame) -> Verdict:
        if self.whole and frame.epoch == self.epoch and frame.seq > self.seq:
            self.seq = frame.seq - 1
        return right(self, now, frame)

    def judge_beat(self: ShardView) -> bool:
        noted, self._beat = self._beat, None
        if noted is None or not self.whole or noted[1].epoch < self.epoch:
            return False
        self.proof = noted[0]
        return True

    return [
        Patch(ShardView, "judge", judge),
        Patch(ShardView, "judge_beat", judge_beat),
        Patch(MarketView, "delta", _any_delta()),
    ]


def _any_delta() -> object:
    right = MarketView.delta

    def delta(self: MarketView, frame: BookFrame) -> bool:
        return right(self, frame._replace(prev=self.seq))

    return delta


def _resume_from_anywhere() -> list[Patch]:
    def since(self: MarketView, version: Version) -> list[bytes] | None:
        return [] if version.epoch == self.epoch else None

    return [Patch(MarketView, "since", since)]


def _resumed_backwards() -> list[Patch]:
    """As it was before the simulation found it: whoever came from a gateway that was further was sent an older state."""
    right = Subscriptions._join

    def join(
        self: Subscriptions,
        session: Session,
        topics: tuple[str, ...],
        added: Iterable[str],
        resume: Resume,
        known: Mapping[str, Version],  # noqa: ARG001 - the bug
        *rest: Any,
    ) -> None:
        right(self, session, topics, added, resume, {}, *rest)

    return [Patch(Subscriptions, "_join", join)]


def _lost_state_continued() -> list[Patch]:
    """As it was before the simulation found it: a state that a gateway made by itself was continued as if its leader had said it."""
    return [Patch(commands, "is_made", lambda _: False)]


def _slow_client_forgotten() -> list[Patch]:
    def owe(self: Fanout, session: Session, changes: Iterable[Change]) -> None:
        """What changes while a client cannot be sent it is not remembered."""

    return [Patch(Fanout, "_owe", owe)]


def _silence_not_noticed() -> list[Patch]:
    def silent(self: ShardView, now: int, silence_us: int) -> bool:  # noqa: ARG001 - the bug
        return False

    return [Patch(ShardView, "silent", silent)]


GATEWAY_BUGS = (
    Bug("lower-epoch-taken", "updates of a former leader are passed on", _lower_epoch_taken),
    Bug("gap-without-snapshot", "a hole in a leader's updates is passed over", _gap_without_snapshot),
    Bug("resume-from-anywhere", "a client that comes back is not told what it missed", _resume_from_anywhere),
    Bug(
        "resumed-backwards",
        "a client that had more than this gateway knows is sent what the gateway knows",
        _resumed_backwards,
    ),
    Bug(
        "lost-state-continued",
        "a client that was shown lost authority is not told better elsewhere",
        _lost_state_continued,
    ),
    Bug("slow-client-forgotten", "what changes while a client reads slowly is dropped", _slow_client_forgotten),
    Bug("silence-not-noticed", "a shard that nobody leads is shown as it was", _silence_not_noticed),
)
