"""The figures of feed health against independent calculations."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchline.ingest.health import OFFSET_WINDOW_US, Health, Thresholds
from touchline.ingest.quantiles import SlidingCount, SlidingMinimum, SlidingQuantiles, class_of, upper_bound

SECOND = 1_000_000
WALL = 1_790_000_000 * SECOND


def thresholds(**changes: object) -> Thresholds:
    fields = {
        "max_silence_us": 3 * SECOND,
        "max_delay_us": 500_000,
        "max_loss_ppm": 5_000,
        "max_disconnects": 3,
        "disconnects_window_us": 60 * SECOND,
        "min_completeness_ppm": 980_000,
        "synchronised": False,
    }
    return Thresholds(**(fields | changes))  # type: ignore[arg-type]


def report(health: Health, now: int) -> dict[str, object]:
    return health.report(now, priced=100, wanted=100)


@given(st.integers(0, 1 << 50))
def test_a_class_holds_its_values_and_is_narrow(value: int) -> None:
    bound = upper_bound(class_of(value))
    assert value <= bound <= value + value // 32
    assert class_of(bound) == class_of(value)
    assert class_of(bound + 1) == class_of(value) + 1


@given(st.lists(st.integers(0, 10_000_000), min_size=1, max_size=300), st.sampled_from([500, 900, 990, 1000]))
def test_a_quantile_is_never_too_small_and_at_most_a_thirtysecond_too_large(
    values: list[int], per_thousand: int
) -> None:
    quantiles = SlidingQuantiles(10 * SECOND)
    for value in values:
        quantiles.add(0, value)
    exact = sorted(values)[-(-len(values) * per_thousand // 1000) - 1]
    assert exact <= quantiles.quantile(0, per_thousand) <= exact + exact // 32


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 1000)), min_size=1, max_size=100))
def test_what_is_older_than_the_window_is_forgotten(measured: list[tuple[int, int]]) -> None:
    quantiles, counted = SlidingQuantiles(10 * SECOND), SlidingCount(10 * SECOND)
    measured.sort()
    for second, value in measured:
        quantiles.add(second * SECOND, value)
        counted.add(second * SECOND)
    end = measured[-1][0]
    kept = [value for second, value in measured if second > end - 10]
    assert quantiles.count == counted.total(end * SECOND) == len(kept)
    assert quantiles.quantile(end * SECOND, 1000) == upper_bound(class_of(max(kept)))
    assert quantiles.quantile((end + 10) * SECOND, 500) == -1


def test_the_smallest_value_is_found_until_it_leaves_the_window() -> None:
    smallest = SlidingMinimum(10 * SECOND)
    smallest.add(0, 5)
    smallest.add(SECOND, 9)
    assert smallest.minimum() == 5
    smallest.add(10 * SECOND, 7)
    assert smallest.minimum() == 7


@pytest.mark.parametrize("skew", [-40 * SECOND, 0, 40 * SECOND])
def test_delay_is_corrected_by_the_providers_clock_offset(skew: int) -> None:
    health = Health(0, thresholds())
    for number in range(100):
        late = 300_000 if number >= 97 else 0
        health.message(number * 1000, WALL + 20_000 + late, WALL + skew, 1)
    figures = report(health, 100_000)
    assert figures["delayP50Us"] == 0
    assert 300_000 <= health.delay_p99_us(100_000) <= 310_000
    assert figures["clockOffsetUs"] == 20_000 - skew


def test_a_synchronised_clock_is_taken_at_its_word() -> None:
    health = Health(0, thresholds(synchronised=True))
    health.message(0, WALL + 700_000, WALL, 1)
    assert health.delay_p99_us(0) >= 700_000
    assert report(health, 0)["breaches"] == ["maxDelay"]


def test_an_offset_is_forgotten_with_its_window() -> None:
    health = Health(0, thresholds())
    health.message(0, WALL, WALL, 1)
    health.message(OFFSET_WINDOW_US, WALL + 50_000, WALL, 1)
    assert report(health, OFFSET_WINDOW_US)["clockOffsetUs"] == 50_000


def test_what_messages_are_later_than_heartbeats_is_the_providers() -> None:
    health = Health(0, thresholds(synchronised=True))
    health.alive(0, WALL + 30_000, WALL, heartbeat=True)
    health.message(0, WALL + 130_000, WALL, 1)
    health.handled(0, 400)
    delay = report(health, 0)["delay"]
    assert isinstance(delay, dict)
    assert 30_000 <= delay["networkP99Us"] <= 31_000
    assert 95_000 <= delay["theirsP99Us"] <= 105_000
    assert 400 <= delay["oursP99Us"] <= 413


def test_a_message_is_no_heartbeat() -> None:
    health = Health(0, thresholds(synchronised=True))
    health.alive(0, WALL + 30_000, WALL, heartbeat=False)
    assert health.delay_p99_us(0) == -1
    assert health.silence_us(5) == 5


def test_silence_begins_with_the_process_and_ends_with_each_proof_of_life() -> None:
    health = Health(100, thresholds())
    assert health.silence_us(1100) == 1000
    health.alive(2000, WALL, 0, heartbeat=True)
    assert health.silence_us(2500) == 500
    assert report(health, 2000 + 3 * SECOND + 1)["breaches"] == ["maxSilence"]


def test_loss_is_what_is_missing_of_what_should_have_come() -> None:
    health = Health(0, thresholds())
    for _ in range(99):
        health.frame(0)
    health.gap(0, 1)
    assert health.loss_ppm(0) == 10_000
    assert report(health, 0)["breaches"] == ["maxLossPercent"]
    assert health.loss_ppm(61 * SECOND) == 0
    assert health.gaps == 1


def test_disconnects_count_in_their_window() -> None:
    health = Health(0, thresholds())
    for second in (0, 1, 2, 3):
        health.disconnected(second * SECOND)
    assert report(health, 3 * SECOND)["disconnectsInWindow"] == 4
    assert "maxDisconnects" in str(report(health, 3 * SECOND)["breaches"])
    assert report(health, 61 * SECOND)["disconnectsInWindow"] == 2
    assert health.disconnects == 4


def test_too_few_priced_selections_are_a_breach() -> None:
    health = Health(0, thresholds())
    figures = health.report(0, priced=97, wanted=100)
    assert (figures["completenessPpm"], figures["breaches"]) == (970_000, ["minCompletenessPercent"])
    assert health.report(0, priced=0, wanted=0)["completenessPpm"] == SECOND


def test_the_rate_is_that_of_ten_seconds_and_its_baseline_follows_slowly() -> None:
    health = Health(0, thresholds())
    for second in range(60):
        for _ in range(10):
            health.message(second * SECOND, WALL, WALL, 3)
        figures = report(health, second * SECOND)
    assert (figures["messagesPerSecond"], figures["updatesPerSecond"]) == (10, 30)
    for second in range(60, 75):
        figures = report(health, second * SECOND)
    assert figures["messagesPerSecond"] == 0
    assert 9 < float(str(figures["baselineMessagesPerSecond"])) < 10
