"""What concerns thousands of markets at once is settled slice by slice, and nobody is harmed by what still waits."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from support.book_scene import MS, OPEN, SECOND, SUSPENDED, WALL, Scene, config, market_class, meta_of, selections
from touchline.book.config import HaltConfig
from touchline.book.touched import SLICE, Touched
from touchline.bus.messages import MarketUpdate
from touchline.domain.status import MarketStatus

COUNT = 5 * SLICE // 2


def many(count: int = COUNT) -> Scene:
    """A provider that offers many open markets."""
    scene = Scene(config(market_class(freshness={"maxAge": "5s"})))
    images = [
        MarketUpdate(
            market, WALL, WALL, int(OPEN), selections({"home": "2.00"}), image=True, in_play=0, delay_ms=0, meta=meta
        )
        for market in (f"e{number}:MatchWinner" for number in range(count))
        for meta in [meta_of(market, {"home": "Home"})]
    ]
    scene.batch("a", images, resync=7)
    scene.beat("a")
    settle_all(scene)
    assert counted(scene, MarketStatus.OPEN) == count
    return scene


def settle_all(scene: Scene, turns: int = 10) -> None:
    for _ in range(turns):
        scene.tick()


def counted(scene: Scene, status: MarketStatus) -> int:
    return sum(scene.status(market) is status for market in scene.book.markets())


def test_a_provider_that_disconnects_shuts_a_slice_at_once_and_the_others_with_the_next_inputs() -> None:
    scene = many()
    scene.urgent.clear()
    shut = [len({frame["m"] for frame in scene.beat("a", state="Disconnected")})]
    while sum(shut) < COUNT:
        shut.append(len({frame["m"] for frame in scene.tick()}))
    assert shut == [SLICE, SLICE, SLICE // 2]
    assert scene.urgent == [True] * COUNT
    assert counted(scene, MarketStatus.SUSPENDED) == COUNT


def test_no_bet_is_taken_on_a_market_that_waits() -> None:
    scene = many()
    assert all(scene.quote(market).fresh for market in scene.book.markets())
    # The state is the same and proven: only that the markets have not been looked at yet speaks against a bet.
    scene.book._touched.touch_many(list(scene.book.markets()))
    assert not any(scene.quote(market).fresh for market in scene.book.markets())
    scene.tick()
    assert sum(scene.quote(market).fresh for market in scene.book.markets()) == SLICE
    settle_all(scene)
    assert all(scene.quote(market).fresh for market in scene.book.markets())


def test_a_provider_that_is_back_before_all_were_settled_costs_the_others_nothing() -> None:
    scene = many()
    scene.beat("a", state="Disconnected")
    scene.beat("a")
    scene.published.clear()
    settle_all(scene)
    assert len(scene.published) <= SLICE, "only those that had been shut are told to be open again"
    assert counted(scene, MarketStatus.OPEN) == COUNT


def test_what_a_provider_says_of_one_market_does_not_wait() -> None:
    scene = many()
    scene.beat("a", state="Disconnected")
    last = f"e{COUNT - 1}:MatchWinner"
    assert scene.status(last) is MarketStatus.OPEN
    frames = scene.update("a", market=last, status=SUSPENDED)
    assert frames[0]["m"] == last
    assert set(scene.reasons(last)) == {"StalePrice", "ProviderSuspended"}


def test_a_halt_of_everything_waits_for_no_slice() -> None:
    scene = many()
    scene.configure(config(market_class(freshness={"maxAge": "5s"}), halts=[HaltConfig("all")]))
    assert counted(scene, MarketStatus.SUSPENDED) == COUNT
    scene = many()
    scene.configure(config(market_class(freshness={"maxAge": "5s"}), halts=[HaltConfig("provider", "a")]))
    assert counted(scene, MarketStatus.SUSPENDED) == COUNT


def test_what_waits_names_the_input_that_touched_it() -> None:
    scene = many()
    scene.beat("a", state="Disconnected")
    settle_all(scene)
    explained: Any = scene.book.explain(scene.now, f"e{COUNT - 1}:MatchWinner")
    assert explained["transitions"][-1]["because"] == "a beat of a"


def test_markets_of_one_event_that_leave_the_book_together_are_looked_at_no_more() -> None:
    scene = many(1)
    for kind in ("BothToScore", "TotalGoals"):
        scene.image("a", {"yes": "1.80"}, market=f"e0:{kind}")
    scene.batch("a", [MarketUpdate(market, WALL, WALL, image=True) for market in list(scene.book.markets())])
    scene.now += 601 * SECOND
    for _ in range(3):
        scene.now += 50 * MS
        scene.tick()
    assert list(scene.book.markets()) == []


def test_a_slice_is_for_one_input_and_what_is_touched_at_once_is_not_counted() -> None:
    board = Touched()
    board.touch_many(["a", "b", *(f"m{number}" for number in range(SLICE))])
    board.touch("b", None)
    board.touch("z", {"home": None})
    board.begin("x")
    taken = board.take()
    assert taken[:3] == [("b", None, "x"), ("z", {"home": None}, "x"), ("a", {}, "x")]
    assert len(taken) == 2 + SLICE
    assert board.take() == []
    assert board.waits(f"m{SLICE - 1}")
    board.forget(f"m{SLICE - 1}")
    assert not board


NUMBERS = st.integers(0, 3 * SLICE)


@given(st.lists(st.tuples(NUMBERS, NUMBERS, st.sets(NUMBERS, max_size=4)), max_size=12))
def test_whoever_waits_has_its_turn_however_often_all_are_touched_again(
    inputs: list[tuple[int, int, set[int]]],
) -> None:
    """At most `ahead // SLICE` inputs later, where `ahead` is how many waited when it came."""
    board = Touched()
    due: dict[str, int] = {}
    for count, (first, end, at_once) in enumerate(inputs):
        touched = [str(number) for number in range(first, end)]
        for id in touched:
            due.setdefault(id, count + len(due) // SLICE)
        board.touch_many(touched)
        for number in at_once:
            board.touch(str(number), None)
        board.begin(f"input {count}")
        for id, _, _ in board.take():
            due.pop(id, None)
        assert board.take() == []
        assert all(board.waits(id) for id in due), "nobody is forgotten"
        assert all(last > count for last in due.values()), "nobody waits longer than those before it take"
