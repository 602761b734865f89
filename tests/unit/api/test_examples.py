"""Every example is valid, has what its README promises, and shows every kind."""

import re
from pathlib import Path

import pytest

from support.manifests import EXAMPLES, SETS, objects
from touchline.api import KINDS, SIMULATE, SIMULATE_GROUP, EntityMap, FeedProvider, Market, OddsEngine, SuspensionPolicy
from touchline.api.load import load_files
from touchline.api.render import render_all
from touchline.api.selectors import Tie, select
from touchline.api.v1alpha1.market_feeds import FeedModel


@pytest.mark.parametrize("name", SETS)
def test_every_example_is_valid(name: str) -> None:
    result = load_files(SETS[name])
    assert result.ok, render_all(result.problems)
    # An example without Secrets says in its README how to make them, and one that shows the whole vocabulary says what is not acted on.
    known = ("no Secret is named", "is not acted on by this release")
    assert all(any(text in problem.message for text in known) for problem in result.problems), render_all(
        result.problems
    )
    if name.startswith("quickstart"):
        assert result.problems == ()


def test_every_folder_is_checked_and_has_a_readme() -> None:
    folders = {path for path in EXAMPLES.iterdir() if path.is_dir()}
    assert {EXAMPLES / name.split()[0] for name in SETS} == folders
    for folder in folders:
        assert (folder / "README.md").is_file()


def test_every_file_is_named_by_the_readme_of_its_example() -> None:
    for folder in (path for path in EXAMPLES.iterdir() if path.is_dir()):
        readme = (folder / "README.md").read_text(encoding="utf-8")
        for file in folder.rglob("*.yaml"):
            named = file.relative_to(folder).as_posix()
            assert named in readme or f"[{named.split('/')[0]}]" in readme, file


def test_every_link_of_a_readme_leads_somewhere() -> None:
    for readme in EXAMPLES.rglob("README.md"):
        for link in re.findall(r"\]\(([^)#]+)\)", readme.read_text(encoding="utf-8")):
            assert (readme.parent / link).exists(), (readme, link)


def test_every_kind_has_a_sample() -> None:
    assert {each["kind"] for each in objects()} == set(KINDS)
    kinds = load_files([EXAMPLES / "kinds"]).resources
    assert {resource.kind for resource in kinds} == set(KINDS)


def test_the_quickstart_has_what_it_promises() -> None:
    result = load_files([EXAMPLES / "quickstart"])
    (engine,) = result.of(OddsEngine)
    assert (engine.spec.shards, engine.spec.bets.durability) == (4, "Fsync")
    assert engine.spec.gateway.auth.anonymous is not None
    providers = result.of(FeedProvider)
    assert [provider.name for provider in providers] == ["betfair-a", "betfair-b"]
    assert {provider.metadata.annotations[SIMULATE] for provider in providers} == {"fixtures"}
    assert len({provider.metadata.annotations[SIMULATE_GROUP] for provider in providers}) == 1
    assert len({provider.spec.upstream for provider in providers}) == 2
    assert len(result.of(Market)) == 3
    assert len(result.of(SuspensionPolicy)) == 1
    (football,) = result.of(EntityMap)
    assert len(football.spec.teams) >= 12
    assert any(market.spec.betting.delay.micros > 0 for market in result.of(Market))


@pytest.mark.parametrize(
    ("market_type", "in_play", "name"),
    [
        ("MatchWinner", False, "football-winner-prematch"),
        ("MatchWinner", True, "football-winner-inplay"),
        ("TotalGoals", False, "football-total-goals"),
        ("TotalGoals", True, "football-total-goals"),
    ],
)
def test_every_market_of_the_quickstart_has_exactly_one_class(market_type: str, in_play: bool, name: str) -> None:
    classes = load_files([EXAMPLES / "quickstart"]).of(Market)
    found = select(classes, sport="Football", league="eng-premier-league", market_type=market_type, in_play=in_play)
    assert found is not None
    assert not isinstance(found, Tie)
    assert found.name == name


def test_the_replay_set_takes_every_market_of_every_sport() -> None:
    result = load_files([EXAMPLES / "replay"])
    (market,) = result.of(Market)
    for sport, kind in (("Football", "MatchWinner"), ("HorseRacing", "Winner"), ("sport-9", "whatever")):
        for in_play in (False, True):
            assert select([market], sport=sport, league="unknown", market_type=kind, in_play=in_play) == market
    maps = result.of(EntityMap)
    assert {each.spec.unmatched for each in maps} == {"Accept"}
    assert [each.spec.sport for each in maps].count("*") == 1
    (provider,) = result.of(FeedProvider)
    referenced = [reference.name for reference in provider.spec.entity_map_refs]
    assert sorted(referenced) == sorted(each.name for each in maps)
    assert referenced[-1] == "everything-else"


def test_the_regions_of_the_multi_region_example_differ_in_nothing_but_the_region() -> None:
    engines = []
    for region in ("us-east", "eu-west", "us-west"):
        (engine,) = load_files([EXAMPLES / "multi-region" / region], cross_check=False).of(OddsEngine)
        assert engine.spec.region == region
        engines.append(engine.spec.model_copy(update={"region": None}))
    assert engines[0] == engines[1] == engines[2]


def test_the_examples_show_every_feed_model_but_none_without_a_reason() -> None:
    models = {market.spec.feeds.model for paths in SETS.values() for market in load_files(paths).of(Market)}
    assert models == set(FeedModel)


def test_no_example_holds_a_path_of_this_machine() -> None:
    for file in EXAMPLES.rglob("*"):
        if file.is_file():
            assert str(Path.home()) not in file.read_text(encoding="utf-8")
