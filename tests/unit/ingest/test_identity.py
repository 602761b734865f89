"""One event, one id: the rules of matching, and that no order of arrivals breaks them."""

from hypothesis import given
from hypothesis import strategies as st

from touchline.ingest.identity import (
    Ambiguous,
    EventView,
    Match,
    New,
    Pairing,
    decide,
    event_id,
    joined,
    without,
)

MINUTE = 60_000_000
HOUR = 60 * MINUTE
NOON = 1_790_000_000_000_000


def view(provider: str = "alpha", native: str = "1", start: int = NOON, **changes: object) -> EventView:
    fields: dict[str, object] = {
        "provider": provider,
        "native_id": native,
        "sport": "Baseball",
        "league": "mlb",
        "home": "red-sox",
        "away": "yankees",
        "name": "yankees-red-sox",
        "start_us": start,
        "tolerance_us": HOUR,
    }
    return EventView(**(fields | changes))  # type: ignore[arg-type]


def place(pairing: Pairing, seen: EventView) -> tuple[Pairing, str | None]:
    """What the registry does with one view, without a broker."""
    decision = decide(seen, pairing.events)
    if isinstance(decision, Ambiguous):
        return pairing, None
    if isinstance(decision, Match):
        return joined(pairing, seen, decision.id), decision.id
    taken = {event.id for event in pairing.events}
    proposed = next(event_id(seen, attempt) for attempt in range(99) if event_id(seen, attempt) not in taken)
    return joined(pairing, seen, proposed), proposed


def test_the_first_view_of_a_pairing_is_a_new_event() -> None:
    assert isinstance(decide(view(), []), New)


def test_another_provider_within_the_tolerance_is_the_same_event() -> None:
    pairing, identity = place(Pairing(), view())
    decision = decide(view("beta", "b1", NOON + 59 * MINUTE), pairing.events)
    assert decision == Match(identity or "", "pairing, and a start 3540 s apart")


def test_another_provider_beyond_the_tolerance_is_another_event() -> None:
    pairing, _ = place(Pairing(), view())
    assert isinstance(decide(view("beta", "b1", NOON + 61 * MINUTE), pairing.events), New)


def test_a_provider_never_has_two_ids_for_one_game() -> None:
    pairing, _ = place(Pairing(), view())
    assert isinstance(decide(view("alpha", "2", NOON + MINUTE), pairing.events), New)


def test_which_side_is_at_home_does_not_change_the_pairing() -> None:
    assert view().pairing == view(home="yankees", away="red-sox").pairing


def test_league_and_sport_are_part_of_the_pairing() -> None:
    assert len({view().pairing, view(league="minor").pairing, view(sport="Softball").pairing}) == 3


def test_game_numbers_tell_two_games_of_a_day_apart_even_at_one_stated_time() -> None:
    pairing, first = place(Pairing(), view(native="g1", game=1))
    pairing, second = place(pairing, view(native="g2", game=2))
    assert first != second
    assert decide(view("beta", "b2", game=2), pairing.events) == Match(second or "", "pairing and game number 2")


def test_two_games_within_the_tolerance_without_numbers_are_ambiguous_and_named() -> None:
    pairing, first = place(Pairing(), view(native="g1"))
    pairing, second = place(pairing, view(native="g2", start=NOON + HOUR))
    decision = decide(view("beta", "b", NOON + 30 * MINUTE), pairing.events)
    assert isinstance(decision, Ambiguous)
    assert decision.candidates == (first, second)


def test_an_explicit_reference_beats_everything_else() -> None:
    pairing, _ = place(Pairing(), view())
    seen = view(start=NOON + 9 * HOUR, reference="cup-final", reference_source="EntityMap cups")
    assert decide(seen, pairing.events) == Match("cup-final", "cross-reference in EntityMap cups")


def test_what_was_split_off_is_never_matched_again_by_rule() -> None:
    pairing, identity = place(Pairing(), view())
    beta = view("beta", "b1")
    pairing = joined(pairing, beta, identity or "")
    pairing = without(pairing, beta.member, event_id=identity or "", apart=True)
    assert isinstance(decide(beta, pairing.events), New)
    assert isinstance(decide(view("beta", "b2"), pairing.events), Match)


def test_a_moved_start_is_followed_by_the_record() -> None:
    pairing, identity = place(Pairing(), view())
    pairing, again = place(pairing, view(start=NOON + 5 * HOUR))
    assert again == identity
    assert decide(view("beta", "b", NOON + 5 * HOUR), pairing.events) == Match(
        identity or "", "pairing, and a start 0 s apart"
    )


@st.composite
def days(draw: st.DrawFn) -> tuple[list[int], list[EventView], int]:
    """Games of one pair at a distance of more than twice the tolerance, seen by up to four providers whose stated times are off by
    up to half of it, in any order, each view perhaps several times."""
    tolerance = draw(st.integers(1, 120)) * MINUTE
    gaps = draw(st.lists(st.integers(2 * tolerance + 1, 5 * tolerance), min_size=0, max_size=4))
    starts = [NOON]
    for gap in gaps:
        starts.append(starts[-1] + gap)
    seen = []
    for provider in ("alpha", "beta", "gamma", "delta")[: draw(st.integers(1, 4))]:
        for game, start in enumerate(starts):
            off = draw(st.integers(-tolerance // 2, tolerance // 2))
            swapped = draw(st.booleans())
            sides = {"home": "yankees", "away": "red-sox"} if swapped else {}
            seen.extend(
                [view(provider, f"{provider}-{game}", start + off, tolerance_us=tolerance, **sides)]
                * draw(st.integers(1, 2))
            )
    return starts, draw(st.permutations(seen)), tolerance


@given(days())
def test_any_interleaving_of_providers_gives_one_id_for_each_game_and_never_merges_two(
    day: tuple[list[int], list[EventView], int],
) -> None:
    starts, seen, _ = day
    pairing = Pairing()
    ids: dict[int, set[str]] = {}
    for each in seen:
        pairing, identity = place(pairing, each)
        assert identity is not None
        ids.setdefault(int(each.native_id.rpartition("-")[2]), set()).add(identity)
    assert all(len(found) == 1 for found in ids.values())
    assert len(set.union(*ids.values())) == len(starts)


@given(
    st.permutations([(p, g) for p in ("alpha", "beta", "gamma") for g in (1, 2, 3)]),
    st.lists(st.integers(0, 50), min_size=9, max_size=9),
)
def test_numbered_games_are_never_merged_however_close_their_stated_times(
    order: list[tuple[str, int]], minutes: list[int]
) -> None:
    pairing = Pairing()
    ids: dict[int, set[str]] = {1: set(), 2: set(), 3: set()}
    for (provider, game), minute in zip(order, minutes, strict=True):
        pairing, identity = place(pairing, view(provider, f"{provider}-{game}", NOON + minute * MINUTE, game=game))
        assert identity is not None
        ids[game].add(identity)
    assert [len(found) for found in ids.values()] == [1, 1, 1]
    assert len(set.union(*ids.values())) == 3


@given(days())
def test_a_decision_that_is_repeated_changes_nothing(day: tuple[list[int], list[EventView], int]) -> None:
    pairing = Pairing()
    for each in day[1]:
        pairing, identity = place(pairing, each)
        again, same = place(pairing, each)
        assert (again, same) == (pairing, identity)
