"""The lease by its rules: who may take it when, and what a holder may believe."""

import json

import pytest

from touchline.domain.lease import MARGIN_US, RENEW_US, TTL_US, Lease, LeaseOutput, Lost, Read, Won, Write

SECOND = 1_000_000


def lease(node: str = "a") -> Lease:
    return Lease(node=node, ttl_us=TTL_US, renew_us=RENEW_US, margin_us=MARGIN_US)


def value(holder: str, epoch: int, beat: int = 0) -> bytes:
    return json.dumps({"holder": holder, "epoch": epoch, "ttl_us": TTL_US, "beat": beat}).encode()


def written(outputs: list[LeaseOutput]) -> dict[str, object]:
    (write,) = [output for output in outputs if isinstance(output, Write)]
    decoded: dict[str, object] = json.loads(write.value)
    return decoded | {"on": write.revision}


def leader(now: int = 0, *, epoch: int = 1, revision: int = 10) -> Lease:
    """A node that took a free lease at `now` and knows it."""
    made = lease()
    assert made.tick(now) == [Read()]
    assert written(made.read(now, revision - 1, value("", epoch - 1))) == {
        "holder": "a", "epoch": epoch, "ttl_us": TTL_US, "beat": 0, "on": revision - 1
    }  # fmt: skip
    assert made.written(now, revision) == [Won(epoch)]
    return made


def test_a_lease_that_nobody_ever_held_is_taken_at_once() -> None:
    candidate = lease()
    assert candidate.tick(0) == [Read()]
    assert written(candidate.read(5, 0, None))["on"] == 0
    assert candidate.written(9, 1) == [Won(1)]
    assert candidate.valid(9)


def test_a_candidate_waits_a_whole_ttl_since_it_first_saw_a_revision() -> None:
    candidate = lease()
    candidate.tick(0)
    assert candidate.read(100, 7, value("b", 4)) == []
    for now in range(200_000, TTL_US, 200_000):
        assert candidate.tick(now) == [Read()]
        assert candidate.read(now + 10, 7, value("b", 4)) == []
    assert candidate.tick(100 + TTL_US - 1) == [Read()]
    assert candidate.read(100 + TTL_US - 1, 7, value("b", 4)) == []
    assert written(candidate.tick(100 + TTL_US)) == {"holder": "a", "epoch": 5, "ttl_us": TTL_US, "beat": 0, "on": 7}


def test_every_renewal_that_a_candidate_sees_starts_its_wait_again() -> None:
    candidate = lease()
    for beat in range(20):
        now = beat * 400_000
        assert candidate.tick(now) == [Read()]
        assert candidate.read(now, 7 + beat, value("b", 4, beat)) == []


def test_a_node_whose_name_is_in_the_bucket_waits_like_any_other_if_it_did_not_win_that_term_itself() -> None:
    restarted = lease("a")
    restarted.tick(0)
    assert restarted.read(0, 7, value("a", 4)) == []
    assert written(restarted.tick(TTL_US))["epoch"] == 5


def test_authority_ends_a_margin_before_the_ttl_counted_from_before_the_write_was_sent() -> None:
    holder = leader(now=1000)
    assert holder.valid(1000 + TTL_US - MARGIN_US - 1)
    assert not holder.valid(1000 + TTL_US - MARGIN_US)
    assert holder.tick(1000 + RENEW_US)  # a renewal is sent …
    holder.written(1000 + RENEW_US + 300_000, 11)  # … and its result comes late
    assert holder.valid(1000 + RENEW_US + TTL_US - MARGIN_US - 1)
    assert not holder.valid(1000 + RENEW_US + TTL_US - MARGIN_US)


def test_a_holder_that_cannot_renew_says_that_it_lost() -> None:
    holder = leader()
    assert isinstance(holder.tick(RENEW_US)[0], Write)
    assert holder.tick(TTL_US - MARGIN_US - 1) == []
    assert holder.tick(TTL_US - MARGIN_US) == [Lost("not renewed in time")]
    assert not holder.valid(TTL_US - MARGIN_US)


def test_a_take_whose_result_came_too_late_is_no_term_but_is_taken_again_at_once() -> None:
    candidate = lease()
    candidate.tick(0)
    candidate.read(0, 0, None)
    again = candidate.written(TTL_US - MARGIN_US, 1)
    assert not candidate.holding
    assert written(again) == {"holder": "a", "epoch": 2, "ttl_us": TTL_US, "beat": 0, "on": 1}


def test_a_renewal_of_unknown_fate_extends_nothing_and_is_read_before_the_next() -> None:
    holder = leader()
    holder.tick(RENEW_US)
    assert holder.written(RENEW_US + 100, None) == [Read()]
    assert not holder.valid(TTL_US - MARGIN_US)
    renewed = holder.read(RENEW_US + 200, 11, value("a", 1, 1))  # it had landed after all
    assert written(renewed) == {"holder": "a", "epoch": 1, "ttl_us": TTL_US, "beat": 2, "on": 11}
    assert holder.written(RENEW_US + 300, 12) == []
    assert holder.valid(RENEW_US + 200 + TTL_US - MARGIN_US - 1)


def test_a_holder_that_reads_another_name_stops_at_once() -> None:
    holder = leader()
    holder.tick(RENEW_US)
    holder.written(RENEW_US + 100, None)
    assert holder.read(RENEW_US + 200, 11, value("b", 2)) == [Lost("taken by b")]
    assert not holder.valid(RENEW_US + 200)


def test_a_stale_read_is_not_believed() -> None:
    holder = leader(revision=10)
    holder.tick(RENEW_US)
    holder.written(RENEW_US + 100, None)
    assert holder.read(RENEW_US + 200, 9, value("b", 0)) == []
    assert holder.valid(RENEW_US + 200)
    assert holder.tick(RENEW_US + 100 + RENEW_US // 2) == [Read()]


def test_a_bucket_made_anew_is_believed_after_a_whole_ttl_and_epochs_still_rise() -> None:
    candidate = lease()
    candidate.tick(0)
    candidate.read(0, 5000, value("b", 41))
    candidate.at_least(41)
    taken: list[LeaseOutput] = []
    now = SECOND
    while not taken:
        assert now < 6 * SECOND
        outputs = candidate.tick(now)
        if outputs and isinstance(outputs[0], Write):
            assert outputs[0].revision == 5000
            outputs = candidate.written(now, None)  # the new bucket knows no such revision
        if outputs == [Read()]:
            taken = candidate.read(now, 0, None)
        now += 200_000
    assert now > SECOND + TTL_US
    assert written(taken) == {"holder": "a", "epoch": 42, "ttl_us": TTL_US, "beat": 0, "on": 0}


def test_a_released_lease_is_taken_by_others_at_once_and_by_the_releaser_only_after_a_ttl() -> None:
    holder = leader(now=0, revision=10)
    lost, write = holder.release(100)
    assert lost == Lost("released")
    assert isinstance(write, Write)
    assert json.loads(write.value)["holder"] == ""
    assert not holder.valid(100)
    holder.written(200, 11)

    other = lease("b")
    other.tick(200)
    assert written(other.read(300, 11, write.value)) == {
        "holder": "b",
        "epoch": 2,
        "ttl_us": TTL_US,
        "beat": 0,
        "on": 11,
    }

    assert not any(isinstance(output, Write) for output in holder.read(TTL_US, 11, write.value))
    assert any(isinstance(output, Write) for output in holder.read(TTL_US + 100, 11, write.value))


def test_a_release_waits_for_the_renewal_that_is_on_its_way() -> None:
    holder = leader(revision=10)
    holder.tick(RENEW_US)
    assert holder.release(RENEW_US + 50) == [Lost("released")]
    assert written(holder.written(RENEW_US + 100, 11)) == {
        "holder": "", "epoch": 1, "ttl_us": TTL_US, "beat": 2, "on": 11
    }  # fmt: skip


def test_a_release_finds_its_revision_again_after_an_unknown_result() -> None:
    holder = leader(revision=10)
    holder.tick(RENEW_US)
    holder.release(RENEW_US + 50)
    assert holder.written(RENEW_US + 100, None) == [Read()]
    assert written(holder.read(RENEW_US + 200, 11, value("a", 1, 1)))["holder"] == ""


def test_a_release_during_a_take_never_leads() -> None:
    candidate = lease()
    candidate.tick(0)
    candidate.read(0, 0, None)
    assert candidate.release(10) == []
    assert written(candidate.written(20, 1))["holder"] == ""
    assert not candidate.holding


def test_a_dropped_term_is_never_continued_and_the_next_one_has_a_higher_epoch() -> None:
    holder = leader(revision=10)
    assert holder.drop(300_000, "paused for 12 s") == [Lost("paused for 12 s")]
    assert holder.tick(300_100) == [Read()]
    again = holder.read(300_200, 10, value("a", 1))
    assert written(again)["epoch"] == 2
    assert holder.written(300_300, 11) == [Won(2)]


def test_a_deleted_key_is_waited_out() -> None:
    candidate = lease()
    candidate.tick(0)
    assert candidate.read(0, 8, None) == []
    assert candidate.tick(TTL_US - 1) == [Read()]
    candidate.unread(TTL_US - 1)
    assert written(candidate.tick(TTL_US))["on"] == 8


def test_a_value_that_no_node_wrote_is_waited_out_too() -> None:
    candidate = lease()
    candidate.tick(0)
    assert candidate.read(0, 8, b"hello") == []
    assert written(candidate.tick(TTL_US))["on"] == 8


def test_only_one_request_is_ever_outstanding() -> None:
    candidate = lease()
    assert candidate.tick(0) == [Read()]
    assert [candidate.tick(now) for now in range(0, 10 * SECOND, 100_000)] == [[]] * 100


def test_a_second_answer_to_one_write_changes_nothing() -> None:
    holder = leader(revision=10)
    assert holder.written(100, 12) == []
    assert written(holder.tick(RENEW_US))["on"] == 10


@pytest.mark.parametrize(
    ("ttl", "renew", "margin"), [(2_000_000, 900_000, 300_000), (1, 0, 1), (2_000_000, 400_000, 0)]
)
def test_times_that_leave_no_room_for_two_renewals_are_refused(ttl: int, renew: int, margin: int) -> None:
    with pytest.raises(ValueError, match="two renewals"):
        Lease(node="a", ttl_us=ttl, renew_us=renew, margin_us=margin)


def test_a_candidate_may_look_more_often_than_it_would_renew() -> None:
    candidate = Lease(node="a", poll_us=100_000)
    assert candidate.tick(0) == [Read()]
    assert candidate.read(1, 7, value("b", 4)) == []
    assert candidate.tick(99_999) == []
    assert candidate.tick(100_000) == [Read()]


def test_a_lease_is_taken_while_the_store_shows_the_term_of_somebody_else() -> None:
    mine = leader(revision=10)
    assert not mine.taken
    mine.drop(100, "stood still")
    mine.tick(100)
    assert not mine.taken, "its own term, as far as it knows"
    assert mine.read(101, 11, value("a", 2)) == []
    assert mine.taken, "a twin's, whatever its name"
    mine.read(102, 12, value("", 2))
    assert not mine.taken


def test_epochs_rise_past_all_that_were_seen_even_if_the_bucket_is_lost() -> None:
    candidate = lease()
    candidate.tick(0)
    candidate.read(1, 7, value("b", 41))
    taken: list[LeaseOutput] = []
    for now in range(200_000, 5 * TTL_US, 200_000):
        outputs = candidate.tick(now)
        while outputs and not taken:
            if outputs == [Read()]:
                outputs = candidate.read(now, 0, None)
            elif written(outputs)["on"] == 7:
                outputs = candidate.written(now, None)  # the store knows no such revision
            else:
                taken = outputs
        if taken:
            break
    assert (written(taken)["epoch"], written(taken)["on"]) == (42, 0)
