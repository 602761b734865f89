"""Names that no map knows: told while they keep something out, the most frequent first, and no longer."""

from typing import Any

from support.native_markets import FOOTBALL, RACES, entities, message, native, update
from touchline.feeds.interface import NativeMarket, NativeRunner
from touchline.ingest.pipeline import Pipeline
from touchline.ingest.results import Coverage
from touchline.ingest.unmatched import LONGEST, MOST

EVERYWHERE = Coverage(frozenset("*"), frozenset("*"))


def told(*natives: NativeMarket, maps: tuple[dict[str, Any], ...] = ()) -> Pipeline:
    """A pipeline that was told of these markets."""
    pipeline = Pipeline("alpha", entities(*maps))
    for each in natives:
        pipeline.message(77, message(update(each)))
    return pipeline


def names(pipeline: Pipeline) -> list[tuple[Any, ...]]:
    return [tuple(entry.values()) for entry in pipeline.unmatched()]


def test_each_kind_of_name_is_told_with_its_sport_and_the_markets_that_it_keeps_out() -> None:
    pipeline = told(
        native(id="1.1", league_name="Nowhere"),
        native(id="1.2", league_name="Nowhere"),
        native(id="1.3", home="Nobody FC", runners=(NativeRunner("21", "Nobody FC", order=1),)),
        native(id="1.4", type="CORNERS", type_id="CRN"),
        native(id="1.5", sport_id="99", sport_name="Chess"),
    )
    assert names(pipeline) == [
        ("Football", "league", "Nowhere", 2),
        ("", "sport", "Chess (id 99)", 1),
        ("Football", "market type", "CORNERS (id CRN)", 1),
        ("Football", "team", "Nobody FC", 1),
    ]


def test_a_selection_that_is_left_out_of_a_published_market_is_told() -> None:
    runners = (NativeRunner("11", "Man Utd", order=1), NativeRunner("19", "Any Other", order=9))
    assert names(told(native(runners=runners))) == [("Football", "selection", "Any Other of MatchWinner", 1)]


def test_a_name_is_gone_as_soon_as_a_map_knows_it() -> None:
    pipeline = told(native(league_name="Nowhere"))
    fixed = FOOTBALL | {"leagues": [*FOOTBALL["leagues"], {"id": "nowhere", "name": "Nowhere", "country": "GB-ENG"}]}
    pipeline.configure(entities(fixed), EVERYWHERE)
    assert names(pipeline) == []


def test_what_the_provider_does_not_cover_is_nobodys_concern() -> None:
    runners = (NativeRunner("11", "Man Utd", order=1), NativeRunner("19", "Any Other", order=9))
    pipeline = told(native(runners=runners))
    pipeline.configure(entities(), Coverage(frozenset({"Tennis"}), frozenset("*")))
    assert names(pipeline) == []


def test_a_map_that_accepts_everything_misses_nothing() -> None:
    assert names(told(native(league_name="Nowhere", sport_name="Racing", sport_id=""), maps=(RACES,))) == []


def test_the_list_is_short_and_of_one_line_each_however_many_names_a_provider_has() -> None:
    pipeline = Pipeline("alpha", entities())
    for number in range(MOST + 50):
        lost = native(id=f"1.{number}", league_name=f"{number:03}\n" + "x" * 500)
        pipeline.message(77, message(update(lost)))
    found = names(pipeline)
    assert len(found) == MOST
    assert {len(name) for _, _, name, _ in found} == {LONGEST}
    assert not [name for _, _, name, _ in found if "\n" in name]
