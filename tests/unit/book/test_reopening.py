"""Cool-downs, checks and reviews: when a market may open again."""

import pytest

from support.book_scene import MS, OPEN, SECOND, SUSPENDED, M, Scene, config, market_class, opened, policy
from touchline.book.config import HaltConfig, PolicyConfig
from touchline.book.reopening import failed_checks
from touchline.bus.messages import MarketUpdate
from touchline.domain.status import MarketStatus

GOAL = {"name": "goal", "type": "EventStatus", "eventStatus": {"incidents": ["Goal", "RedCard"]}, "scope": "Event"}
LATE = {"name": "late", "type": "FeedDelay", "feedDelay": {"threshold": "200ms"}}
SWING = {"name": "swing", "type": "PriceMove", "priceMove": {"percent": "15"}, "action": "SuspendAndReview"}


def test_an_incident_holds_the_whole_event_and_the_cool_down_counts_from_it() -> None:
    scene = opened(config(policy(GOAL, coolDown="5s")))
    scene.image("a", {"yes": "2.00"}, market="e1:BothToScore")
    scene.image("a", {"yes": "2.00"}, market="e2:BothToScore")
    scene.update("a", incidents=["Goal"])
    assert scene.causes() == scene.causes("e1:BothToScore") == ["policy/policy/goal"]
    assert scene.quote().holds[0].detail == "a reports Goal"
    assert scene.status("e2:BothToScore") is MarketStatus.OPEN
    assert scene.urgent[-2:] == [True, True]
    scene.pass_time(1_100 * MS, "a")
    assert scene.reasons() == ["CoolDown"]
    assert "policy/policy/goal cleared (a reports Goal)" in scene.quote().holds[0].detail
    scene.pass_time(3_800 * MS, "a")
    assert scene.reasons() == ["CoolDown"]
    scene.pass_time(100 * MS, "a")
    assert scene.status() is scene.status("e1:BothToScore") is MarketStatus.OPEN


def test_an_incident_that_no_trigger_lists_holds_nothing() -> None:
    scene = opened(config(policy(GOAL)))
    scene.update("a", incidents=["Corner"])
    assert scene.status() is MarketStatus.OPEN


def test_an_incident_reported_by_the_reserve_provider_counts() -> None:
    scene = opened(config(policy(GOAL)), "a", "b")
    scene.update("b", incidents=["Corner", "RedCard"])
    assert scene.quote().holds[0].detail == "b reports RedCard"


def test_a_second_incident_starts_the_cool_down_anew() -> None:
    scene = opened(config(policy(GOAL, coolDown="5s")))
    scene.update("a", incidents=["Goal"])
    scene.pass_time(4 * SECOND, "a")
    scene.update("a", incidents=["RedCard"])
    scene.pass_time(4_900 * MS, "a")
    assert scene.reasons() == ["CoolDown"]
    scene.pass_time(100 * MS, "a")
    assert scene.status() is MarketStatus.OPEN


def test_a_trigger_may_have_a_cool_down_of_its_own() -> None:
    scene = opened(config(policy({**GOAL, "coolDown": "20s"}, LATE, coolDown="2s")))
    scene.update("a", incidents=["Goal"])
    scene.pass_time(19_900 * MS, "a")
    assert scene.reasons() == ["CoolDown"]
    scene.pass_time(100 * MS, "a")
    scene.beat("a", delay_us=300 * MS)
    scene.beat("a")
    scene.pass_time(1_900 * MS, "a")
    assert scene.reasons() == ["CoolDown"]
    scene.pass_time(100 * MS, "a")
    assert scene.status() is MarketStatus.OPEN


def test_the_cool_down_counts_from_the_end_of_the_last_trigger_that_cleared() -> None:
    scene = opened(config(policy(GOAL, LATE, coolDown="5s")))
    scene.update("a", incidents=["Goal"])
    scene.pass_time(3 * SECOND, "a", delay_us=300 * MS)
    assert scene.reasons() == ["FeedDelay"]
    scene.pass_time(4_900 * MS, "a")
    assert scene.reasons() == ["CoolDown"]
    scene.pass_time(200 * MS, "a")
    assert scene.status() is MarketStatus.OPEN


def test_each_cause_clears_only_its_own_hold() -> None:
    scene = opened(config(policy(GOAL, LATE)))
    scene.update("a", status=SUSPENDED, incidents=["Goal"])
    scene.beat("a", delay_us=300 * MS)
    assert scene.reasons() == ["ProviderSuspended", "EventStatus", "FeedDelay"]
    scene.update("a", status=OPEN)
    assert scene.reasons() == ["EventStatus", "FeedDelay"]
    scene.beat("a")
    assert scene.reasons() == ["EventStatus"]
    scene.pass_time(1_100 * MS, "a")
    assert scene.status() is MarketStatus.OPEN


def test_going_in_play_fires_the_trigger_that_lists_it() -> None:
    turn = {"name": "turn", "type": "EventStatus", "eventStatus": {"incidents": ["TurnInPlay"]}}
    scene = opened(config(policy(turn, coolDown="3s")))
    frames = scene.update("a", in_play=1)
    assert scene.quote().in_play
    assert scene.quote().holds[0].detail == "in play"
    assert frames[-1]["meta"] == {"phase": "InPlay"}
    scene.pass_time(3 * SECOND, "a")
    assert scene.status() is MarketStatus.OPEN
    scene.update("a", in_play=0)
    assert scene.quote().holds[0].detail == "no longer in play"


def test_a_market_that_is_new_and_in_play_has_not_turned() -> None:
    turn = {"name": "turn", "type": "EventStatus", "eventStatus": {"incidents": ["TurnInPlay"]}}
    scene = Scene(config(policy(turn)))
    scene.image("a", {"home": "2.00"}, in_play=True)
    scene.beat("a")
    assert scene.status() is MarketStatus.OPEN


def test_going_in_play_is_judged_by_the_policy_of_the_new_phase() -> None:
    turn = {"name": "turn", "type": "EventStatus", "eventStatus": {"incidents": ["TurnInPlay"]}}
    classes = [
        market_class("before", selector={"phase": "PreMatch"}, suspensionPolicyRef={"name": "quiet"}),
        market_class("in-play", selector={"phase": "InPlay"}, suspensionPolicyRef={"name": "live"}),
    ]
    scene = opened(config(*classes, policy(name="quiet"), policy(turn, name="live")))
    scene.update("a", in_play=1)
    assert scene.causes() == ["policy/live/turn"]


def test_an_event_wide_hold_ends_with_the_market_that_set_it() -> None:
    swing = {**SWING, "scope": "Event"}
    scene = opened(config(policy(swing)))
    scene.image("a", {"yes": "2.00"}, market="e1:BothToScore")
    scene.update("a", {"home": "1.50"})
    assert scene.causes("e1:BothToScore") == ["policy/policy/swing"]
    scene.batch("a", [MarketUpdate(M, 1, 1, image=True)])
    scene.pass_time(599 * SECOND, "a", step_us=400 * MS)
    assert scene.causes("e1:BothToScore") == ["policy/policy/swing"]
    scene.pass_time(2 * SECOND, "a")
    assert scene.book.quote(scene.now, M) is None
    assert scene.status("e1:BothToScore") is MarketStatus.OPEN


def test_checks_keep_a_market_shut_with_their_figures() -> None:
    bounds = {"min": "100", "max": "120"}
    scene = Scene(config(policy(checks=["AllSelectionsPriced", "Overround"], overroundPercent=bounds)))
    scene.image("a", {"home": "2.00", "draw": "", "away": "4.00"})
    scene.beat("a")
    assert scene.reasons() == ["ChecksFailed"]
    assert scene.quote().holds[0].detail == (
        "AllSelectionsPriced: draw without a price; Overround: 75.00 % is outside 100.00 % to 120.00 %"
    )
    scene.update("a", {"draw": "2.10"})
    assert scene.quote().holds[0].detail == "Overround: 122.61 % is outside 100.00 % to 120.00 %"
    scene.update("a", {"draw": "3.50"})
    assert scene.status() is MarketStatus.OPEN
    scene.update("a", {"draw": ""})
    assert scene.status() is MarketStatus.OPEN, "checks are made when it opens, not while it is open"


def test_an_outcome_that_is_withdrawn_or_decided_needs_no_price() -> None:
    scene = Scene(config(policy(checks=["AllSelectionsPriced"])))
    scene.image("a", {"home": "2.00", "away": ""}, results={"away": "Void"})
    scene.beat("a")
    assert scene.status() is MarketStatus.OPEN
    assert scene.price("away") == 0


def test_a_result_that_a_later_image_leaves_out_is_gone() -> None:
    scene = Scene(config(policy(checks=["AllSelectionsPriced"])))
    scene.image("a", {"home": "2.00", "away": ""}, results={"away": "Void"})
    scene.image("a", {"home": "2.00", "away": ""})
    scene.beat("a")
    assert scene.reasons() == ["ChecksFailed"]


@pytest.mark.parametrize(
    ("prices", "fault"),
    [
        ({"x": 2_000_000, "y": 2_000_000}, ""),
        ({"x": 2_000_000, "y": 2_000_010}, "Overround: 99.99 % is outside 100.00 % to 140.00 %"),
        ({"x": 2_000_000, "y": 1_111_112}, ""),
        ({"x": 2_000_000, "y": 1_111_110}, "Overround: 140.00 % is outside 100.00 % to 140.00 %"),
    ],
)
def test_the_bounds_of_the_overround_may_be_reached(prices: dict[str, int], fault: str) -> None:
    rules = PolicyConfig("p", (), ("Overround",), 1_000_000, 1_400_000)
    found = failed_checks(rules, fresh=True, expected=["x", "y"], prices=prices)
    assert found == fault


def test_many_missing_selections_are_named_in_part() -> None:
    rules = PolicyConfig("p", (), ("AllSelectionsPriced", "FreshPrice"))
    found = failed_checks(rules, fresh=False, expected=[f"r{n}" for n in range(9)], prices={})
    assert (
        found
        == "AllSelectionsPriced: r0, r1, r2, r3, r4 and 4 more without a price; FreshPrice: freshness is not proven"
    )
    assert "no selection is known" in failed_checks(rules, fresh=True, expected=[], prices={})


def test_a_blip_of_freshness_needs_no_cool_down_but_the_checks() -> None:
    scene = opened(config(policy(GOAL, coolDown="5s", checks=["AllSelectionsPriced"])))
    scene.pass_time(600 * MS)
    scene.update("a", {"home": ""})
    scene.beat("a")
    assert scene.reasons() == ["ChecksFailed"]
    scene.update("a", {"home": "2.00"})
    assert scene.status() is MarketStatus.OPEN


def test_a_policy_that_does_not_exist_keeps_its_markets_shut() -> None:
    scene = Scene(config(policy(name="another")))
    scene.image("a", {"home": "2.00"})
    scene.beat("a")
    assert scene.causes() == ["policy"]
    scene.configure(config(policy()))
    assert scene.status() is MarketStatus.OPEN


def resumed(scene: Scene, **order: str | int) -> None:
    entry = {"scope": "market", "id": M, "by": "kim", "at": scene.wall, **order}
    scene.configure(config(policy(SWING), resumes=[HaltConfig(**entry)]))  # type: ignore[arg-type]


def test_a_hold_for_review_outlives_its_trigger_until_a_trader_resumes() -> None:
    scene = opened(config(policy(SWING)))
    scene.update("a", {"home": "1.50"})
    scene.pass_time(60 * SECOND, "a")
    assert scene.causes() == ["policy/policy/swing"]
    resumed(scene)
    assert scene.status() is MarketStatus.OPEN


@pytest.mark.parametrize(
    "order", [{"scope": "event", "id": "e1"}, {"scope": "provider", "id": "a"}, {"scope": "all", "id": ""}]
)
def test_a_trader_may_resume_by_event_provider_or_everything(order: dict[str, str]) -> None:
    scene = opened(config(policy(SWING)))
    scene.update("a", {"home": "1.50"})
    scene.pass_time(10 * SECOND, "a")
    resumed(scene, **order)
    assert scene.status() is MarketStatus.OPEN


def test_a_resume_of_another_market_does_not_resume_this_one() -> None:
    scene = opened(config(policy(SWING)))
    scene.update("a", {"home": "1.50"})
    scene.pass_time(10 * SECOND, "a")
    resumed(scene, id="e1:TotalGoals:2.5")
    assert scene.causes() == ["policy/policy/swing"]


def test_a_resume_while_the_trigger_still_fires_counts_when_it_rests() -> None:
    scene = opened(config(policy(SWING)))
    scene.update("a", {"home": "1.50"})
    scene.now += 100 * MS
    resumed(scene)
    assert scene.causes() == ["policy/policy/swing"]
    scene.pass_time(2 * SECOND, "a")
    assert scene.status() is MarketStatus.OPEN


def test_a_resume_does_not_cover_what_moves_after_it() -> None:
    scene = opened(config(policy(SWING)))
    scene.update("a", {"home": "1.50"})
    scene.now += 100 * MS
    resumed(scene)
    scene.now += 100 * MS
    scene.update("a", {"home": "1.30"})
    scene.pass_time(10 * SECOND, "a")
    assert scene.causes() == ["policy/policy/swing"]


def test_a_later_move_needs_another_resume() -> None:
    scene = opened(config(policy(SWING)))
    scene.update("a", {"home": "1.50"})
    scene.pass_time(10 * SECOND, "a")
    resumed(scene)
    scene.now += MS
    scene.update("a", {"home": "2.40"})
    scene.pass_time(10 * SECOND, "a")
    assert scene.causes() == ["policy/policy/swing"]
    resumed(scene)
    assert scene.status() is MarketStatus.OPEN


def test_a_review_outlives_an_edit_that_removes_its_trigger() -> None:
    scene = opened(config(policy(SWING)))
    scene.update("a", {"home": "1.50"})
    scene.configure(config(policy()))
    scene.pass_time(10 * SECOND, "a")
    assert scene.causes() == ["policy/policy/swing"]
