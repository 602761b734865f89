"""Counts of the last hour: what a ring of buckets says is what a list of everything that happened says, and nothing piles up."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from touchline.book.sliding import BUCKETS, MINUTE_US, SlidingCounts

KEYS = st.sampled_from([("calm", "FeedDelay"), ("calm", "PriceMove"), ("strict", "FeedDelay")])
STEPS = st.lists(st.tuples(st.integers(0, 40 * MINUTE_US), KEYS), max_size=60)


@given(STEPS, st.integers(0, 130 * MINUTE_US))
def test_the_ring_counts_what_happened_in_its_buckets_and_forgets_what_left_them(
    steps: list[tuple[int, tuple[str, str]]], rest: int
) -> None:
    counts, happened, now = SlidingCounts(), [], 7 * MINUTE_US
    for wait, key in steps:
        now += wait
        counts.add(now, key)
        happened.append((now // MINUTE_US, key))
    now += rest
    kept = Counter(key for minute, key in happened if minute > now // MINUTE_US - BUCKETS)
    assert dict(counts.totals(now)) == dict(kept)


@given(st.integers(0, 10**15))
def test_what_happened_within_59_minutes_counts_and_what_is_an_hour_old_does_not(at: int) -> None:
    counts, key = SlidingCounts(), ("calm", "PriceMove")
    counts.add(at, key)
    assert counts.totals(at + 59 * MINUTE_US) == {key: 1}
    assert counts.totals(at + 60 * MINUTE_US) == {}


def test_a_quiet_hour_leaves_nothing_behind() -> None:
    counts = SlidingCounts()
    for n in range(10_000):
        counts.add(n * MINUTE_US, ("p", str(n)))
    assert len(counts.totals(10_000 * MINUTE_US)) == BUCKETS - 1
    assert len(counts._kept) == BUCKETS - 1
