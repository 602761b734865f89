"""Markets counted by class: what a node's status document says of them, and that it stays small."""

import json
from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from support.book_scene import CLOSED, MS, SECOND, SUSPENDED, M, Scene, config, market_class, opened, policy
from touchline.book.config import HaltConfig
from touchline.book.tally import EXAMPLES, Tally, count, documents, trigger_of

LATE = {"name": "late", "type": "FeedDelay", "feedDelay": {"threshold": "300ms"}}
JUMP = {
    "name": "jump",
    "type": "PriceMove",
    "scope": "Selection",
    "priceMove": {"metric": "ImpliedProbability", "percent": "20", "within": "2s"},
}
CLASSES = (market_class("winner", selector={"marketTypes": ["MatchWinner"]}), market_class("rest"))


def said(scene: Scene) -> dict[str, Any]:
    """The part of the node's document about classes and policies."""
    return documents(scene.book.tally(scene.now), scene.book.begun.totals(scene.now))


def three_markets(*triggers: dict[str, Any]) -> Scene:
    """Two markets of one class and one of another, all open."""
    scene = opened(config(*CLASSES, policy(*triggers)))
    for market in ("e2:MatchWinner", "e2:TotalGoals:2.5"):
        scene.image("a", {"home": "2.00", "away": "2.00"}, market=market)
    scene.tick()
    return scene


def test_open_markets_are_counted_by_class_with_who_serves_them_and_the_age_of_their_proof() -> None:
    scene = three_markets()
    scene.now += 120 * MS
    assert said(scene)["classes"] == {
        "rest": {"markets": {"Open": 1}, "providers": {"a": 1}, "oldestPriceMs": 120, "holds": []},
        "winner": {"markets": {"Open": 2}, "providers": {"a": 2}, "oldestPriceMs": 120, "holds": []},
    }


def test_a_suspended_market_is_named_with_cause_and_words() -> None:
    scene = three_markets(LATE)
    scene.update("a", market="e2:MatchWinner", status=SUSPENDED)
    scene.beat("a", delay_us=400 * MS)
    document = said(scene)
    assert document["classes"]["winner"]["markets"] == {"Suspended": 2}
    delayed, suspended = document["classes"]["winner"]["holds"]
    assert (delayed["cause"], delayed["reason"], delayed["markets"], delayed["example"]) == (
        "policy/policy/late", "FeedDelay", 2, M
    )  # fmt: skip
    assert delayed["detail"] == "a is 400 ms behind, the threshold is 300 ms"
    assert (suspended["reason"], suspended["markets"], suspended["example"]) == (
        "ProviderSuspended", 1, "e2:MatchWinner"
    )  # fmt: skip
    assert document["policies"] == {"policy": {"holds": {"late": 3}, "lastHour": {"FeedDelay": 3}}}


def test_a_trigger_counts_when_its_hold_begins_and_not_while_it_lasts_or_ends() -> None:
    scene = three_markets(LATE)
    for _ in range(3):
        scene.pass_time(SECOND, "a", delay_us=400 * MS)
        scene.pass_time(SECOND, "a")
    assert said(scene)["policies"] == {"policy": {"holds": {}, "lastHour": {"FeedDelay": 9}}}
    scene.pass_time(3600 * SECOND, "a", step_us=60 * SECOND)
    assert said(scene)["policies"] == {}


def test_what_a_new_market_comes_with_is_no_suspension() -> None:
    scene = Scene(config(policy(LATE)))
    scene.image("a", {"home": "2.00"})
    scene.beat("a", delay_us=400 * MS)
    scene.image("a", {"home": "2.00"}, market="e2:MatchWinner")
    assert "FeedDelay" in scene.reasons("e2:MatchWinner")
    assert said(scene)["policies"]["policy"]["lastHour"] == {"FeedDelay": 1}, "of the market that was there before"


def test_a_node_that_does_not_lead_counts_along_so_that_who_takes_over_knows_the_hour() -> None:
    scene = three_markets(LATE)
    scene.take(scene.book.stand_by(scene.now, "another leads"))
    scene.beat("a", delay_us=400 * MS)
    assert dict(scene.book.begun.totals(scene.now)) == {("policy", "FeedDelay"): 3}


def test_a_single_selection_that_a_trigger_keeps_out_is_a_hold_of_its_policy_and_suspends_no_market() -> None:
    scene = three_markets(JUMP)
    scene.update("a", {"home": "8.00"})
    scene.update("a", {"home": "8.20", "away": "4.10"})
    document = said(scene)
    assert document["classes"]["winner"]["markets"] == {"Open": 2}
    assert document["policies"] == {"policy": {"holds": {"jump": 1}, "lastHour": {"PriceMove": 1}}}


def test_a_market_that_is_over_is_counted_as_such_and_nobody_serves_it() -> None:
    scene = three_markets()
    scene.update("a", status=CLOSED)
    document = said(scene)["classes"]["winner"]
    assert (document["markets"], document["providers"], document["holds"]) == ({"Closed": 1, "Open": 1}, {"a": 1}, [])


def test_a_class_that_is_halted_says_so_of_every_market() -> None:
    scene = three_markets()
    scene.configure(
        config(market_class("winner", selector={"marketTypes": ["MatchWinner"]}, suspended=True), CLASSES[1])
    )
    (hold,) = said(scene)["classes"]["winner"]["holds"]
    assert (hold["cause"], hold["reason"], hold["markets"]) == ("manual/class", "Manual", 2)


def test_a_market_without_a_class_counts_for_its_shard_and_for_no_class() -> None:
    scene = three_markets()
    scene.configure(config(CLASSES[0]))
    tally = scene.book.tally(scene.now)
    assert tally.statuses() == {"Open": 2, "Suspended": 1}
    assert tally.reasons() == {"NoProvider": 1}
    assert list(said(scene)["classes"]) == ["winner"]


def test_a_document_names_few_markets_however_many_causes_there_are() -> None:
    scene = three_markets(LATE)
    halts = [HaltConfig(scope, id) for scope, id in (("market", M), ("event", "e1"), ("provider", "a"), ("all", ""))]
    scene.configure(config(*CLASSES, policy(LATE), halts=halts))
    scene.update("a", status=SUSPENDED)
    scene.beat("a", delay_us=900 * MS, state="Recovering", detail="x" * 1000)
    holds = said(scene)["classes"]["winner"]["holds"]
    assert len(holds) > EXAMPLES
    assert sum("example" in hold for hold in holds) == EXAMPLES
    assert [hold["markets"] for hold in holds] == sorted((hold["markets"] for hold in holds), reverse=True)
    assert len(json.dumps(holds)) < 2500


@given(
    st.lists(
        st.tuples(st.integers(1, 4), st.sampled_from(["MatchWinner", "TotalGoals:2.5"]), st.booleans()), max_size=12
    ),
    st.data(),
)
def test_shards_add_up_to_what_one_shard_with_all_markets_would_say(
    markets: list[tuple[int, str, bool]], data: st.DataObject
) -> None:
    scene = three_markets(LATE)
    for number, kind, held in markets:
        scene.image("a", {"home": "2.00", "away": "2.00"}, market=f"e{number}:{kind}")
        scene.update("a", market=f"e{number}:{kind}", status=SUSPENDED if held else 0)
    scene.now += 77 * MS
    everything = list(scene.book._markets.values())
    parts: list[list[Any]] = [[], [], []]
    for market in everything:
        parts[data.draw(st.integers(0, 2))].append(market)
    total = Tally()
    for part in parts:
        total.add(count(scene.now, part))
    whole = count(scene.now, everything)
    assert _figures(total) == _figures(whole)
    assert sum(total.statuses().values()) == len(everything)
    assert (total.statuses(), total.reasons(), total.oldest_us()) == (
        whole.statuses(),
        whole.reasons(),
        whole.oldest_us(),
    )
    quotes = [scene.quote(market.id) for market in everything]
    assert total.statuses() == dict(Counter(quote.status.value for quote in quotes))
    assert total.reasons() == dict(Counter(hold.reason.value for quote in quotes for hold in quote.holds))


def _figures(tally: Tally) -> dict[str, Any]:
    """Without the examples: any market of a cause may stand for it."""
    found: dict[str, Any] = documents(tally, {})["classes"]
    for document in found.values():
        document["holds"] = sorted((hold["cause"], hold["markets"]) for hold in document["holds"])
    return found


def test_only_a_triggers_cause_belongs_to_a_policy() -> None:
    assert trigger_of("policy/strict/late") == ("strict", "late")
    for cause in ("policy", "policy/unsupported", "manual/class", "freshness", "reopening/cool-down"):
        assert trigger_of(cause) == ("", "")
