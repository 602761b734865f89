"""How providers word the truth: ids and names of their own, ladders whose changes add up, prices that are never crossed."""

from typing import Any

from support.betfair_messages import mcm
from touchline.domain.ladder import LADDER
from touchline.feeds.betfair.cache import MarketCache
from touchline.feeds.betfair.decode import decode
from touchline.sim.exchange import Exchange
from touchline.sim.fixtures import SECOND, Fixtures
from touchline.sim.raw_book import Change, RawMarket, merge
from touchline.sim.views import View


def words(number: int, *, seconds: int = 60, named: bool = True) -> list[Change]:
    fixtures = Fixtures(count=3, seed=4, tempo=90.0, now=0)
    view = View(number, seed=4, wall_offset=1_700_000_000_000_000, named=named)
    said = [change for market in fixtures.markets() if (change := view.word(market))]
    for at in range(0, seconds * SECOND, SECOND // 10):
        while (changed := fixtures.step(at)) is not None:
            said.extend(change for market in changed if not market.gone and (change := view.word(market)))
    return said


def test_two_providers_agree_on_the_matches_and_on_nothing_else() -> None:
    def of(key: str, said: list[Change]) -> set[Any]:
        return {change["marketDefinition"][key] for change in said if "marketDefinition" in change}

    first, second = words(0), words(1)
    assert len({change["id"] for change in first}) == len({change["id"] for change in second})
    assert {change["id"] for change in first}.isdisjoint(change["id"] for change in second)
    assert of("eventId", first).isdisjoint(of("eventId", second))
    assert of("openDate", first) == of("openDate", second)
    assert of("eventName", first) != of("eventName", second)
    assert of("marketType", first) == of("marketType", second) == {"MATCH_ODDS", "OVER_UNDER_25"}


def test_names_can_be_left_out_as_on_the_live_stream() -> None:
    for change in words(0, named=False):
        definition = change.get("marketDefinition", {})
        assert "eventName" not in definition
        assert all("name" not in runner for runner in definition.get("runners", []))


def test_every_price_is_on_the_ladder_and_no_book_is_ever_crossed() -> None:
    cache = MarketCache()
    for place, change in enumerate(words(1)):
        cache.apply(decode(mcm(change)).message.mc or [], place, place)
        assert cache.crossed(place, 0) is None
        for runner in change.get("rc", []):
            assert all(round(level[0] * 1e6) in LADDER for key in ("atb", "atl") for level in runner.get(key, []))


def test_changes_add_up_to_the_same_book_by_price_and_by_level() -> None:
    books: dict[str, RawMarket] = {}
    for change in words(0):
        books.setdefault(change["id"], RawMarket(change["id"])).apply(change)
    assert books
    for book in books.values():
        for runner in book.word(image=True).get("rc", []):
            for full, level in (("atb", "batb"), ("atl", "batl")):
                assert [part[:2] for part in runner.get(full, [])] == [
                    part[1:] for part in runner.get(level, [])
                ] or sorted(part[0] for part in runner.get(full, [])) == sorted(
                    part[1] for part in runner.get(level, [])
                )


def test_prices_are_withdrawn_while_suspended_at_a_goal() -> None:
    books: dict[str, RawMarket] = {}
    emptied = 0
    for change in words(0, seconds=90):
        book = books.setdefault(change["id"], RawMarket(change["id"]))
        book.apply(change)
        if change.get("marketDefinition", {}).get("status") == "SUSPENDED":
            assert book.best_back() == {}
            emptied += 1
    assert emptied > 2


def test_merged_changes_have_the_effect_of_the_changes_one_by_one() -> None:
    said = words(0)
    half = len(said) // 2
    one_by_one, merged = Exchange("a"), Exchange("b")
    for exchange in (one_by_one, merged):
        exchange.publish(said[:half], 1)
    for change in said[half:]:
        one_by_one.publish([change], 2)
    merged.publish(merge(said[half:]), 2)

    def books(exchange: Exchange) -> dict[str, dict[str, float]]:
        return {name: market.best_back() for name, market in sorted(exchange.markets.items())}

    assert books(one_by_one) == books(merged)
