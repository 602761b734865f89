"""Waits between attempts."""

from random import Random

from touchline.feeds.backoff import Backoff


def test_waits_double_up_to_the_cap_and_start_anew_after_success() -> None:
    backoff = Backoff(first_us=100, cap_us=1000)
    assert [backoff.next_us() for _ in range(6)] == [100, 200, 400, 800, 1000, 1000]
    backoff.reset()
    assert backoff.next_us() == 100


def test_a_thousand_failures_still_wait_the_cap() -> None:
    backoff = Backoff(first_us=100, cap_us=1000)
    assert [backoff.next_us() for _ in range(1000)][-1] == 1000


def test_a_seeded_generator_spreads_waits_between_half_and_whole_and_repeats() -> None:
    waits = [
        [Backoff(first_us=1000, rng=rng).next_us() for _ in range(50)] for rng in (Random(1), Random(1), Random(2))
    ]
    assert waits[0] == waits[1] != waits[2]
    assert all(500 <= wait <= 1000 for wait in waits[0])
    assert len(set(waits[0])) > 10
