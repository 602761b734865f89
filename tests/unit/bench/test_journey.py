"""What clients saw, joined with what the provider sent."""

import pytest
from bench.crowd import Seen
from bench.journey import hops, moves, number_of, percentile, turns
from bench.load_provider import PRICES, LoadMarket

MARKET = "abc:MatchWinner"
NUMBERS = {MARKET: 10}


def delta(received: int, published: int, **changes: object) -> dict[str, object]:
    return {"op": "delta", "m": MARKET, "t": {"recv": received, "pub": published}, **changes}


def test_an_update_is_matched_with_the_last_time_its_value_was_sent_before_it_was_received() -> None:
    seen = [Seen(delta(2_500, 3_000, sel={"home": "2.08"}), [4_000, 5_000])]
    (journey,) = moves(seen, {(10, 208): [1_000, 2_000, 2_600]}, NUMBERS)
    assert journey.sent == 2_000
    took = hops([journey])
    assert (took.to_ingest, took.to_book, took.to_client, took.whole) == ([0.5], [0.5], [1.0, 2.0], [2.0, 3.0])


def test_what_the_provider_never_sent_is_no_journey() -> None:
    assert moves([Seen(delta(2_500, 3_000, sel={"home": "2.10"}), [4_000])], {(10, 208): [1_000]}, NUMBERS) == []


def test_a_suspension_is_matched_by_its_status_and_prices_are_not_taken_for_one() -> None:
    seen = [
        Seen(delta(500, 600, status="Suspended", holds=[]), [700]),
        Seen(delta(800, 900, sel={"home": "2.08"}), [950]),
    ]
    (journey,) = turns(seen, {(10, "SUSPENDED"): [400]}, NUMBERS, "SUSPENDED")
    assert (journey.sent, list(journey.arrivals)) == (400, [700])


@pytest.mark.parametrize(("percent", "value"), [(50, 50), (99, 99), (100, 100), (0.5, 1)])
def test_a_percentile_is_the_smallest_value_that_so_many_do_not_exceed(percent: float, value: int) -> None:
    assert percentile(list(range(100, 0, -1)), percent) == value


def test_the_provider_s_number_is_read_from_the_market_s_id_and_its_event_s_name() -> None:
    assert number_of("abc:MatchWinner", "Home 7 v Away 7") == 70
    assert number_of("abc:TotalGoals:3.5", "Home 7 v Away 7") == 73


def test_every_move_of_a_load_market_is_a_change_of_its_price() -> None:
    market = LoadMarket(3)
    for _ in range(2 * len(PRICES)):
        before = market.price
        change = market.move()
        assert market.price != before
        assert change["rc"][0]["atb"] == [[before / 100, 0], [market.price / 100, 25]]
