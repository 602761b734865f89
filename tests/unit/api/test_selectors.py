"""Which class a market belongs to: the most specific wins, a tie is told, and order never matters."""

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from touchline.api import Market, parse_resource
from touchline.api.selectors import Tie, matches, overlap, select, specificity
from touchline.api.v1alpha1.market import Phase, Selector

IDS = ("a", "b", "c")
LISTS = st.one_of(
    st.just(()), st.just(("*",)), st.lists(st.sampled_from(IDS), min_size=1, max_size=3, unique=True).map(tuple)
)
SELECTORS = st.builds(Selector, sports=LISTS, leagues=LISTS, market_types=LISTS, phase=st.sampled_from(Phase))
MARKETS = st.tuples(st.sampled_from(IDS), st.sampled_from(IDS), st.sampled_from(IDS), st.booleans())
ALL_MARKETS = [(s, g, t, p) for s in IDS for g in IDS for t in IDS for p in (True, False)]


def fits(selector: Selector, market: tuple[str, str, str, bool]) -> bool:
    sport, league, market_type, in_play = market
    return matches(selector, sport=sport, league=league, market_type=market_type, in_play=in_play)


def market_class(name: str, selector: Selector) -> Market:
    resource = parse_resource(
        {
            "apiVersion": "touchline.dev/v1alpha1",
            "kind": "Market",
            "metadata": {"name": name},
            "spec": {
                "selector": selector.to_wire(),
                "feeds": {"providers": [{"name": "p"}]},
                "suspensionPolicyRef": {"name": "s"},
            },
        }
    )
    assert isinstance(resource, Market)
    return resource


def chosen(classes: list[Market], market: tuple[str, str, str, bool]) -> Market | Tie | None:
    sport, league, market_type, in_play = market
    return select(classes, sport=sport, league=league, market_type=market_type, in_play=in_play)


def test_an_empty_list_and_a_star_are_all() -> None:
    for everything in (Selector(), Selector(sports=(), leagues=(), market_types=())):
        assert specificity(everything) == 0
        assert all(fits(everything, market) for market in ALL_MARKETS)


def test_each_field_that_narrows_counts_one() -> None:
    narrow = Selector(sports=("a",), leagues=("b", "c"), market_types=("a",), phase=Phase.IN_PLAY)
    assert specificity(narrow) == 4
    assert specificity(Selector(leagues=("b",), phase=Phase.PRE_MATCH)) == 2


def test_a_phase_selects_its_markets_only() -> None:
    before = Selector(phase=Phase.PRE_MATCH)
    assert fits(before, ("a", "a", "a", False))
    assert not fits(before, ("a", "a", "a", True))


def test_the_most_specific_class_wins() -> None:
    wide, narrow = (
        market_class("wide", Selector(sports=("a",))),
        market_class("narrow", Selector(sports=("a",), leagues=("b",))),
    )
    assert chosen([wide, narrow], ("a", "b", "c", True)) is narrow
    assert chosen([wide, narrow], ("a", "c", "c", True)) is wide
    assert chosen([wide, narrow], ("b", "b", "c", True)) is None


def test_a_tie_names_its_classes_and_a_more_specific_class_ends_it() -> None:
    one, two = market_class("one", Selector(leagues=("b",))), market_class("two", Selector(market_types=("c",)))
    tie = chosen([two, one], ("a", "b", "c", True))
    assert isinstance(tie, Tie)
    assert [each.name for each in tie.classes] == ["one", "two"]
    both = market_class("both", Selector(leagues=("b",), market_types=("c",)))
    assert chosen([two, one, both], ("a", "b", "c", True)) is both


@given(SELECTORS, SELECTORS)
def test_two_selectors_overlap_exactly_if_some_market_fits_both(one: Selector, other: Selector) -> None:
    assert overlap(one, other) == any(fits(one, market) and fits(other, market) for market in ALL_MARKETS)
    assert overlap(one, other) == overlap(other, one)


@given(st.lists(SELECTORS, min_size=1, max_size=4), MARKETS)
def test_the_order_of_classes_never_matters(selectors: list[Selector], market: tuple[str, str, str, bool]) -> None:
    classes = [market_class(f"m{index}", selector) for index, selector in enumerate(selectors)]
    first = chosen(classes, market)
    assert all(chosen(list(order), market) == first for order in permutations(classes))


@given(st.lists(SELECTORS, min_size=1, max_size=4), MARKETS)
def test_whatever_is_chosen_matches_and_nothing_better_does(
    selectors: list[Selector], market: tuple[str, str, str, bool]
) -> None:
    classes = [market_class(f"m{index}", selector) for index, selector in enumerate(selectors)]
    result = chosen(classes, market)
    fitting = [each for each in classes if fits(each.spec.selector, market)]
    best = max((specificity(each.spec.selector) for each in fitting), default=-1)
    ends = [] if result is None else list(result.classes) if isinstance(result, Tie) else [result]
    assert ends == [each for each in fitting if specificity(each.spec.selector) == best]
