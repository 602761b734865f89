"""Ladders against a naive model that keeps a dictionary and looks at all of it."""

from hypothesis import given
from hypothesis import strategies as st

from touchline.domain.ladder import LADDER
from touchline.feeds.betfair.decode import RunnerChange
from touchline.feeds.betfair.ladder import LevelLadder, PriceLadder
from touchline.feeds.betfair.runner_book import RunnerBook

PRICES = st.sampled_from([micro / 1e6 for micro in LADDER[::7]])
SIZES = st.sampled_from([0.0, 0.01, 2.0, 1500.0])
UPDATES = st.lists(st.lists(st.tuples(PRICES, SIZES), max_size=8), max_size=12)
LEVEL_UPDATES = st.lists(st.lists(st.tuples(st.integers(0, 9), PRICES, SIZES), max_size=8), max_size=12)


@given(UPDATES)
def test_a_price_ladder_agrees_with_a_naive_one_after_every_update(updates: list[list[tuple[float, float]]]) -> None:
    ladder, model = PriceLadder(), {}
    for update in updates:
        ladder.update(update)
        for price, size in update:
            if size:
                model[round(price * 1e6)] = size
            else:
                model.pop(round(price * 1e6), None)
        assert ladder.highest() == max(model, default=0)
        assert ladder.lowest() == min(model, default=0)


@given(LEVEL_UPDATES)
def test_a_level_ladder_agrees_with_a_naive_one_after_every_update(
    updates: list[list[tuple[int, float, float]]],
) -> None:
    ladder, model = LevelLadder(), {}
    for update in updates:
        ladder.update(update)
        for level, price, size in update:
            if size:
                model[level] = round(price * 1e6)
            else:
                model.pop(level, None)
        assert ladder.best() == (model[min(model)] if model else 0)


def test_every_price_of_the_exchange_is_kept_exactly() -> None:
    for micro in LADDER:
        ladder = PriceLadder()
        ladder.update([(float(f"{micro / 1e6:.2f}"), 1.0)])
        assert ladder.highest() == micro


def test_removing_a_price_that_is_not_there_changes_nothing() -> None:
    ladder = PriceLadder()
    ladder.update([(2.0, 0), (3.0, 5), (2.5, 0)])
    assert (ladder.lowest(), ladder.highest()) == (3_000_000, 3_000_000)


def test_what_is_outside_the_range_of_odds_is_no_price() -> None:
    ladder, levels = PriceLadder(), LevelLadder()
    ladder.update([(1.0, 5), (0.0, 5), (-2.0, 5), (1e300, 5)])
    levels.update([(0, 1.0, 5), (1, 1e300, 5)])
    assert ladder.highest() == 0
    assert levels.best() == 0


def test_an_empty_displayed_ladder_is_a_filtered_change_and_not_an_empty_book() -> None:
    book = RunnerBook()
    book.apply(RunnerChange(1, bdatb=[(0, 2.5, 10.0)]))
    book.apply(RunnerChange(1, bdatb=[]))
    assert book.best_back() == 2_500_000


def test_full_ladders_are_believed_before_displayed_and_those_before_best_offers() -> None:
    book = RunnerBook()
    book.apply(RunnerChange(1, batb=[(0, 2.0, 1.0)]))
    assert book.best_back() == 2_000_000
    book.apply(RunnerChange(1, bdatb=[(0, 2.1, 1.0)]))
    assert book.best_back() == 2_100_000
    book.apply(RunnerChange(1, atb=[(2.2, 1.0)]))
    assert book.best_back() == 2_200_000
    book.apply(RunnerChange(1, atb=[(2.2, 0.0)]))
    assert book.best_back() == 2_100_000


def test_the_best_level_that_is_left_is_the_best_price() -> None:
    book = RunnerBook()
    book.apply(RunnerChange(1, batb=[(0, 2.0, 1.0), (1, 1.9, 1.0)]))
    book.apply(RunnerChange(1, batb=[(0, 0.0, 0.0)]))
    assert book.best_back() == 1_900_000


def test_a_book_is_crossed_when_back_and_lay_of_one_kind_meet() -> None:
    book = RunnerBook()
    book.apply(RunnerChange(1, atb=[(2.0, 1.0)], atl=[(2.02, 1.0)]))
    assert not book.crossed()
    book.apply(RunnerChange(1, atl=[(2.0, 1.0)]))
    assert book.crossed()
    best = RunnerBook()
    best.apply(RunnerChange(1, batb=[(0, 2.0, 1.0)], batl=[(0, 1.9, 1.0)]))
    assert best.crossed()
    mixed = RunnerBook()
    mixed.apply(RunnerChange(1, bdatb=[(0, 3.0, 1.0)], atl=[(2.0, 1.0)]))
    assert not mixed.crossed()
