"""The pipeline from native updates to normalised ones, with the registry's answers played by the test."""

from collections.abc import Callable
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from support.native_markets import (
    FOOTBALL,
    HOUR,
    KICK_OFF,
    RACES,
    answer,
    delta,
    entities,
    message,
    native,
    prices,
    record_of,
    update,
)
from touchline.bus.messages import MarketUpdate
from touchline.domain.status import ProviderStatus
from touchline.feeds.interface import NativeRunner, NativeUpdate
from touchline.ingest.event_records import Resolved
from touchline.ingest.identity import Ambiguous
from touchline.ingest.pipeline import Pipeline
from touchline.ingest.refusals import QuarantineReason as Reason
from touchline.ingest.results import Coverage, LookUp, Publish, Quarantine, Result


class Bench:
    """A pipeline under test: `tell` plays a message and, unless told otherwise, answers its look-ups."""

    def __init__(self, *specs: dict[str, Any], coverage: Coverage | None = None) -> None:
        self.pipeline = Pipeline("alpha", entities(*specs))
        if coverage is not None:
            self.pipeline.configure(entities(*specs), coverage)
        self.published: list[MarketUpdate] = []
        self.quarantined: list[Quarantine] = []
        self.asked: list[LookUp] = []
        self.identify: Callable[[LookUp], str | None] = lambda look_up: f"e{look_up.key}"

    def tell(self, *updates: NativeUpdate, answered: bool = True) -> list[MarketUpdate]:
        return self.take(self.pipeline.message(77, message(*updates)), answered=answered)

    def take(self, results: list[Result], *, answered: bool = True) -> list[MarketUpdate]:
        before = len(self.published)
        waiting = list(results)
        while waiting:
            match waiting.pop(0):
                case Publish(updates):
                    self.published.extend(updates)
                case Quarantine() as refused:
                    self.quarantined.append(refused)
                case LookUp() as look_up:
                    self.asked.append(look_up)
                    identity = self.identify(look_up) if answered else None
                    if identity:
                        waiting.extend(self.pipeline.resolved(0, look_up.key, answer(look_up.view, identity)))
        return self.published[before:]

    @property
    def reasons(self) -> list[Reason]:
        return [refused.refusal.reason for refused in self.quarantined]

    def adds_up(self) -> bool:
        counts = self.pipeline.counts
        filed = counts.accepted + counts.partial + counts.quarantined + counts.ignored + counts.waiting
        return counts.received == filed


def sels(update: MarketUpdate) -> dict[str, int]:
    return {selection.id: selection.micro for selection in update.sels}


def test_a_first_image_is_published_whole_once_its_event_has_an_id() -> None:
    bench = Bench()
    assert bench.tell(update(), answered=False) == []
    assert bench.pipeline.pending == 1
    (image,) = bench.take(bench.pipeline.resolved(0, "100", answer(bench.asked[0].view, "e7")))
    assert bench.pipeline.pending == 0
    assert (image.market, image.image, image.status) == ("e7:MatchWinner", True, ProviderStatus.OPEN)
    assert sels(image) == {"home": 2_000_000, "away": 2_000_001, "draw": 2_000_002}
    assert image.meta is not None
    assert (image.meta.sport, image.meta.league, image.meta.type) == ("Football", "eng-premier-league", "MatchWinner")
    assert (image.meta.league_class, image.meta.country, image.meta.category) == ("Elite", "GB-ENG", "Main")
    assert image.meta.names == {"home": "Manchester United", "away": "Arsenal", "draw": "Draw"}
    assert (image.src, image.recv) == (update().publish_us, 77)


def test_prices_of_a_known_market_take_the_short_path() -> None:
    bench = Bench()
    bench.tell(update())
    (change,) = bench.tell(delta(prices=prices(r12=3_500_000)))
    assert (change.market, sels(change), change.image, change.status) == (
        "e100:MatchWinner",
        {"away": 3_500_000},
        False,
        -1,
    )
    assert change.meta is None


def test_what_arrives_while_the_id_is_looked_up_is_in_the_image_that_follows() -> None:
    bench = Bench()
    bench.tell(update(), answered=False)
    bench.tell(delta(prices=prices(r11=5_000_000)), delta(prices=prices(r11=6_000_000), incidents=("Goal",)))
    (image,) = bench.take(bench.pipeline.resolved(0, "100", answer(bench.asked[0].view)))
    assert sels(image)["home"] == 6_000_000
    assert image.incidents == ["Goal"]
    assert bench.pipeline.counts.waiting == 3
    assert len(bench.asked) == 1


def test_a_second_market_of_the_event_waits_for_the_same_answer() -> None:
    bench = Bench()
    other = native(
        id="1.2",
        type="OVER_UNDER_25",
        type_id="",
        runners=(NativeRunner("1", "Over 2.5"), NativeRunner("2", "Under 2.5")),
    )
    bench.tell(update(), update(other), answered=False)
    assert len(bench.asked) == 1
    images = bench.take(bench.pipeline.resolved(0, "100", answer(bench.asked[0].view)))
    assert [image.market for image in images] == ["e1:MatchWinner", "e1:TotalGoals:2.5"]


def test_a_bad_market_does_not_hold_the_other_markets_of_its_message() -> None:
    bench = Bench()
    bad = native(id="1.9", event_id="")
    assert [image.market for image in bench.tell(update(bad), update())] == ["e100:MatchWinner"]
    assert bench.reasons == [Reason.UNKNOWN_EVENT]
    assert bench.quarantined[0].update is not None


def test_a_refusal_is_told_once_and_counted_each_time() -> None:
    bench = Bench()
    lost = native(league_name="Nowhere")
    bench.tell(update(lost))
    for _ in range(5):
        bench.tell(delta(prices=prices(r11=2_000_000)))
        bench.tell(update(lost, image=False))
    assert bench.reasons == [Reason.UNKNOWN_LEAGUE]
    assert bench.pipeline.counts.quarantined == 11


def test_a_mapping_that_is_fixed_publishes_what_was_refused_with_its_newest_prices() -> None:
    bench = Bench()
    bench.tell(update(native(league_name="Nowhere")))
    bench.tell(delta(prices=prices(r11=9_000_000)))
    fixed = FOOTBALL | {"leagues": [*FOOTBALL["leagues"], {"id": "nowhere", "name": "Nowhere", "country": "GB-ENG"}]}
    (image,) = bench.take(bench.pipeline.configure(entities(fixed), Coverage(frozenset("*"), frozenset("*"))))
    assert image.image
    assert sels(image)["home"] == 9_000_000


def test_new_maps_that_read_the_same_send_nothing() -> None:
    bench = Bench()
    bench.tell(update())
    assert bench.take(bench.pipeline.configure(entities(), Coverage(frozenset("*"), frozenset("*")))) == []


def test_new_maps_that_rename_a_market_type_withdraw_the_old_market_and_send_the_new() -> None:
    bench = Bench()
    bench.tell(update())
    renamed = FOOTBALL | {"marketTypes": [FOOTBALL["marketTypes"][0] | {"id": "Winner"}]}
    old, new = bench.take(bench.pipeline.configure(entities(renamed), Coverage(frozenset("*"), frozenset("*"))))
    assert (old.market, old.image, old.sels, old.meta) == ("e100:MatchWinner", True, [], None)
    assert (new.market, new.image) == ("e100:Winner", True)


def test_a_definition_that_turns_bad_suspends_what_is_published_until_it_is_good_again() -> None:
    bench = Bench()
    bench.tell(update())
    (shut,) = bench.tell(update(native(type="WHO_KNOWS", type_id="", version=2), image=False))
    assert (shut.market, shut.status) == ("e100:MatchWinner", ProviderStatus.SUSPENDED)
    (still,) = bench.tell(delta(prices=prices(r11=3_000_000)))
    assert still.status == -1
    (image,) = bench.tell(update(native(version=3), image=False, prices=()))
    assert (image.image, image.status) == (True, ProviderStatus.OPEN)
    assert sels(image)["home"] == 3_000_000


def test_prices_with_an_impossible_time_suspend_the_market_until_an_image() -> None:
    bench = Bench()
    bench.tell(update())
    (shut,) = bench.tell(delta(publish_us=5, prices=prices(r11=3_000_000)))
    assert shut.status == ProviderStatus.SUSPENDED
    assert bench.reasons == [Reason.BAD_TIMESTAMP]
    (held,) = bench.tell(update(native(version=2), image=False, prices=()))
    assert held.status == ProviderStatus.SUSPENDED
    (image,) = bench.tell(update())
    assert image.status == ProviderStatus.OPEN


def test_an_older_definition_is_refused_and_changes_nothing() -> None:
    bench = Bench()
    bench.tell(update(native(version=5)))
    assert bench.tell(update(native(version=4, status=ProviderStatus.CLOSED), image=False)) == []
    assert bench.reasons == [Reason.INTEGRITY]
    assert bench.tell(delta(prices=prices(r11=3_000_000))) != []
    assert bench.adds_up()


def test_status_phase_delay_and_results_are_carried_without_an_image() -> None:
    bench = Bench()
    bench.tell(update())
    runners = tuple(
        msgspec.structs.replace(runner, result="Winner" if runner.id == "11" else "Loser")
        for runner in native().runners
    )
    settled = native(version=2, status=ProviderStatus.SETTLED, in_play=True, bet_delay_ms=5000, runners=runners)
    (change,) = bench.tell(update(settled, image=False, prices=()))
    assert (change.image, change.status, change.in_play, change.delay_ms) == (False, ProviderStatus.SETTLED, 1, 5000)
    assert change.results == {"home": "Winner", "away": "Loser", "draw": "Loser"}


def test_a_withdrawn_runner_is_unavailable_at_once() -> None:
    bench = Bench()
    bench.tell(update())
    runners = (msgspec.structs.replace(native().runners[0], removed=True), *native().runners[1:])
    (change,) = bench.tell(update(native(version=2, runners=runners), image=False, prices=()))
    assert sels(change) == {"home": 0}


def test_a_market_that_the_provider_drops_is_withdrawn() -> None:
    bench = Bench()
    bench.tell(update())
    (gone,) = bench.tell(delta(gone=True))
    assert (gone.market, gone.image, gone.sels, gone.meta) == ("e100:MatchWinner", True, [], None)
    assert bench.pipeline.sizes() == {"events": 0, "markets": 0, "published": 0, "lookups": 0}


def test_a_market_outside_the_coverage_is_ignored_by_rule() -> None:
    bench = Bench(coverage=Coverage(frozenset({"Tennis"}), frozenset({"*"})))
    assert bench.tell(update(), delta(prices=prices(r11=2_000_000))) == []
    assert bench.pipeline.counts.ignored_by_rule == {"NotCovered": 2}
    assert bench.quarantined == []


def test_an_update_of_a_market_never_defined_is_quarantined_once() -> None:
    bench = Bench()
    bench.tell(delta("9.9", prices=prices(r11=2_000_000)), delta("9.9", prices=prices(r11=2_100_000)))
    assert bench.reasons == [Reason.UNKNOWN_MARKET]
    assert bench.pipeline.counts.quarantined == 2


def test_an_ambiguous_event_is_quarantined_with_candidates_and_asked_for_again() -> None:
    bench = Bench()
    bench.tell(update(), answered=False)
    bench.take(bench.pipeline.resolved(0, "100", Ambiguous(("e1", "e2"), "two games")))
    assert bench.reasons == [Reason.AMBIGUOUS_EVENT]
    assert bench.quarantined[0].refusal.candidates == ("e1", "e2")
    assert bench.pipeline.tick(1) == []
    (again,) = bench.pipeline.tick(60_000_000)
    assert isinstance(again, LookUp)
    (image,) = bench.take(bench.pipeline.resolved(60_000_000, "100", answer(again.view)))
    assert image.image
    assert bench.reasons == [Reason.AMBIGUOUS_EVENT]


def test_an_event_that_somebody_splits_off_moves_its_markets() -> None:
    bench = Bench()
    bench.tell(update())
    (look_up,) = bench.pipeline.moved("100", "e-other")
    assert isinstance(look_up, LookUp)
    old, new = bench.take(bench.pipeline.resolved(0, "100", answer(look_up.view, "e-other")))
    assert (old.market, old.meta) == ("e100:MatchWinner", None)
    assert (new.market, new.image) == ("e-other:MatchWinner", True)


def test_our_own_record_of_an_event_is_no_news() -> None:
    bench = Bench()
    bench.tell(update())
    assert bench.pipeline.moved("100", "e100") == []


def test_a_provider_that_has_the_sides_the_other_way_round_is_turned() -> None:
    bench = Bench()
    bench.tell(update(), answered=False)
    view = bench.asked[0].view
    record = record_of(view._replace(home=view.away, away=view.home))
    (image,) = bench.take(bench.pipeline.resolved(0, "100", Resolved(record, "test")))
    assert sels(image) == {"away": 2_000_000, "home": 2_000_001, "draw": 2_000_002}
    assert image.meta is not None
    assert (image.meta.home, image.meta.away) == ("Arsenal", "Manchester United")


def test_handicaps_are_mirrored_where_the_sides_are_turned() -> None:
    bench = Bench()
    runners = (NativeRunner("11/-1.5", "Man Utd", handicap="-1.5"), NativeRunner("12/1.5", "Arsenal", handicap="1.5"))
    bench.tell(update(native(type="ASIAN_HANDICAP", type_id="", runners=runners)), answered=False)
    view = bench.asked[0].view
    record = record_of(view._replace(home=view.away, away=view.home))
    (image,) = bench.take(bench.pipeline.resolved(0, "100", Resolved(record, "test")))
    assert image.market == "e1:AsianHandicap:1.5"
    assert sels(image) == {"away": 2_000_000, "home": 2_000_001}


def test_one_native_market_with_many_lines_is_one_internal_market_for_each() -> None:
    bench = Bench()
    runners = tuple(
        NativeRunner(f"{id}/{line}", name, handicap=line)
        for id, name, line in (
            ("11", "Man Utd", "-1.5"),
            ("12", "Arsenal", "1.5"),
            ("11", "Man Utd", "-2"),
            ("12", "Arsenal", "2"),
        )
    )
    images = bench.tell(update(native(type="ASIAN_HANDICAP", type_id="", runners=runners)))
    assert [image.market for image in images] == ["e100:AsianHandicap:-1.5", "e100:AsianHandicap:-2"]
    (change,) = bench.tell(delta(prices=(prices(x=3_000_000)[0].__class__("12/2", 3_000_000),)))
    assert (change.market, sels(change)) == ("e100:AsianHandicap:-2", {"away": 3_000_000})


def test_a_second_native_market_for_one_internal_market_is_a_duplicate() -> None:
    bench = Bench()
    bench.tell(update(), update(native(id="1.2")))
    assert bench.reasons == [Reason.DUPLICATE]
    assert bench.tell(delta("1.2", prices=prices(r11=9_000_000))) == []
    assert bench.adds_up()


def test_a_race_whose_start_moves_stays_the_event_it_was() -> None:
    bench = Bench(RACES)
    runners = (NativeRunner("1", "Red"), NativeRunner("2", "Rum"))
    race = native(type="WIN", type_id="WIN", home="", away="", runners=runners)
    bench.tell(update(race))
    bench.tell(update(msgspec.structs.replace(race, start_us=KICK_OFF + HOUR, version=2)))
    assert {change.market for change in bench.published} == {f"e100@{KICK_OFF // 1_000_000}:RaceWinner"}


def test_an_unanswered_look_up_is_asked_again() -> None:
    bench = Bench()
    bench.tell(update(), answered=False)
    (again,) = bench.pipeline.failed("100")
    assert again == bench.asked[0]


def test_completeness_counts_selections_of_open_markets_that_have_a_price() -> None:
    bench = Bench()
    bench.tell(update())
    bench.tell(update(native(id="1.2", event_id="101", league_name="Nowhere")))
    bench.tell(delta(prices=prices(r11=0)))
    assert bench.pipeline.completeness() == (2, 6)


step = st.sampled_from(
    ["image", "bad league", "bad type", "bad time", "prices", "bad price", "unknown runner", "gone", "closed", "other"]
)


@given(st.lists(st.tuples(step, st.integers(0, 3), st.booleans()), max_size=40))
def test_every_update_is_filed_under_one_heading_and_no_market_is_open_while_refused(
    steps: list[tuple[str, int, bool]],
) -> None:
    bench = Bench()
    for number, (kind, which, answered) in enumerate(steps):
        market = native(id=f"1.{which}", event_id=str(100 + which), version=number + 1)
        what = {
            "image": update(market),
            "bad league": update(msgspec.structs.replace(market, league_name="Nowhere"), image=False),
            "bad type": update(msgspec.structs.replace(market, bet_delay_ms=-1), image=False),
            "bad time": delta(market.id, publish_us=1),
            "prices": delta(market.id, prices=prices(r11=2_000_000 + number)),
            "bad price": delta(market.id, prices=prices(r11=1)),
            "unknown runner": delta(market.id, prices=prices(r99=2_000_000)),
            "gone": delta(market.id, gone=True),
            "closed": update(msgspec.structs.replace(market, status=ProviderStatus.CLOSED), image=False, prices=()),
            "other": delta("9.9", prices=prices(r11=2_000_000)),
        }[kind]
        bench.tell(what, answered=answered)
        if answered:
            for look_up in bench.asked:
                bench.take(bench.pipeline.resolved(0, look_up.key, answer(look_up.view, f"e{look_up.key}")))
        assert bench.adds_up()
        status: dict[str, int] = {}
        for each in bench.published:
            if each.status >= 0:
                status[each.market] = each.status
        refused = kind in {"bad league", "bad type", "bad time"}
        assert not (refused and status.get(f"e{100 + which}:MatchWinner", 1) == ProviderStatus.OPEN)
