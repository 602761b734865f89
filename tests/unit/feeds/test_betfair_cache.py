"""How messages add up: one test for each rule of the cache."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from support.betfair_messages import change, definition, image, mcm, runner
from touchline.domain.status import ProviderStatus
from touchline.feeds.betfair.cache import Applied, MarketCache
from touchline.feeds.betfair.decode import decode
from touchline.feeds.interface import NativeUpdate

S = 1_000_000


def apply(cache: MarketCache, *changes: dict[str, Any], at: int = S, whole: bool = False) -> Applied:
    return cache.apply(decode(mcm(*changes)).message.mc or [], at, at, whole=whole)


def prices(update: NativeUpdate) -> dict[str, int]:
    return {price.runner: price.micro for price in update.prices}


def test_a_first_image_is_given_out_complete() -> None:
    (update,) = apply(MarketCache(), image(price=2.5)).updates
    assert update.image
    assert update.definition is not None
    assert prices(update) == {"1": 2_500_000, "2": 2_500_000}


def test_a_first_definition_is_an_image_also_where_it_is_not_marked() -> None:
    (update,) = apply(MarketCache(), change("1.1", definition=definition())).updates
    assert update.image
    assert prices(update) == {"1": 0, "2": 0}


def test_a_delta_gives_out_only_what_changed() -> None:
    cache = MarketCache()
    apply(cache, image(price=2.0))
    (update,) = apply(cache, change("1.1", runner(1, atb=[[2.1, 5]]))).updates
    assert (update.image, update.definition) == (False, None)
    assert prices(update) == {"1": 2_100_000}


def test_a_change_below_the_best_price_gives_out_nothing() -> None:
    cache = MarketCache()
    apply(cache, image(price=2.0))
    assert apply(cache, change("1.1", runner(1, atb=[[1.5, 5]]), tv=12.5)).updates == []


def test_an_image_replaces_the_market() -> None:
    cache = MarketCache()
    apply(cache, image(price=2.0))
    (update,) = apply(cache, image(price=1.5)).updates
    assert update.image
    assert prices(update) == {"1": 1_500_000, "2": 1_500_000}
    (later,) = apply(cache, change("1.1", runner(1, atb=[[1.5, 0]]))).updates
    assert prices(later) == {"1": 1_480_000}, "nothing of the book before the image is left"


def test_a_whole_image_replaces_everything_and_says_what_is_gone() -> None:
    cache = MarketCache()
    apply(cache, image("1.1"), image("1.2"))
    updates = apply(cache, image("1.2"), image("1.3"), whole=True).updates
    assert [(update.market, update.image, update.gone) for update in updates] == [
        ("1.2", True, False),
        ("1.3", True, False),
        ("1.1", False, True),
    ]


def test_one_runner_twice_in_one_message_is_applied_whole_before_anything_is_given_out() -> None:
    cache = MarketCache()
    apply(cache, image(price=2.0))
    first = runner(1, atb=[[3.0, 5]])  # crossed with the lay at 2.02, if looked at in between
    second = runner(1, atb=[[3.0, 0], [2.0, 0]])
    (update,) = apply(cache, change("1.1", first, second)).updates
    assert prices(update) == {"1": 1_980_000}
    assert cache.crossed(10 * S, 0) is None


def test_one_market_twice_in_one_message_is_given_out_once() -> None:
    cache = MarketCache()
    apply(cache, image(price=2.0))
    updates = apply(cache, change("1.1", runner(1, atb=[[2.5, 5]])), change("1.1", runner(1, atb=[[2.5, 0]]))).updates
    assert updates == []


def test_the_handicap_is_part_of_the_key_and_an_absent_one_is_zero() -> None:
    cache = MarketCache()
    runners = [{"id": 7, "hc": hc, "sortPriority": 1, "status": "ACTIVE"} for hc in (-1.5, 0, 0.25, 2)]
    (update,) = apply(
        cache,
        change(
            "1.1",
            runner(7, hc=-1.5, atb=[[2.0, 1]]),
            runner(7, atb=[[3.0, 1]]),
            runner(7, hc=0.25, atb=[[4.0, 1]]),
            runner(7, hc=2, atb=[[5.0, 1]]),
            definition=definition() | {"runners": runners},
        ),
    ).updates
    assert prices(update) == {"7/-1.5": 2_000_000, "7": 3_000_000, "7/0.25": 4_000_000, "7/2": 5_000_000}


def test_of_two_events_for_one_market_the_higher_version_wins() -> None:
    cache = MarketCache()
    apply(cache, image(event="29", version=5, price=2.0))
    stale = apply(cache, image(event="31", version=4, price=9.0))
    assert (stale.updates, stale.superseded) == ([], ["1.1"])
    (update,) = apply(cache, image(event="31", version=6, price=1.5)).updates
    assert update.definition is not None
    assert update.definition.event_id == "31"
    assert prices(update) == {"1": 1_500_000, "2": 1_500_000}


def test_prices_that_move_while_suspended_are_given_out_and_reopen_nothing() -> None:
    cache = MarketCache()
    apply(cache, image(price=2.0))
    apply(cache, change("1.1", definition=definition(status="SUSPENDED")))
    (update,) = apply(cache, change("1.1", runner(1, atb=[[2.4, 5]]))).updates
    assert prices(update) == {"1": 2_400_000}
    assert update.definition is None


def test_a_status_may_change_in_a_message_without_prices() -> None:
    cache = MarketCache()
    apply(cache, image(price=2.0))
    (update,) = apply(cache, change("1.1", definition=definition(status="SUSPENDED"))).updates
    assert update.definition is not None
    assert update.definition.status is ProviderStatus.SUSPENDED
    assert update.prices == []


def test_a_market_may_turn_in_play_without_being_suspended_and_turn_back() -> None:
    cache = MarketCache()
    apply(cache, image())
    seen = []
    for in_play in (True, False):
        (update,) = apply(cache, change("1.1", definition=definition(in_play=in_play))).updates
        assert update.definition is not None
        seen.append((update.definition.status, update.definition.in_play, update.definition.bet_delay_ms))
    assert seen == [(ProviderStatus.OPEN, True, 5000), (ProviderStatus.OPEN, False, 0)]


def test_an_identical_definition_is_no_news() -> None:
    cache = MarketCache()
    apply(cache, image(price=2.0))
    assert apply(cache, change("1.1", definition=definition())).updates == []


def test_a_withdrawn_runner_has_no_price() -> None:
    cache = MarketCache()
    apply(cache, image(price=2.0))
    withdrawn = definition()
    withdrawn["runners"][0]["status"] = "REMOVED"
    (update,) = apply(cache, change("1.1", definition=withdrawn)).updates
    assert update.definition is not None
    assert update.definition.runners[0].removed
    assert prices(update) == {"1": 0}


def test_a_runner_that_the_definition_adds_comes_with_the_price_it_already_had() -> None:
    cache = MarketCache()
    apply(cache, image(price=2.0))
    assert apply(cache, change("1.1", runner(3, atb=[[8.0, 2]]))).updates == []
    (update,) = apply(cache, change("1.1", definition=definition(1, 2, 3))).updates
    assert prices(update) == {"3": 8_000_000}


def test_a_change_of_an_undefined_market_is_kept_and_told_when_it_is_defined() -> None:
    cache = MarketCache()
    early = apply(cache, change("1.9", runner(1, atb=[[2.2, 5]])))
    assert (early.updates, early.undefined) == ([], ["1.9"])
    (update,) = apply(cache, change("1.9", definition=definition())).updates
    assert update.image
    assert prices(update) == {"1": 2_200_000, "2": 0}


def test_lines_are_not_odds() -> None:
    market = change("1.1", runner(1, atb=[[150.5, 5]]), definition=definition(bettingType="LINE"))
    (update,) = apply(MarketCache(), market).updates
    assert prices(update) == {"1": 0, "2": 0}


def test_a_book_that_stays_crossed_is_found_and_one_that_uncrosses_is_not() -> None:
    cache = MarketCache()
    apply(cache, image(price=2.0), at=S)
    apply(cache, change("1.1", runner(1, atb=[[2.5, 5]])), at=2 * S)
    assert cache.crossed(2 * S + 1, S) is None
    assert cache.crossed(3 * S, S) == ("1.1", "1")
    assert cache.crossed(3 * S, S, ignoring={"1.1"}) is None
    apply(cache, change("1.1", runner(1, atb=[[2.5, 0]])), at=3 * S)
    assert cache.crossed(9 * S, S) is None


def test_a_suspended_market_is_watched_too_because_its_reopening_may_be_what_was_lost() -> None:
    cache = MarketCache()
    apply(cache, image(price=2.0), at=S)
    apply(cache, change("1.1", runner(1, atb=[[2.5, 5]]), definition=definition(status="SUSPENDED")), at=2 * S)
    assert cache.crossed(3 * S, S) == ("1.1", "1")


def test_a_crossed_book_of_a_closed_market_proves_nothing() -> None:
    cache = MarketCache()
    apply(cache, image(price=2.0), at=S)
    apply(cache, change("1.1", runner(1, atb=[[2.5, 5]]), definition=definition(status="CLOSED")), at=2 * S)
    assert cache.crossed(9 * S, S) is None


def test_images_are_complete_whatever_was_given_out_before() -> None:
    cache = MarketCache()
    apply(cache, image("1.1"), image("1.2"), change("1.3", runner(1, atb=[[2.0, 1]])))
    updates = cache.images(5 * S)
    assert [(update.market, update.image, len(update.prices)) for update in updates] == [
        ("1.1", True, 2),
        ("1.2", True, 2),
    ]


def test_closed_markets_are_forgotten_after_a_while() -> None:
    cache = MarketCache()
    apply(cache, image("1.1", status="CLOSED"), image("1.2"), at=S)
    assert [(update.market, update.gone) for update in cache.forget_closed(2 * S)] == [("1.1", True)]
    assert len(cache) == 1


RUNNERS = st.sampled_from([1, 2, 3])
LEVELS = st.lists(st.tuples(st.sampled_from([1.5, 2.0, 2.5, 3.0]), st.sampled_from([0, 5])), max_size=3)
CHANGES = st.lists(st.tuples(st.sampled_from(["1.1", "1.2"]), RUNNERS, LEVELS), max_size=30)


@given(CHANGES, st.lists(st.integers(1, 5), max_size=30))
def test_however_changes_are_cut_into_messages_the_books_end_the_same(changes: list[Any], sizes: list[int]) -> None:
    parts = [
        change(market, runner(selection, atb=json.loads(json.dumps(levels)))) for market, selection, levels in changes
    ]
    start = [change("1.1", definition=definition(1, 2, 3)), change("1.2", definition=definition(1, 2, 3))]
    together, apart = MarketCache(), MarketCache()
    for cache in (together, apart):
        apply(cache, *start)
    apply(together, *parts)
    at = 0
    for size in [*sizes, len(parts) + 1]:
        apply(apart, *parts[at : at + size])
        at += size
    assert [prices(update) for update in together.images(S)] == [prices(update) for update in apart.images(S)]


@given(CHANGES)
def test_the_changes_given_out_add_up_to_the_image(changes: list[Any]) -> None:
    cache = MarketCache()
    told: dict[str, dict[str, int]] = {}
    start = (change("1.1", definition=definition(1, 2, 3)), change("1.2", definition=definition(1, 2, 3)))
    messages = [start, *((change(market, runner(selection, atb=levels)),) for market, selection, levels in changes)]
    for message in messages:
        for update in apply(cache, *message).updates:
            told.setdefault(update.market, {}).update(prices(update))
    assert told == {update.market: prices(update) for update in cache.images(S)}
