"""What is pending passes from leader to leader: read and claimed before a term begins, written whenever it changes."""

from typing import NamedTuple

import pytest

from touchline.book.handover import (
    AGAIN_US,
    REFRESH_US,
    SPARED_US,
    Begin,
    Handover,
    Outdated,
    ReadPending,
    WritePending,
)
from touchline.book.pending import EVERY_MARKET, MAX_BYTES, NOTHING, Legacy, Memo, pack, unpack
from touchline.domain.reasons import HoldReason

REVIEW = Memo("policy/p/move", HoldReason.PRICE_MOVE, "home moved", cool_down_us=5, review=True, since=77)
COOLING = Memo("", HoldReason.COOL_DOWN, "policy/p/gap cleared", left_us=3_000_000)


class Key:
    """The key in the bucket: compare-and-set, and a leader's view of it."""

    def __init__(self) -> None:
        self.revision, self.value = 0, b""

    def write(self, write: WritePending) -> int | None:
        if write.revision != self.revision:
            return None
        self.revision, self.value = self.revision + 1, write.value
        return self.revision

    def holds(self) -> Legacy:
        return unpack(self.value)


class Began(NamedTuple):
    handover: Handover
    legacy: Legacy


def begin(key: Key, epoch: int, now: int = 0) -> Began:
    """Win, read, claim; the term has begun."""
    handover = Handover()
    [read] = handover.won(now, epoch)
    assert isinstance(read, ReadPending)
    [claim] = handover.read(now, read.ask, key.revision, key.value or None)
    assert isinstance(claim, WritePending)
    [begun] = handover.written(now, claim.ask, key.write(claim))
    assert isinstance(begun, Begin)
    assert begun.epoch == epoch
    return Began(handover, begun.legacy)


def write(handover: Handover, key: Key, now: int, changes: int, *memos: Memo) -> bool:
    """One tick; what it wants written is written. False if it wanted nothing."""
    outputs = handover.tick(now, changes, lambda: Legacy(handover.epoch, {"e1:M": list(memos)} if memos else {}))
    for output in outputs:
        assert isinstance(output, WritePending)
        assert handover.written(now, output.ask, key.write(output)) == []
    return bool(outputs)


def test_the_first_leader_ever_finds_nothing_and_says_so_at_once() -> None:
    key = Key()
    handover, legacy = begin(key, 1)
    assert legacy == NOTHING
    assert key.holds() == Legacy(1, {})
    assert write(handover, key, 1, 0)
    assert not write(handover, key, 2, 0)


def test_a_later_leader_begins_with_what_the_one_before_wrote() -> None:
    key = Key()
    write(begin(key, 1).handover, key, 1, 1, REVIEW, COOLING)
    assert begin(key, 2).legacy == Legacy(1, {"e1:M": [REVIEW, COOLING]})
    assert key.holds() == Legacy(2, {"e1:M": [REVIEW, COOLING]}), "a third would know it, too"


def test_nothing_begins_before_the_key_was_read() -> None:
    handover = Handover()
    [read] = handover.won(0, 1)
    assert isinstance(read, ReadPending)
    assert handover.tick(10, 5, lambda: NOTHING) == []
    assert handover.unread(10, read.ask) == []
    assert handover.tick(10 + AGAIN_US - 1, 5, lambda: NOTHING) == []
    [again] = handover.tick(10 + AGAIN_US, 5, lambda: NOTHING)
    assert isinstance(again, ReadPending)


def test_a_write_of_an_earlier_leader_is_refused_once_the_key_is_claimed() -> None:
    key = Key()
    old = begin(key, 1).handover
    [late] = old.tick(1, 1, lambda: Legacy(1, {"e1:M": [REVIEW]}))
    begin(key, 2)
    assert isinstance(late, WritePending)
    assert key.write(late) is None


def test_what_an_earlier_leader_writes_between_read_and_claim_is_found() -> None:
    key = Key()
    old = begin(key, 1).handover
    new = Handover()
    [read] = new.won(5, 2)
    assert isinstance(read, ReadPending)
    [claim] = new.read(5, read.ask, key.revision, key.value)
    write(old, key, 6, 1, REVIEW)
    assert isinstance(claim, WritePending)
    [again] = new.written(7, claim.ask, key.write(claim))
    assert isinstance(again, ReadPending)
    [claim] = new.read(7, again.ask, key.revision, key.value)
    assert isinstance(claim, WritePending)
    [begun] = new.written(8, claim.ask, key.write(claim))
    assert begun == Begin(2, Legacy(1, {"e1:M": [REVIEW]}))


def test_a_claim_whose_answer_was_lost_is_found_to_be_its_own() -> None:
    key = Key()
    write(begin(key, 1).handover, key, 1, 1, REVIEW)
    new = Handover()
    [read] = new.won(5, 2)
    assert isinstance(read, ReadPending)
    [claim] = new.read(5, read.ask, key.revision, key.value)
    assert isinstance(claim, WritePending)
    assert key.write(claim) == 3
    [again] = new.written(6, claim.ask, None)
    assert isinstance(again, ReadPending)
    [begun] = new.read(7, again.ask, key.revision, key.value)
    assert isinstance(begun, Begin)
    assert begun.legacy.memos == {"e1:M": [REVIEW]}


@pytest.mark.parametrize("taken", [False, True])
def test_a_write_that_nobody_knows_of_is_looked_up_and_made_again(taken: bool) -> None:
    key = Key()
    handover = begin(key, 1).handover
    write(handover, key, 0, 0)
    [lost] = handover.tick(10, 1, lambda: Legacy(1, {"e1:M": [REVIEW]}))
    assert isinstance(lost, WritePending)
    if taken:
        key.write(lost)
    [read] = handover.written(11, lost.ask, None)
    assert isinstance(read, ReadPending)
    assert handover.read(12, read.ask, key.revision, key.value) == []
    assert write(handover, key, 10 + AGAIN_US, 1, REVIEW)
    assert key.holds().memos == {"e1:M": [REVIEW]}


def test_a_leader_that_finds_a_later_one_writes_nothing_more() -> None:
    key = Key()
    old = begin(key, 1).handover
    [late] = old.tick(1, 1, lambda: NOTHING)
    begin(key, 2)
    assert isinstance(late, WritePending)
    [read] = old.written(2, late.ask, key.write(late))
    assert isinstance(read, ReadPending)
    assert old.read(3, read.ask, key.revision, key.value) == [Outdated(2)]
    [again] = old.tick(3 + AGAIN_US, 9, lambda: NOTHING)
    assert isinstance(again, ReadPending)


def test_an_epoch_that_is_lower_than_the_keys_begins_nothing_and_says_which_it_has_to_pass() -> None:
    key = Key()
    write(begin(key, 7).handover, key, 1, 1, REVIEW)
    handover = Handover()  # the leases were lost and began anew
    [read] = handover.won(0, 1)
    assert isinstance(read, ReadPending)
    assert handover.read(1, read.ask, key.revision, key.value) == [Outdated(7)]
    handover.lost()
    assert begin(key, 8).legacy.memos == {"e1:M": [REVIEW]}


def test_after_the_term_nothing_is_asked_and_no_answer_counts() -> None:
    key = Key()
    handover = Handover()
    [read] = handover.won(0, 1)
    assert isinstance(read, ReadPending)
    handover.lost()
    assert handover.read(1, read.ask, 0, None) == []
    assert handover.tick(AGAIN_US, 7, lambda: NOTHING) == []
    [again] = handover.won(AGAIN_US, 2)
    assert handover.read(AGAIN_US, read.ask, 0, None) == [], "the answer to the former term's question"
    assert isinstance(again, ReadPending)
    assert handover.read(AGAIN_US, again.ask, key.revision, None) != []


def test_what_runs_is_written_again_each_second_and_what_rests_is_not() -> None:
    key = Key()
    handover = begin(key, 1).handover
    assert write(handover, key, 0, 1, COOLING)
    shorter = Memo("", HoldReason.COOL_DOWN, COOLING.detail, left_us=COOLING.left_us - REFRESH_US)
    assert not write(handover, key, REFRESH_US - 1, 1, shorter)
    assert write(handover, key, REFRESH_US, 1, shorter)
    assert not write(handover, key, 2 * REFRESH_US, 1, shorter)
    assert not write(handover, key, 90 * REFRESH_US, 1, shorter)
    assert write(handover, key, 90 * REFRESH_US + 1, 2, REVIEW)


def test_the_more_it_names_the_less_often_it_is_written() -> None:
    key = Key()
    handover = begin(key, 1).handover
    many = Legacy(1, {f"e{number}:M": [COOLING] for number in range(1_000)})
    [first] = handover.tick(0, 1, lambda: many)
    assert isinstance(first, WritePending)
    handover.written(1, first.ask, key.write(first))
    assert handover.tick(1_000 * SPARED_US - 1, 2, lambda: many) == []
    assert handover.tick(1_000 * SPARED_US, 2, lambda: many) != []


def test_markets_that_share_a_memo_are_told_it_once() -> None:
    many = {f"e{number}:MatchWinner": [COOLING] for number in range(10_000)}
    payload = pack(Legacy(4, many))
    assert len(payload) < 25 * len(many)
    assert unpack(payload) == Legacy(4, many)


def test_more_than_can_be_named_becomes_every_market() -> None:
    many = {
        f"e{number}:MatchWinner": [
            Memo(REVIEW.cause, REVIEW.reason, f"moved {number}", review=True, since=number + 1),
            Memo("", HoldReason.COOL_DOWN, f"cools {number}", left_us=number + 1),
        ]
        for number in range(10_000)
    }
    payload = pack(Legacy(4, many))
    assert len(payload) < MAX_BYTES
    [review, cooling] = unpack(payload).memos[EVERY_MARKET]
    assert (review.cause, review.review, review.since) == (REVIEW.cause, True, 10_000)
    assert (cooling.review, cooling.left_us) == (False, 10_000)


@pytest.mark.parametrize("value", [b"", b"{", b'{"epoch":1}', b'{"epoch":1,"groups":[{"memo":{},"markets":[]}]}'])
def test_what_cannot_be_read_lets_every_market_wait_for_a_trader(value: bytes) -> None:
    [memo] = unpack(value).memos[EVERY_MARKET]
    assert (memo.review, memo.reason) == (True, HoldReason.MANUAL)
    assert unpack(value).epoch == 0


def test_a_field_of_a_later_release_is_passed_over() -> None:
    payload = pack(Legacy(4, {"e1:M": [REVIEW]})).replace(b'"epoch":4', b'"epoch":4,"region":"eu"')
    assert unpack(payload) == Legacy(4, {"e1:M": [REVIEW]})
