"""PriceMove: exact bounds, the window, the band of the hot path, and what resets it (FEEDS, "naive", 3 and 6)."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from support.book_scene import MS, SECOND, M, Scene, config, opened, policy, selections
from touchline.book.config import TriggerConfig
from touchline.book.triggers.base import Facts
from touchline.book.triggers.moves import Metric, band, describe, moved
from touchline.book.triggers.price_move import PriceMove
from touchline.bus.messages import MarketUpdate
from touchline.domain.prices import MAX_MICRO, MIN_MICRO
from touchline.domain.reasons import HoldReason
from touchline.domain.status import MarketStatus

micros = st.one_of(st.integers(MIN_MICRO, 20_000_000), st.integers(MIN_MICRO, MAX_MICRO))
percents = st.integers(1_000, 10_000_000)
metrics = st.sampled_from(list(Metric))


def swing(metric: str = "ImpliedProbability", percent: str = "15", **fields: object) -> dict[str, object]:
    return {
        "name": "swing",
        "type": "PriceMove",
        "priceMove": {"metric": metric, "percent": percent, "within": "2s"},
        **fields,
    }


@pytest.mark.parametrize(
    ("metric", "old", "new", "fires"),
    [
        (Metric.IMPLIED_PROBABILITY, 2_000_000, 1_538_461, True),  # 50 % to 65.00002 %
        (Metric.IMPLIED_PROBABILITY, 2_000_000, 1_538_462, False),
        (Metric.IMPLIED_PROBABILITY, 100_000_000, 50_000_000, False),  # 1 % to 2 %
        (Metric.DECIMAL_PRICE, 100_000_000, 50_000_000, True),
        (Metric.DECIMAL_PRICE, 2_000_000, 2_300_000, True),
        (Metric.DECIMAL_PRICE, 2_000_000, 2_299_999, False),
        (Metric.DECIMAL_PRICE, 2_000_000, 1_700_000, True),
        (Metric.DECIMAL_PRICE, 2_000_000, 1_700_001, False),
    ],
)
def test_a_move_is_measured_exactly(metric: Metric, old: int, new: int, fires: bool) -> None:
    assert moved(metric, 150_000, old, new) is fires


@given(metrics, percents, micros, micros, st.data())
def test_no_two_prices_of_a_band_are_a_move(
    metric: Metric, percent: int, one: int, other: int, data: st.DataObject
) -> None:
    low, high = band(metric, percent, min(one, other), max(one, other))
    assume(low <= high)
    assert low <= min(one, other)
    assert max(one, other) <= high
    first, second = data.draw(st.integers(low, high)), data.draw(st.integers(low, high))
    assert not moved(metric, percent, first, second)
    assert not moved(metric, percent, low, high)
    assert not moved(metric, percent, high, low)


@given(metrics, percents, micros)
def test_a_single_price_always_has_a_band_of_useful_width(metric: Metric, percent: int, micro: int) -> None:
    assume(1_010_000 <= micro <= 1_000_000_000)
    low, high = band(metric, max(percent, 10_000), micro, micro)
    assert low <= micro <= high


@given(metrics, micros, micros)
def test_a_move_is_described_without_an_error(metric: Metric, old: int, new: int) -> None:
    assert describe(metric, old, new)[0] in "+-"


@given(
    metrics,
    st.integers(20_000, 300_000),
    st.lists(st.tuples(st.integers(0, 1_500), st.sampled_from([0, *range(1_200_000, 3_200_000, 50_000)])), max_size=40),
)
def test_the_windows_agree_with_a_plain_search(metric: Metric, percent: int, steps: list[tuple[int, int]]) -> None:
    """The reference keeps every price with the span in which it was in force and compares them all."""
    within = 2 * SECOND
    trigger = PriceMove(
        TriggerConfig("t", HoldReason.PRICE_MOVE, "c", metric=metric.value, percent_ppm=percent, within_us=within)
    )
    history: list[tuple[int, int]] = []  # (end, micro)
    pending: list[tuple[int, int]] = []
    low, high = 1, 0
    current, now = 0, 0
    for wait, micro in steps:
        now += wait * MS
        history.append((now, current))
        pending.append((now, current))
        current = micro
        if not low <= micro <= high:
            low, high = trigger.observe(now, "s", pending, micro)
            pending = []
        expected = bool(micro) and any(
            old and end >= now - within and moved(metric, percent, old, micro) for end, old in history
        )
        fires = bool(trigger.judge(now, Facts(None, None)))
        assert fires == expected
        if fires:
            assert (low, high) == (1, 0), "while it fires every price is looked at"
        elif (low, high) == (1, 0) and not trigger.fires:
            low, high = trigger.observe(now, "s", pending, micro)
            pending = []


def test_a_price_that_stood_for_an_hour_and_jumps_has_moved_within_two_seconds() -> None:
    scene = opened(config(policy(swing())))
    scene.pass_time(3_600 * SECOND, "a", step_us=400 * MS)
    scene.update("a", {"home": "1.50"})
    assert scene.causes() == ["policy/policy/swing"]
    assert "home moved from 2.00 to 1.50 within 2000 ms: +16.66 points" in scene.quote().holds[0].detail
    assert scene.urgent[-1]


def test_a_slow_drift_of_the_same_size_does_not_fire() -> None:
    scene = opened(config(policy(swing())))
    for text in ("1.90", "1.80", "1.70", "1.60", "1.52"):
        scene.update("a", {"home": text})
        scene.pass_time(2_100 * MS, "a")
        assert scene.status() is MarketStatus.OPEN


def test_many_small_steps_within_the_window_add_up() -> None:
    scene = opened(config(policy(swing())))
    for step in range(26):
        scene.now += 10 * MS
        scene.update("a", {"home": f"1.{97 - 2 * step}"})
    assert scene.reasons() == ["PriceMove"], "2.00 to 1.47 in 260 ms"


def test_there_and_back_again_is_measured_from_the_turning_point() -> None:
    scene = opened(config(policy(swing())))
    scene.update("a", {"home": "1.60"})
    assert scene.status() is MarketStatus.OPEN, "50 % to 62.5 %"
    scene.update("a", {"home": "2.20"})
    assert scene.reasons() == ["PriceMove"], "45.5 % is near 50 %, but 17 points from 62.5 %"


def test_the_hold_lasts_until_the_price_has_been_steady_for_the_window() -> None:
    scene = opened(config(policy(swing())))
    scene.update("a", {"home": "1.50"})
    scene.pass_time(1_900 * MS, "a")
    assert scene.reasons() == ["PriceMove"]
    scene.pass_time(200 * MS, "a")
    assert scene.status() is MarketStatus.OPEN


def test_prices_go_on_moving_while_it_holds_and_are_published() -> None:
    scene = opened(config(policy(swing())))
    scene.update("a", {"home": "1.50"})
    frames = scene.update("a", {"home": "1.40"})
    assert frames[0]["sel"] == {"home": "1.40"}
    assert "status" not in frames[0]
    scene.pass_time(1_900 * MS, "a")
    scene.update("a", {"home": "1.90"})
    scene.pass_time(200 * MS, "a")
    assert scene.reasons() == ["PriceMove"], "it moved again, back"


def test_the_baseline_is_set_anew_by_a_reopening() -> None:
    scene = opened(config(policy(swing(), coolDown="0s")))
    scene.update("a", {"home": "1.50"})
    scene.pass_time(2_100 * MS, "a")
    assert scene.status() is MarketStatus.OPEN
    scene.update("a", {"home": "1.60"})
    assert scene.status() is MarketStatus.OPEN, "62.5 % is 4.2 points from 66.7 % and the 50 % of before count no more"


def test_a_reopening_forgets_prices_that_no_window_has_taken_over_yet() -> None:
    scene = opened(config(policy(swing())))
    scene.update("a", {"home": "1.96"})
    scene.update("a", status=1)
    scene.update("a", status=0)
    scene.update("a", {"home": "1.52"})
    assert scene.status() is MarketStatus.OPEN, "14.8 points from 51.0 %, and the 50 % of before count no more"


def test_prices_before_a_provider_suspension_do_not_count_after_it() -> None:
    scene = opened(config(policy(swing())))
    scene.update("a", {}, status=1)
    scene.update("a", {"home": "1.52"})
    scene.update("a", {"home": "1.60"}, status=0)
    assert scene.status() is MarketStatus.OPEN


def test_a_selection_without_a_price_has_not_moved() -> None:
    scene = opened(config(policy(swing())))
    scene.update("a", {"home": ""})
    assert scene.status() is MarketStatus.OPEN
    assert scene.published[-1]["sel"] == {"home": None}
    scene.update("a", {"home": "1.98"})
    assert scene.status() is MarketStatus.OPEN
    scene.update("a", {"home": ""})
    scene.update("a", {"home": "1.40"})
    assert scene.reasons() == ["PriceMove"], "what it was before it vanished still counts"


def test_only_the_last_word_of_a_message_counts() -> None:
    scene = opened(config(policy(swing())))
    frames = scene.batch("a", [
        MarketUpdate(M, scene.wall, scene.wall, sels=selections({"home": "1.20"}) + selections({"home": "2.02"})),
    ])  # fmt: skip
    assert scene.status() is MarketStatus.OPEN
    assert frames[0]["sel"] == {"home": "2.02"}
    scene.batch("a", [
        MarketUpdate(M, scene.wall, scene.wall, sels=selections({"home": text})) for text in ("1.20", "2.04")
    ])  # fmt: skip
    assert scene.status() is MarketStatus.OPEN


def test_scope_selection_keeps_one_selection_out_and_the_market_open() -> None:
    scene = opened(config(policy(swing(scope="Selection"), coolDown="5s")))
    frames = scene.update("a", {"home": "1.50", "away": "4.10"})
    assert scene.status() is MarketStatus.OPEN
    assert frames[0]["sel"] == {"home": None, "away": "4.10"}
    assert scene.price("home") == 0
    scene.update("a", {"home": "1.52", "away": "4.20"})
    assert (scene.price("home"), scene.price("away")) == (0, 4_200_000)
    scene.pass_time(2_100 * MS + 4_800 * MS, "a")
    assert scene.update("a", {"home": "1.54"}) == []
    assert scene.price("home") == 0, "the cool-down runs"
    scene.pass_time(300 * MS, "a")
    assert scene.price("home") == 1_540_000


def test_scope_event_holds_every_market_of_the_event_and_no_other() -> None:
    scene = opened(config(policy(swing(scope="Event"))))
    scene.image("a", {"yes": "2.00", "no": "1.90"}, market="e1:BothToScore")
    scene.image("a", {"home": "2.00", "away": "1.90"}, market="e2:MatchWinner")
    scene.update("a", {"home": "1.50"})
    assert scene.causes() == scene.causes("e1:BothToScore") == ["policy/policy/swing"]
    assert scene.status("e2:MatchWinner") is MarketStatus.OPEN
    scene.image("a", {"x": "2.00"}, market="e1:Later")
    assert scene.causes("e1:Later") == ["policy/policy/swing"], "a market that appears meanwhile is held too"
    scene.pass_time(2_100 * MS, "a")
    assert scene.status() is scene.status("e1:BothToScore") is scene.status("e1:Later") is MarketStatus.OPEN


def test_an_edited_threshold_is_live_without_a_new_market() -> None:
    scene = opened(config(policy(swing())))
    scene.configure(config(policy(swing(percent="4"))))
    scene.update("a", {"home": "1.80"})
    assert scene.reasons() == ["PriceMove"], "5.6 points"


def test_an_edit_of_another_trigger_keeps_what_this_one_remembers() -> None:
    scene = opened(config(policy(swing())))
    scene.update("a", {"home": "1.50"})
    scene.configure(config(policy(swing(), {"name": "lost", "type": "ProviderDisconnect"})))
    assert scene.reasons() == ["PriceMove"]
    scene.update("a", {"home": "1.52"})
    scene.pass_time(2_100 * MS, "a")
    assert scene.status() is MarketStatus.OPEN


def test_a_window_is_bounded_however_many_prices_come() -> None:
    scene = opened(config(policy(swing())))
    for number in range(2_000):
        scene.now += 50
        scene.update("a", {"home": f"2.{number % 7:02d}"})
        if number % 100 == 0:
            scene.beat("a")
    assert scene.status() is MarketStatus.OPEN
    scene.update("a", {"home": "1.50"})
    assert scene.reasons() == ["PriceMove"]


def test_a_scene_without_the_trigger_never_holds_for_a_move() -> None:
    scene: Scene = opened()
    scene.update("a", {"home": "1.01"})
    assert scene.status() is MarketStatus.OPEN
