"""Generated football: plausible prices, lively matches, lawful states, and the same season for the same seed."""

from collections.abc import Iterator
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from touchline.sim.clubs import CLUBS
from touchline.sim.fixtures import SECOND, FixtureMarket, Fixtures
from touchline.sim.football import match_odds, under_over

STEP = SECOND // 20


def advance(fixtures: Fixtures, now: int) -> Iterator[FixtureMarket]:
    """The markets that change by `now`, each at the moment when it has."""
    while (changed := fixtures.step(now)) is not None:
        yield from changed


def season(seed: int, *, seconds: int, count: int = 4, tempo: float = 60.0) -> list[tuple[int, list[FixtureMarket]]]:
    fixtures = Fixtures(count=count, seed=seed, tempo=tempo, now=0)
    return [(at, list(advance(fixtures, at))) for at in range(0, seconds * SECOND, STEP)]


def seen(market: FixtureMarket) -> tuple[object, ...]:
    return (
        market.fixture.number,
        market.kind,
        market.status,
        market.in_play,
        market.chances,
        market.results,
        market.version,
    )


def states(seed: int, *, seconds: int) -> dict[FixtureMarket, list[tuple[str, bool]]]:
    """By market the states it was shown in, in order."""
    fixtures = Fixtures(count=3, seed=seed, tempo=90.0, now=0)
    shown = {market: [(market.status, market.in_play)] for market in fixtures.markets()}
    for at in range(0, seconds * SECOND, STEP):
        for market in advance(fixtures, at):
            state = (market.status, market.in_play)
            if shown.setdefault(market, [state])[-1] != state:
                shown[market].append(state)
    return shown


@given(
    st.floats(0.2, 4.0), st.floats(0.2, 4.0), st.tuples(st.integers(0, 5), st.integers(0, 5)), st.floats(-30.0, 94.0)
)
def test_probabilities_add_up_to_one(home: float, away: float, score: tuple[int, int], minute: float) -> None:
    assert sum(match_odds(home, away, score, minute)) == pytest.approx(1.0)
    assert sum(under_over(home, away, score, minute)) == pytest.approx(1.0)
    assert all(-1e-9 <= chance <= 1 + 1e-9 for chance in match_odds(home, away, score, minute))


def test_a_goal_and_the_clock_move_prices_the_right_way() -> None:
    level, ahead, late = (
        match_odds(1.5, 1.2, score, minute)[0] for score, minute in (((0, 0), 20), ((1, 0), 20), ((1, 0), 90))
    )
    assert level < ahead < late
    assert under_over(1.5, 1.2, (2, 1), 10) == (0, 1)


def test_the_same_seed_gives_the_same_season_whatever_the_steps() -> None:
    def moments(seed: int) -> list[tuple[object, ...]]:
        return [(at, *seen(market)) for at, changed in season(seed, seconds=40) for market in changed]

    assert moments(3) == moments(3)
    assert moments(3) != moments(4)
    coarse, fine = Fixtures(count=4, seed=9, tempo=60.0, now=0), Fixtures(count=4, seed=9, tempo=60.0, now=0)
    list(advance(coarse, 30 * SECOND))
    for at in range(0, 30 * SECOND + 1, SECOND):
        list(advance(fine, at))
    assert [seen(market) for market in coarse.markets()] == [seen(market) for market in fine.markets()]


def test_something_moves_every_second() -> None:
    moving = [at for at, changed in season(1, seconds=60, count=8) if changed]
    assert max(after - before for before, after in pairwise(moving)) < SECOND


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 10_000))
def test_markets_only_ever_go_through_lawful_states(seed: int) -> None:
    lawful = {
        ("OPEN", False): {("SUSPENDED", False), ("OPEN", True)},
        ("SUSPENDED", False): {("OPEN", True)},
        ("OPEN", True): {("SUSPENDED", True), ("CLOSED", True)},
        ("SUSPENDED", True): {("OPEN", True), ("CLOSED", True)},
        ("CLOSED", True): set(),
    }
    for market, shown in states(seed, seconds=120).items():
        for before, after in pairwise(shown):
            assert after in lawful[before], (market.kind, shown)


def test_matches_are_suspended_at_goals_settled_at_the_end_and_followed_by_others() -> None:
    shown = states(5, seconds=180)
    ended = [market for market in shown if market.status == "CLOSED"]
    assert len(ended) > 6
    for market in ended:
        assert sorted(market.results) == sorted(["WINNER", *["LOSER"] * (len(market.outcomes) - 1)])
        goals = market.fixture.score
        if market.kind == "OVER_UNDER_25":
            assert market.results[1] == ("WINNER" if sum(goals) > 2 else "LOSER")
        else:
            won = 0 if goals[0] > goals[1] else 1 if goals[1] > goals[0] else 2
            assert market.results[won] == "WINNER"
    numbers = [market.fixture.number for market in shown]
    assert max(numbers) > 3, "new fixtures follow"
    suspended_in_play = [market for market, seen_states in shown.items() if ("SUSPENDED", True) in seen_states]
    assert suspended_in_play


def test_some_matches_turn_in_play_without_being_suspended() -> None:
    starts = [
        shown[:3]
        for seed in range(3)
        for market, shown in states(seed, seconds=100).items()
        if shown[0] == ("OPEN", False)
    ]
    assert [("OPEN", False), ("OPEN", True)] in [shown[:2] for shown in starts]
    assert [("OPEN", False), ("SUSPENDED", False), ("OPEN", True)] in starts


def test_a_club_plays_one_match_at_a_time() -> None:
    fixtures = Fixtures(count=8, seed=2, tempo=60.0, now=0)
    for at in range(0, 60 * SECOND, SECOND):
        list(advance(fixtures, at))
        clubs = [club.full for fixture in fixtures.playing if not fixture.over for club in (fixture.home, fixture.away)]
        assert len(clubs) == len(set(clubs))


def test_two_clubs_do_not_meet_again_soon() -> None:
    fixtures = Fixtures(count=8, seed=5, tempo=600.0, now=0)
    met: list[tuple[str, ...]] = []
    seen_numbers: list[int] = []
    for at in range(0, 200 * SECOND, SECOND):
        list(advance(fixtures, at))
        for fixture in fixtures.playing:
            if fixture.number not in seen_numbers:
                seen_numbers.append(fixture.number)
                met.append(tuple(sorted((fixture.home.full, fixture.away.full))))
    assert len(met) > 60
    assert len(met[:150]) == len(set(met[:150]))


def test_clubs_are_told_apart_by_every_spelling_and_id() -> None:
    for of in ("full", "short", "selection"):
        assert len({getattr(club, of) for club in CLUBS}) == len(CLUBS)


@pytest.mark.parametrize(("count", "tempo"), [(0, 1.0), (501, 1.0), (1, 0.0), (1, 1001.0)])
def test_figures_out_of_range_are_refused(count: int, tempo: float) -> None:
    with pytest.raises(ValueError, match="ask for"):
        Fixtures(count=count, seed=1, tempo=tempo, now=0)


def test_a_big_season_still_finds_clubs() -> None:
    fixtures = Fixtures(count=50, seed=Random(1).randrange(9), tempo=60.0, now=0)
    assert len(fixtures.playing) == 50
