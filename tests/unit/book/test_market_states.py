"""A market's life: what may change its status and what never may (FEEDS, "naive", 4, 5, 6, 9, 12, 13, 14)."""

import pytest

from support.book_scene import (
    CANCELLED,
    CLOSED,
    MS,
    OPEN,
    SECOND,
    SETTLED,
    SUSPENDED,
    M,
    Scene,
    config,
    market_class,
    opened,
    policy,
    selections,
)
from touchline.bus.messages import MarketUpdate
from touchline.domain.status import MarketStatus, ProviderStatus


def test_a_new_market_is_told_as_a_state_with_everything() -> None:
    scene = Scene()
    scene.image("a", {"home": "2.00", "away": ""}, delay_ms=5_000, in_play=True)
    frame = scene.published[0]
    assert frame["op"] == "state"
    assert frame["sel"] == {"home": "2.00", "away": None}
    assert frame["meta"] == {
        "sport": "Football",
        "league": "premier",
        "type": "MatchWinner",
        "line": "",
        "event": {"id": "e1", "name": "Home v Away", "start": 1_800_000_000_000_000, "home": "Home", "away": "Away"},
        "phase": "InPlay",
        "names": {"home": "Home", "away": "Away"},
        "provider": "a",
        "betDelayMs": 5_000,
        "class": "all",
    }
    assert frame["t"] == {"src": scene.wall, "recv": scene.wall, "pub": scene.wall}


def test_an_image_without_a_status_opens_nothing() -> None:
    scene = Scene()
    scene.image("a", {"home": "2.00"}, status=-1)  # type: ignore[arg-type]
    scene.beat("a")
    assert scene.reasons() == ["ProviderSuspended"]


def test_a_status_may_change_in_a_message_without_prices() -> None:
    scene = opened()
    scene.update("a", status=SUSPENDED)
    assert (scene.reasons(), scene.urgent[-1]) == (["ProviderSuspended"], True)
    scene.update("a", status=OPEN)
    assert (scene.status(), scene.urgent[-1]) == (MarketStatus.OPEN, False)


def test_going_in_play_may_skip_suspended_and_be_reverted() -> None:
    before = market_class("before", selector={"phase": "PreMatch"})
    in_play = market_class("in-play", selector={"phase": "InPlay"}, betting={"delay": "5s"})
    scene = opened(config(before, in_play))
    frames = scene.update("a", in_play=1, delay_ms=3_000)
    assert (scene.status(), scene.quote().in_play, scene.quote().delay_us) == (MarketStatus.OPEN, True, 5 * SECOND)
    assert frames[0]["meta"] == {"phase": "InPlay", "class": "in-play", "betDelayMs": 5_000}
    scene.update("a", in_play=0)
    assert (scene.status(), scene.quote().in_play, scene.quote().delay_us) == (MarketStatus.OPEN, False, 3 * SECOND)
    assert scene.quote().market_class is before


def test_prices_keep_moving_while_suspended_and_never_reopen() -> None:
    scene = opened()
    scene.update("a", status=SUSPENDED)
    frames = scene.update("a", {"home": "2.40"})
    assert frames[0]["sel"] == {"home": "2.40"}
    assert scene.reasons() == ["ProviderSuspended"]
    scene.update("a", status=OPEN)
    assert scene.price("home") == 2_400_000


def test_prices_after_closing_are_stored_and_never_reopen() -> None:
    scene = opened()
    scene.update("a", status=CLOSED)
    assert (scene.status(), scene.quote().holds, scene.urgent[-1]) == (MarketStatus.CLOSED, (), True)
    scene.update("a", {"home": "1.01"})
    scene.update("a", {"home": "1.02"}, status=OPEN)
    scene.image("a", {"home": "1.03"})
    assert scene.status() is MarketStatus.CLOSED
    assert scene.price("home") == 1_030_000


@pytest.mark.parametrize("final", [SETTLED, CANCELLED])
def test_a_closed_market_may_still_be_settled_or_cancelled(final: ProviderStatus) -> None:
    scene = opened()
    scene.update("a", status=CLOSED)
    scene.update("a", status=final)
    assert scene.status() == final.name.capitalize()


@pytest.mark.parametrize("later", [OPEN, SUSPENDED, CLOSED, CANCELLED])
def test_settled_is_final_without_an_explicit_rollback(later: ProviderStatus) -> None:
    scene = opened()
    scene.update("a", status=SETTLED, results={"home": "Winner"})
    scene.update("a", status=later)
    assert scene.status() is MarketStatus.SETTLED


def test_a_rollback_reopens_by_the_ordinary_rules() -> None:
    scene = opened()
    scene.update("a", status=SETTLED, results={"home": "Winner"})
    scene.update("a", rollback=True)
    assert scene.reasons() == ["ProviderSuspended"], "taken back, and nothing said of what holds now"
    scene.update("a", status=OPEN)
    assert scene.status() is MarketStatus.OPEN
    scene.update("a", status=SETTLED, results={"home": "HalfWinner", "away": "HalfLoser"})
    assert scene.status() is MarketStatus.SETTLED
    scene.update("a", status=CANCELLED, rollback=True, results={"home": "Void"})
    assert scene.status() is MarketStatus.CANCELLED


def test_only_the_serving_provider_can_roll_back() -> None:
    scene = opened(None, "a", "b")
    scene.update("a", status=CLOSED)
    scene.update("b", status=OPEN, rollback=True)
    assert scene.status() is MarketStatus.CLOSED


def test_results_without_a_settlement_settle_nothing_and_handing_over_is_a_suspension() -> None:
    scene = opened()
    scene.update("a", status=SUSPENDED, results={"home": "Winner"})
    assert scene.reasons() == ["ProviderSuspended"]


def test_a_closed_market_needs_no_proof_and_holds_nothing() -> None:
    scene = opened()
    scene.update("a", status=CLOSED)
    assert scene.pass_time(60 * SECOND) == []
    assert scene.quote().holds == ()


def test_what_an_update_leaves_out_is_unchanged_and_what_an_image_leaves_out_is_gone() -> None:
    scene = opened()
    scene.update("a", {"home": "2.02"})
    assert dict(scene.quote().selections) == {"home": 2_020_000, "draw": 3_500_000, "away": 4_000_000}
    frames = scene.image("a", {"home": "2.02", "away": "4.10"})
    assert frames[0]["sel"] == {"draw": None, "away": "4.10"}
    assert scene.price("draw") == 0


def test_an_open_market_may_have_a_selection_without_a_price() -> None:
    scene = opened()
    scene.update("a", {"draw": ""})
    assert scene.status() is MarketStatus.OPEN
    assert scene.price("draw") == 0


def test_a_message_is_applied_whole_before_any_market_is_published_and_each_is_published_once() -> None:
    scene = opened()
    scene.image("a", {"yes": "2.00"}, market="e1:BothToScore")
    frames = scene.batch("a", [
        MarketUpdate(M, 1, 1, status=int(SUSPENDED), sels=selections({"home": "2.50"})),
        MarketUpdate("e1:BothToScore", 1, 1, sels=selections({"yes": "2.10"})),
        MarketUpdate(M, 1, 1, status=int(OPEN), sels=selections({"home": "2.60"})),
    ])  # fmt: skip
    assert [(frame["m"], frame["sel"], frame.get("status")) for frame in frames] == [
        (M, {"home": "2.60"}, None),
        ("e1:BothToScore", {"yes": "2.10"}, None),
    ]


def test_plain_prices_of_several_markets_in_one_message_are_published_once_each() -> None:
    scene = opened()
    scene.image("a", {"yes": "2.00"}, market="e1:BothToScore")
    frames = scene.batch("a", [
        MarketUpdate(M, 1, 1, sels=selections({"home": "2.50"})),
        MarketUpdate("e1:BothToScore", 1, 1, sels=selections({"yes": "2.10"})),
    ])  # fmt: skip
    assert [frame["sel"] for frame in frames] == [{"home": "2.50"}, {"yes": "2.10"}]


def test_a_selection_that_a_plain_message_names_twice_has_its_last_price() -> None:
    scene = opened()
    sels = selections({"home": "2.02"}) + selections({"away": "4.10"}) + selections({"home": "2.04"})
    frames = scene.batch("a", [MarketUpdate(M, 1, 1, sels=sels)])
    assert [frame["sel"] for frame in frames] == [{"home": "2.04", "away": "4.10"}]


def test_a_market_that_a_plain_message_names_twice_is_published_once() -> None:
    scene = opened()
    frames = scene.batch("a", [
        MarketUpdate(M, 1, 1, sels=selections({"home": "2.02"})),
        MarketUpdate(M, 1, 1, sels=selections({"home": "2.04", "away": "4.10"})),
    ])  # fmt: skip
    assert [frame["sel"] for frame in frames] == [{"home": "2.04", "away": "4.10"}]


def test_an_update_that_changes_nothing_publishes_nothing() -> None:
    scene = opened()
    assert scene.update("a", {"home": "2.00"}) == []
    assert scene.update("a", {"home": "2.00"}, status=OPEN) == []
    assert scene.image("a", {"home": "2.00", "draw": "3.50", "away": "4.00"}) == []


def test_a_clock_of_the_provider_that_was_set_back_does_not_freeze_its_prices() -> None:
    scene = opened()
    scene.update("a", {"home": "2.40"}, src=scene.wall - 3_600 * SECOND)
    assert scene.price("home") == 2_400_000


def test_a_final_market_that_vanishes_and_comes_back_can_still_be_rolled_back() -> None:
    scene = opened()
    scene.update("a", status=CLOSED)
    scene.batch("a", [MarketUpdate(M, 1, 1, image=True)])
    assert scene.status() is MarketStatus.CLOSED
    scene.image("a", {"home": "2.00"})
    assert scene.status() is MarketStatus.CLOSED
    scene.update("a", status=OPEN, rollback=True)
    assert scene.status() is MarketStatus.OPEN


def test_markets_of_two_providers_with_one_id_are_one_market_with_two_views() -> None:
    scene = opened(None, "a", "b")
    scene.update("b", {"home": "2.22"})
    document = scene.book.explain(scene.now, M)
    assert document is not None
    shown = {entry["provider"]: entry["prices"]["home"]["price"] for entry in document["providers"]}  # type: ignore[attr-defined]
    assert shown == {"a": "2.00", "b": "2.22"}


def test_a_new_selection_arrives_with_its_name() -> None:
    scene = opened()
    names = {"home": "Home", "draw": "Draw", "away": "Away", "other": "Other"}
    frames = scene.image("a", {"home": "2.00", "draw": "3.50", "away": "4.00", "other": "9.00"}, names=names)
    assert frames[0]["sel"] == {"other": "9.00"}
    assert frames[0]["meta"] == {"names": names}


def test_a_market_without_a_class_and_one_with_two_equal_classes_are_held() -> None:
    scene = Scene(config(market_class("x", selector={"sports": ["Tennis"]})))
    scene.image("a", {"home": "2.00"})
    scene.beat("a")
    assert (scene.reasons()[0], scene.quote().holds[0].detail) == ("NoProvider", "no Market class selects it")
    scene.configure(config(market_class("x"), market_class("y")))
    assert scene.quote().holds[0].detail == "the Market classes x, y select it equally well"
    scene.configure(config(market_class("x"), market_class("y", selector={"sports": ["Football"]})))
    assert scene.status() is MarketStatus.OPEN
    assert scene.quote().market_class is not None


def test_the_same_inputs_give_the_same_bytes() -> None:
    def run() -> list[bytes]:
        scene = opened(config(policy({"name": "swing", "type": "PriceMove", "priceMove": {"percent": "15"}})), "a", "b")
        scene.image("b", {"yes": "2.00"}, market="e1:BothToScore")
        scene.update("a", {"home": "1.50"})
        scene.pass_time(3 * SECOND, "b")
        return [payload for _, payload in scene.book.snapshot()[0]]

    assert run() == run()


def test_an_absent_market_says_so_and_keeps_its_last_prices() -> None:
    scene = opened()
    scene.batch("a", [MarketUpdate(M, 1, 1, image=True)])
    scene.pass_time(200 * MS, "a")
    assert scene.reader.markets[M]["meta"]["provider"] == ""
    assert scene.quote().holds[0].detail == "not offered by a, b"
