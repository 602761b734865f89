"""Worst cases kept up step by step equal worst cases computed anew from all bets."""

from hypothesis import given
from hypothesis import strategies as st

from support.bets import UNIT, market_class
from touchline.desk.liability import Leg, Liability
from touchline.desk.terms import Terms

EVENTS, MARKETS, SELECTIONS = ("e1", "e2"), ("MatchWinner", "TotalGoals:2.5"), ("a", "b", "c")
legs = st.tuples(
    st.builds(lambda event, kind: f"{event}:{kind}", st.sampled_from(EVENTS), st.sampled_from(MARKETS)),
    st.sampled_from(SELECTIONS),
)
Bet = tuple[tuple[Leg, ...], int, int]


@st.composite
def bets(draw: st.DrawFn) -> Bet:
    taken = draw(st.lists(legs, min_size=1, max_size=3, unique_by=lambda leg: leg[0]))
    stake = draw(st.integers(1, 100)) * UNIT
    return tuple(taken), stake, stake * draw(st.integers(1_010_000, 9_000_000)) // UNIT


def worst(taken: list[Bet]) -> tuple[dict[Leg, int], dict[str, int], dict[str, int]]:
    """Loss by selection, market and event, by definition."""
    payouts: dict[str, dict[str, int]] = {}
    stakes: dict[str, int] = {}
    own: dict[Leg, int] = {}
    for bet_legs, stake, payout in taken:
        single = len(bet_legs) == 1
        for market, selection in bet_legs:
            by_selection = payouts.setdefault(market, {})
            by_selection[selection] = by_selection.get(selection, 0) + (payout if single else payout - stake)
            stakes[market] = stakes.get(market, 0) + (stake if single else 0)
            own[market, selection] = own.get((market, selection), 0) + payout - stake
    losses = {market: max(0, max(by.values()) - stakes[market]) for market, by in payouts.items()}
    events: dict[str, int] = {}
    for market, loss in losses.items():
        event = market.partition(":")[0]
        events[event] = events.get(event, 0) + loss
    return own, losses, events


@given(st.lists(st.tuples(bets(), st.integers(-12, 11)), max_size=12))
def test_what_stands_is_what_all_bets_together_could_cost(steps: list[tuple[Bet, int]]) -> None:
    """After each bet one of those that stand may be taken back (a place that is in the list)."""
    liability = Liability()
    standing: list[Bet] = []
    for each, taken_back in steps:
        liability.add(*each)
        standing.append(each)
        if 0 <= taken_back < len(standing):
            liability.remove(*standing.pop(taken_back))
    own, markets, events = worst(standing)
    for event in EVENTS:
        assert liability.event(event) == events.get(event, 0)
        for kind in MARKETS:
            market = f"{event}:{kind}"
            assert liability.market(market) == markets.get(market, 0)
            for selection in SELECTIONS:
                assert liability.selection(market, selection) == own.get((market, selection), 0)


@given(st.lists(bets(), max_size=8), legs, st.integers(1, 400))
def test_a_bet_within_the_room_keeps_every_limit_and_a_larger_one_breaks_one(
    taken: list[Bet], leg: Leg, units: int
) -> None:
    limits = market_class(
        stake={"min": "0.00", "max": "100000.00"},
        maxLiability={"selection": "150.00", "market": "250.00", "event": "300.00"},
    )
    terms = Terms.of(limits)
    liability = Liability()
    for each in taken:
        liability.add(*each)
    market = leg[0]
    before = (liability.selection(*leg), liability.market(market), liability.event(market.partition(":")[0]))
    room = liability.room(leg, terms).profit
    stake = units * UNIT
    for profit in (room, room + 1):
        if profit <= 0:
            continue
        liability.add((leg,), stake, stake + profit)
        after = (liability.selection(*leg), liability.market(market), liability.event(market.partition(":")[0]))
        bounds = (terms.selection_limit, terms.market_limit, terms.event_limit)
        # A limit that was passed already (it was lowered, or other legs passed it) may not get worse.
        kept = all(now <= bound or now <= was for now, bound, was in zip(after, bounds, before, strict=True))
        assert kept or profit == room + 1
        if profit == room + 1:
            assert any(now > bound for now, bound in zip(after, bounds, strict=True))
        liability.remove((leg,), stake, stake + profit)


def test_nothing_is_left_of_bets_that_were_taken_back() -> None:
    liability = Liability()
    taken = ((("e1:MatchWinner", "a"),), 10 * UNIT, 25 * UNIT)
    liability.add(*taken)
    assert liability.event("e1") == 15 * UNIT
    liability.remove(*taken)
    assert (liability._markets, liability._events) == ({}, {})


@given(st.lists(bets(), max_size=12), st.sampled_from(EVENTS), st.sampled_from(MARKETS))
def test_what_is_forgotten_counts_no_more_and_everything_else_does(taken: list[Bet], event: str, kind: str) -> None:
    gone = f"{event}:{kind}"
    liability = Liability()
    for bet_legs, stake, payout in taken:
        liability.add(bet_legs, stake, payout)
    liability.forget(gone)
    liability.forget("never:seen")
    _, losses, _ = worst(taken)
    assert liability.market(gone) == liability.selection(gone, "a") == 0
    for each in EVENTS:
        kept = sum(loss for market, loss in losses.items() if market.startswith(each) and market != gone)
        assert liability.event(each) == kept
    for bet_legs, stake, payout in taken:  # taking a bet of a forgotten market back changes nothing there
        liability.remove(bet_legs, stake, payout)
    assert liability.markets() == []
    assert [liability.event(each) for each in EVENTS] == [0, 0]
