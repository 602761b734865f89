"""The queue of keys: each once, never two at a time, failures further apart, nobody behind anybody else."""

from hypothesis import given
from hypothesis import strategies as st

from touchline_operator.run.queue import FIRST_RETRY_US, LONGEST_RETRY_US, Queue
from touchline_operator.world.keys import Key

A, B = Key("Market", "bets", "a"), Key("Market", "bets", "b")
KEYS = [Key("Market", "bets", name) for name in "abcd"]


def test_a_key_that_is_added_many_times_is_worked_on_once() -> None:
    queue = Queue()
    for now in range(5):
        queue.add(now, [A])
    assert queue.take(5) == A
    queue.done(6, A)
    assert queue.take(7) is None


def test_a_key_that_changes_while_it_is_worked_on_is_given_again_and_never_to_two() -> None:
    queue = Queue()
    queue.add(0, [A])
    assert queue.take(0) == A
    queue.add(1, [A])
    assert queue.take(1) is None
    queue.done(2, A)
    assert queue.take(2) == A


def test_28_failures_of_one_key_come_further_and_further_apart_up_to_a_bound() -> None:
    queue, now, waits = Queue(), 0, []
    queue.add(now, [A])
    for _ in range(12):
        assert queue.take(now) == A
        queue.done(now, A, failed=True)
        due = queue.next_due()
        assert due is not None
        waits.append(due - now)
        assert queue.take(due - 1) is None
        now = due
    assert waits[:3] == [FIRST_RETRY_US, 2 * FIRST_RETRY_US, 4 * FIRST_RETRY_US]
    assert waits[-1] == LONGEST_RETRY_US


def test_28_success_forgets_earlier_failures() -> None:
    queue = Queue()
    queue.add(0, [A])
    for now in (0, FIRST_RETRY_US):
        assert queue.take(now) == A
        queue.done(now, A, failed=now == 0)
    queue.add(10**9, [A])
    assert queue.take(10**9) == A
    queue.done(10**9, A, failed=True)
    assert queue.next_due() == 10**9 + FIRST_RETRY_US


def test_28_news_of_a_failing_object_are_looked_at_at_once() -> None:
    queue = Queue()
    queue.add(0, [A])
    queue.take(0)
    queue.done(0, A, failed=True)
    queue.add(1, [A])
    assert queue.take(1) == A


def test_27_a_failing_key_does_not_hold_up_another() -> None:
    queue = Queue()
    queue.add(0, [A, B])
    assert queue.take(0) == A
    queue.done(0, A, failed=True)
    assert queue.take(0) == B


def test_the_lag_is_that_of_the_oldest_due_key_whether_it_waits_or_is_worked_on() -> None:
    queue = Queue()
    queue.add(0, [A])
    queue.add(5, [B], delay_us=100)
    assert (queue.lag_us(50), queue.depth(50)) == (50, 1)
    queue.take(50)
    assert (queue.lag_us(70), queue.depth(70)) == (70, 1)
    queue.done(80, A)
    assert (queue.lag_us(80), queue.depth(80)) == (0, 0)
    assert queue.lag_us(110) == 5


@given(
    st.lists(
        st.tuples(st.sampled_from(["add", "take", "done", "fail"]), st.sampled_from(KEYS), st.integers(0, 300_000)),
        max_size=60,
    )
)
def test_no_key_is_ever_lost_and_none_is_given_to_two(steps: list[tuple[str, Key, int]]) -> None:
    queue, now = Queue(), 0
    working: set[Key] = set()
    owed: set[Key] = set()
    for verb, key, passed in steps:
        now += passed
        if verb == "add":
            queue.add(now, [key], delay_us=passed)
            owed.add(key)
        elif verb == "take":
            taken = queue.take(now)
            if taken is not None:
                assert taken not in working
                working.add(taken)
                owed.discard(taken)
        elif key in working:
            working.discard(key)
            queue.done(now, key, failed=verb == "fail")
            if verb == "fail":
                owed.add(key)
    for key in sorted(working):
        queue.done(now, key)
    later, found = now + 10 * LONGEST_RETRY_US, set()
    while (taken := queue.take(later)) is not None:
        found.add(taken)
        queue.done(later, taken)
    assert owed <= found
