"""What a provider's words mean, in context, and that nothing ambiguous is ever picked."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.native_markets import FOOTBALL, HOUR, KICK_OFF, RACES, entities, native
from touchline.feeds.interface import NativeMarket, NativeRunner
from touchline.ingest.accepted import accepted_id
from touchline.ingest.entities import Entities, LeagueFound, TeamFound, game_number
from touchline.ingest.lines import canonical_line, mirrored, specifier
from touchline.ingest.refusals import QuarantineReason as Reason
from touchline.ingest.refusals import Refusal
from touchline.ingest.translation import Translation, translate


def read(market: NativeMarket, maps: Entities | None = None, provider: str = "alpha") -> Translation:
    outcome = translate(maps or entities(provider=provider), provider, market, {})
    assert isinstance(outcome, Translation), outcome
    return outcome


def refused(market: NativeMarket, maps: Entities | None = None) -> Refusal:
    outcome = translate(maps or entities(), "alpha", market, {})
    assert not isinstance(outcome, Translation)
    return outcome[0]


def football(**changes: Any) -> dict[str, Any]:
    return copy.deepcopy(FOOTBALL) | changes


def team(name: str, league: str) -> TeamFound | Refusal:
    maps = entities()
    sport = maps.sport(native())
    assert not isinstance(sport, Refusal)
    found = maps.league(sport, native(league_name=league, country=""))
    assert isinstance(found, LeagueFound), found
    return maps.team(sport, found, name)


def test_two_providers_that_name_everything_differently_mean_the_same() -> None:
    alpha = read(native())
    beta = read(
        native(
            event_id="sr:match:9",
            event_name="Manchester United vs Arsenal",
            sport_id="sr:sport:1",
            sport_name="",
            league_id="sr:tournament:17",
            league_name="English Premier League",
            type="1x2",
            type_id="1",
            home="Manchester United",
            away="Arsenal",
            runners=(
                NativeRunner("1", "Manchester United"),
                NativeRunner("2", "draw"),
                NativeRunner("3", "Arsenal"),
            ),
        ),
        provider="beta",
    )
    assert alpha.view.pairing == beta.view.pairing
    assert {meaning.selection for meaning in alpha.runners.values()} == {"home", "draw", "away"}
    assert {meaning.selection for meaning in beta.runners.values()} == {"home", "draw", "away"}


def test_an_alias_of_another_provider_is_not_used() -> None:
    assert refused(native(), entities(provider="gamma", protocol="Pinnacle")).reason == Reason.UNKNOWN_SPORT


def test_a_team_name_counts_in_its_league_only() -> None:
    assert team("Arsenal", "Premier League") == TeamFound("arsenal", "Arsenal")


def test_a_team_of_another_league_of_the_same_country_may_play_in_a_cup() -> None:
    assert team("arsenal", "FA Cup") == TeamFound("arsenal", "Arsenal")


def test_a_name_of_teams_elsewhere_is_refused_with_them_as_candidates() -> None:
    found = team("Racing", "EPL")
    assert isinstance(found, Refusal)
    assert (found.reason, found.candidates) == (
        Reason.UNKNOWN_TEAM,
        ("racing-club", "racing-cordoba", "racing-montevideo"),
    )


def test_two_teams_of_one_name_in_one_league_are_never_picked_from() -> None:
    found = refused(native(league_name="Primera", country="AR", home="Racing", away="Arsenal"))
    assert (found.reason, found.candidates) == (Reason.AMBIGUOUS_TEAM, ("racing-club", "racing-cordoba"))


def test_two_leagues_of_one_name_are_told_apart_by_country_or_refused() -> None:
    found = refused(native(league_name="Primera", country=""))
    assert (found.reason, found.candidates) == (Reason.AMBIGUOUS_LEAGUE, ("arg-primera", "uru-primera"))
    assert refused(native(league_name="Primera", country="UY", home="Nobody")).reason == Reason.UNKNOWN_TEAM


def test_positions_name_the_selections_of_a_feed_that_sends_no_names() -> None:
    runners = tuple(NativeRunner(id, order=order) for id, order in (("12", 2), ("13", 3), ("11", 1)))
    found = read(native(runners=runners)).runners
    assert {runner: meaning.selection for runner, meaning in found.items()} == {
        "12": "away",
        "13": "draw",
        "11": "home",
    }


@pytest.mark.parametrize(
    ("kind", "line", "expected"),
    [("OVER_UNDER_25", "", "2.5"), ("TotalGoals", "3.50", "3.5"), ("TotalGoals", "+1.0", "1")],
)
def test_the_line_comes_from_the_alias_or_from_the_message(kind: str, line: str, expected: str) -> None:
    runners = (NativeRunner("1", "Over 2.5 Goals"), NativeRunner("2", "Under 2.5 Goals"))
    found = read(native(type=kind, type_id=kind, line=line, runners=runners))
    assert [(meaning.selection, meaning.line) for meaning in found.runners.values()] == [
        ("over", expected),
        ("under", expected),
    ]


@pytest.mark.parametrize("line", ["", "0:1", "abc", "1e9", "99999999"])
def test_a_line_that_is_missing_or_malformed_is_refused(line: str) -> None:
    runners = (NativeRunner("1", "Over"), NativeRunner("2", "Under"))
    assert refused(native(type="TotalGoals", type_id="", line=line, runners=runners)).reason == Reason.MARKET_STRUCTURE


def test_a_market_with_a_handicap_for_each_selection_has_the_home_sides_line() -> None:
    runners = (
        NativeRunner("11/-1.5", "Man Utd", handicap="-1.5"),
        NativeRunner("12/1.5", "Arsenal", handicap="1.5"),
        NativeRunner("11/-2", "Man Utd", handicap="-2"),
        NativeRunner("12/2", "Arsenal", handicap="2"),
    )
    found = read(native(type="ASIAN_HANDICAP", type_id="", runners=runners))
    assert [(meaning.selection, meaning.line) for meaning in found.runners.values()] == [
        ("home", "-1.5"),
        ("away", "-1.5"),
        ("home", "-2"),
        ("away", "-2"),
    ]


def test_a_market_type_is_found_by_the_pattern_of_the_markets_name() -> None:
    first = read(native(type="SET_WINNER", type_id="SET_WINNER", name="Set 1 Winner", runners=native().runners[:2]))
    second = read(native(type="SET_WINNER", type_id="SET_WINNER", name="Set 2 Winner", runners=native().runners[:2]))
    assert (first.type.match.rule.id, second.type.match.rule.id) == ("SetWinner1", "SetWinner2")


def test_a_type_that_fits_two_market_types_is_refused_with_both() -> None:
    spec = football()
    spec["marketTypes"].append({"id": "Other", "aliases": [{"name": "MATCH_ODDS"}]})
    found = refused(native(), entities(spec))
    assert (found.reason, found.candidates) == (Reason.AMBIGUOUS_MARKET_TYPE, ("MatchWinner", "Other"))


def test_the_first_map_that_knows_a_name_decides() -> None:
    extra = {"sport": "Football", "teams": [{"id": "mu", "name": "Man Utd"}]}
    assert read(native(), entities(extra, FOOTBALL)).view.home == "mu"


def test_a_league_that_the_provider_does_not_name_is_the_maps_own() -> None:
    spec = football(leagueWhenAbsent="eng-premier-league")
    assert read(native(league_name=""), entities(spec)).view.league == "eng-premier-league"
    assert refused(native(league_name="")).reason == Reason.UNKNOWN_LEAGUE


def test_accept_makes_ids_of_the_providers_own_words() -> None:
    found = read(
        native(sport_name="Fútbol Sala", sport_id="", league_name="Liga Ñ", home="Barça", away="Jaén"),
        entities({"sport": "*", "unmatched": "Accept"}),
    )
    assert (found.view.sport, found.view.league, found.view.home, found.view.away) == (
        "futbol-sala",
        "liga-n",
        "barca",
        "jaen",
    )
    assert found.type.known is False
    assert found.suffix == "1-1"


def test_the_map_of_all_sports_leaves_a_sport_to_its_own_map() -> None:
    both = entities({"sport": "*", "unmatched": "Accept"}, FOOTBALL)
    assert read(native(), both).view.sport == "Football"
    assert read(native(sport_id="4", sport_name="Cricket"), both).view.sport == "cricket"


def test_each_race_of_a_meeting_is_an_event_of_its_own() -> None:
    def race(id: str, kind: str, start: int) -> EventKey:
        market = native(
            id=id, event_name="Ludlow 24th Nov", type=kind, type_id=kind, home="", away="", start_us=start,
            sport_id="7", sport_name="Horse Racing", runners=(NativeRunner("1", "Red"), NativeRunner("2", "Rum")),
        )  # fmt: skip
        view = read(market, entities(RACES)).view
        return view.native_id, view.start_us

    first, second = race("1.1", "WIN", KICK_OFF), race("1.2", "WIN", KICK_OFF + HOUR)
    assert first != second
    assert race("1.3", "PLACE", KICK_OFF) == first


EventKey = tuple[str, int]


def test_a_selection_made_of_a_name_stays_when_the_name_changes() -> None:
    maps = entities(RACES)
    market = native(type="WIN", type_id="WIN", home="", away="", runners=(NativeRunner("77"),))
    named = native(type="WIN", type_id="WIN", home="", away="", runners=(NativeRunner("77", "Red Rum"),))
    first = translate(maps, "alpha", market, {})
    assert isinstance(first, Translation)
    known = {runner: meaning.selection for runner, meaning in first.runners.items()}
    second = translate(maps, "alpha", named, known)
    assert isinstance(second, Translation)
    assert (second.runners["77"].selection, second.runners["77"].name) == ("77", "Red Rum")


def test_an_event_reference_identifies_by_the_providers_id() -> None:
    spec = football(events=[{"id": "derby", "gameNumber": 2, "aliases": [{"id": "100", "provider": "alpha"}]}])
    found = read(native(home="Nobody", away="Noone", runners=native().runners), entities(spec)).view
    assert (found.reference, found.game) == ("derby", 2)


def test_an_event_reference_identifies_by_sides_and_start() -> None:
    start = "2026-09-21T14:13:20Z"  # KICK_OFF
    events = [{"id": "derby", "home": "arsenal", "away": "manchester-united", "start": start}]
    assert read(native(), entities(football(events=events))).view.reference == "derby"
    assert read(native(start_us=KICK_OFF + 2 * HOUR), entities(football(events=events))).view.reference == ""


@pytest.mark.parametrize(("name", "number"), [("A v B (Game 2)", 2), ("A v B gm #1", 1), ("Gamecocks v B", 0), ("", 0)])
def test_the_game_number_is_read_from_the_events_name(name: str, number: int) -> None:
    assert game_number(name) == number


def test_names_in_other_scripts_stay_apart() -> None:
    assert accepted_id("北京国安") != accepted_id("上海申花")


@given(st.text(min_size=1, max_size=200))
def test_an_accepted_id_is_always_a_token(text: str) -> None:
    made = accepted_id(text)
    assert made
    assert len(made) <= 63
    assert all(character in "abcdefghijklmnopqrstuvwxyz0123456789-" for character in made)


@given(st.decimals(-9999, 9999, places=2))
def test_a_line_has_one_text_and_its_mirror_twice_is_itself(number: object) -> None:
    line = canonical_line(str(number))
    assert canonical_line(line) == line
    assert mirrored(mirrored(line)) == line


def test_specifiers_are_a_set() -> None:
    assert specifier("setnr=2|total=2.5", "total") == specifier("total=2.5|setnr=2", "total") == "2.5"
    assert specifier("setnr=2", "total") == ""
