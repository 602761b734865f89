"""Reviews and cool-downs outlive the leader that saw their causes, whether its successor saw them or not."""

from typing import Any

from support.book_scene import CLOSED, MS, SECOND, M, Scene, config, opened, policy
from touchline.book.config import HaltConfig
from touchline.book.pending import EVERY_MARKET, KEPT_US, Legacy, Memo, pack, unpack
from touchline.domain.reasons import HoldReason
from touchline.domain.status import MarketStatus

PRICES = {"home": "2.00", "draw": "3.50", "away": "4.00"}


def goal(**fields: Any) -> dict[str, Any]:
    return {
        "name": "goal",
        "type": "EventStatus",
        "eventStatus": {"incidents": ["Goal"]},
        "action": "Suspend",
        **fields,
    }


def moves(**fields: Any) -> dict[str, Any]:
    price_move = {"metric": "ImpliedProbability", "percent": "10", "within": "2s"}
    return {"name": "move", "type": "PriceMove", "priceMove": price_move, "action": "Suspend", **fields}


REVIEWED = config(policy(goal(action="SuspendAndReview")))
COOLED = config(policy(goal(coolDown="20s")))


def left_by(scene: Scene) -> Legacy:
    """What a leader leaves at this moment, as the next one reads it."""
    return unpack(pack(scene.book.pending.legacy(scene.now, scene.book.epoch)))


def blank(settings: Any, legacy: Legacy, *, after: int) -> Scene:
    """A node that has just started, hears the provider's images, and leads."""
    scene = Scene(settings, leading=False, start=after)
    scene.take(scene.book.lead(scene.now, 2, legacy))
    scene.image("a", PRICES)
    scene.beat("a")
    scene.tick()
    return scene


def after_a_goal(settings: Any) -> Scene:
    scene = opened(settings)
    scene.update("a", incidents=["Goal"])
    scene.pass_time(3 * SECOND, "a")
    assert scene.status() is MarketStatus.SUSPENDED
    return scene


def test_a_review_waits_under_a_leader_that_never_saw_why() -> None:
    before = after_a_goal(REVIEWED)
    scene = blank(REVIEWED, left_by(before), after=before.now)
    scene.pass_time(60 * SECOND, "a")
    assert scene.causes() == ["policy/policy/goal"]
    assert scene.quote().holds[0].detail.startswith("a reports Goal")
    explained = scene.book.explain(scene.now, M)
    assert explained is not None
    assert explained["review"] == before.book.explain(before.now, M)["review"]  # type: ignore[index]


def test_a_review_that_was_taken_over_ends_as_any_other() -> None:
    before = after_a_goal(REVIEWED)
    since = before.book.explain(before.now, M)["review"][0]["since"]  # type: ignore[index]
    scene = blank(REVIEWED, left_by(before), after=before.now)
    early, late = (HaltConfig("market", M, at=at) for at in (since - 1, since))
    scene.configure(config(policy(goal(action="SuspendAndReview")), resumes=[early]))
    assert scene.causes() == ["policy/policy/goal"]
    scene.configure(config(policy(goal(action="SuspendAndReview")), resumes=[late]))
    assert scene.status() is MarketStatus.OPEN


def test_a_review_that_ended_before_the_takeover_does_not_come_back() -> None:
    before = after_a_goal(REVIEWED)
    legacy = left_by(before)  # as written before the trader resumed
    resumed = config(
        policy(goal(action="SuspendAndReview")), resumes=[HaltConfig("event", "e1", at=before.wall + SECOND)]
    )
    assert blank(resumed, legacy, after=before.now).status() is MarketStatus.OPEN


def test_the_cool_down_after_a_review_that_was_taken_over_is_the_triggers() -> None:
    settings = policy(goal(action="SuspendAndReview", coolDown="7s"))
    before = after_a_goal(config(settings))
    scene = blank(config(settings), left_by(before), after=before.now)
    scene.configure(config(settings, resumes=[HaltConfig("all", at=scene.wall)]))
    assert scene.reasons() == ["CoolDown"]
    scene.pass_time(6_900 * MS, "a")
    assert scene.reasons() == ["CoolDown"]
    scene.pass_time(200 * MS, "a")
    assert scene.status() is MarketStatus.OPEN


def test_a_cool_down_runs_on_under_the_next_leader() -> None:
    before = after_a_goal(COOLED)  # 3 of its 20 s are over
    scene = blank(COOLED, left_by(before), after=before.now + 5 * SECOND)
    assert scene.reasons() == ["CoolDown"]
    assert scene.quote().holds[0].detail == "policy/policy/goal cleared (a reports Goal)"
    scene.pass_time(16_900 * MS, "a")  # no clock is compared: the time in between may have been nothing
    assert scene.reasons() == ["CoolDown"]
    scene.pass_time(200 * MS, "a")
    assert scene.status() is MarketStatus.OPEN


def test_a_cool_down_that_had_not_begun_counts_whole() -> None:
    settings = config(policy(moves(coolDown="10s")))
    before = opened(settings)
    before.update("a", {"home": "1.40"})
    assert before.reasons() == ["PriceMove"]
    scene = blank(settings, left_by(before), after=before.now)
    scene.pass_time(9_900 * MS, "a")
    assert scene.reasons() == ["CoolDown"]
    scene.pass_time(200 * MS, "a")
    assert scene.status() is MarketStatus.OPEN


def test_the_next_leader_goes_by_what_ends_later() -> None:
    before = after_a_goal(COOLED)
    standby = Scene(COOLED, leading=False)
    standby.image("a", PRICES)
    standby.beat("a")
    standby.update("a", incidents=["Goal"])
    standby.pass_time(1 * SECOND, "a")  # it saw the goal 2 s later
    standby.take(standby.book.lead(standby.now, 2, left_by(before)))
    standby.pass_time(18_900 * MS, "a")
    assert standby.reasons() == ["CoolDown"]
    standby.pass_time(200 * MS, "a")
    assert standby.status() is MarketStatus.OPEN


def test_what_a_standby_is_told_is_in_the_first_state_that_it_publishes() -> None:
    before = after_a_goal(REVIEWED)
    standby = Scene(REVIEWED, leading=False)
    standby.image("a", PRICES)
    standby.beat("a")
    [state] = standby.take(standby.book.lead(standby.now, 2, left_by(before)))
    assert (state["op"], state["status"]) == ("state", "Suspended")
    assert [hold["reason"] for hold in state["holds"]] == ["EventStatus"]


def test_a_selection_stays_out_under_the_next_leader() -> None:
    settings = config(policy(moves(scope="Selection", coolDown="10s")))
    before = opened(settings)
    before.update("a", {"home": "1.40"})
    before.pass_time(5 * SECOND, "a")
    assert before.price("home") == 0
    scene = blank(settings, left_by(before), after=before.now)
    assert (scene.status(), scene.price("home")) == (MarketStatus.OPEN, 0)
    scene.pass_time(10 * SECOND, "a")
    assert scene.price("home") == 2_000_000


def test_an_event_wide_review_holds_the_other_markets_under_the_next_leader() -> None:
    other = "e1:BothToScore"
    settings = config(policy(moves(scope="Event", action="SuspendAndReview")))
    before = opened(settings)
    before.image("a", {"yes": "1.80", "no": "2.10"}, market=other)
    before.update("a", {"home": "1.40"})
    before.pass_time(5 * SECOND, "a")
    scene = blank(settings, left_by(before), after=before.now)
    scene.image("a", {"yes": "1.80", "no": "2.10"}, market=other)
    assert scene.reasons() == scene.reasons(other) == ["PriceMove"]


def test_what_is_taken_over_for_a_market_that_has_not_come_yet_is_left_to_the_next_leader_as_well() -> None:
    before = after_a_goal(REVIEWED)
    second = Scene(REVIEWED, leading=False)
    second.take(second.book.lead(second.now, 2, left_by(before)))
    scene = blank(REVIEWED, left_by(second), after=second.now)
    assert scene.causes() == ["policy/policy/goal"]


def test_a_cool_down_taken_over_for_a_market_that_comes_late_has_run_meanwhile() -> None:
    scene = Scene(COOLED, leading=False)
    cooling = Memo("", HoldReason.COOL_DOWN, "x cleared", left_us=10 * SECOND)
    scene.take(scene.book.lead(scene.now, 2, Legacy(1, {M: [cooling]})))
    scene.pass_time(9 * SECOND)
    assert left_by(scene).memos[M][0].left_us == SECOND
    scene.pass_time(1 * SECOND)
    assert left_by(scene).memos == {}
    scene.image("a", PRICES)
    scene.beat("a")
    assert scene.status() is MarketStatus.OPEN


def test_a_review_of_a_market_that_never_comes_back_is_given_up_after_a_day() -> None:
    before = after_a_goal(REVIEWED)
    scene = Scene(REVIEWED, leading=False)
    scene.take(scene.book.lead(scene.now, 2, left_by(before)))
    scene.now += KEPT_US - 1
    assert M in left_by(scene).memos
    scene.now += 1
    assert left_by(scene).memos == {}


def test_a_new_term_of_the_same_node_begins_with_what_is_written_and_not_with_its_former_term() -> None:
    before = after_a_goal(REVIEWED)
    scene = Scene(REVIEWED, leading=False)
    scene.take(scene.book.lead(scene.now, 2, left_by(before)))
    scene.book.stand_by(scene.now, "a pause")
    scene.take(scene.book.lead(scene.now, 4, Legacy(3, {})))
    scene.image("a", PRICES)
    scene.beat("a")
    assert scene.status() is MarketStatus.OPEN


def test_unreadable_leftovers_hold_every_market_until_a_trader_resumes() -> None:
    scene = blank(COOLED, unpack(b"not ours"), after=10 * SECOND)
    assert scene.causes() == ["reopening/unread"]
    assert "cannot be read" in scene.quote().holds[0].detail
    scene.configure(config(policy(goal(coolDown="20s")), resumes=[HaltConfig("all", at=scene.wall)]))
    assert scene.status() is MarketStatus.OPEN
    scene.image("a", PRICES, market="e9:MatchWinner")
    assert scene.status("e9:MatchWinner") is MarketStatus.OPEN, "the order covers what comes later, too"
    assert EVERY_MARKET in left_by(scene).memos, "a later leader asks the same order"


def test_a_market_that_is_over_and_cools_no_more_is_not_pending() -> None:
    scene = after_a_goal(COOLED)
    assert left_by(scene).memos != {}
    scene.update("a", status=CLOSED)
    assert left_by(scene).memos == {}


def test_changes_grow_with_what_is_pending_and_with_nothing_else() -> None:
    scene = opened(COOLED)
    board = scene.book.pending
    before = board.changes
    scene.update("a", {"home": "2.02"})
    scene.pass_time(2 * SECOND, "a")
    assert board.changes == before
    scene.update("a", incidents=["Goal"])
    fired = board.changes
    assert fired > before
    scene.pass_time(3 * SECOND, "a")
    cooling = board.changes
    assert cooling > fired
    scene.pass_time(10 * SECOND, "a")
    assert board.changes == cooling
    scene.pass_time(10 * SECOND, "a")
    assert (board.changes > cooling, len(board)) == (True, 0)
