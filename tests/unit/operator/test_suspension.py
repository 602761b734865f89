"""What a Market and a SuspensionPolicy say of the book: sums over its nodes, why something is suspended, and when that is written."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.observed_world import engine, market, observe, policy, provider, resource, stored, world_of
from touchline.domain.reasons import HoldReason
from touchline_operator.check.judge import judge
from touchline_operator.kube.events import event
from touchline_operator.status.books import class_sum, counting, leaders, policy_sum
from touchline_operator.status.conditions import condition
from touchline_operator.status.market import SETTLES_US
from touchline_operator.status.outcome import Outcome
from touchline_operator.status.write import any_change, significant_change, status_of, transitions
from touchline_operator.world.heard import FIGURES_US, HEARD_US, SOON_US, concerned
from touchline_operator.world.index import World
from touchline_operator.world.keys import Key
from touchline_operator.world.observed import Health, Observed

WHOLE = [engine(), policy(), provider("one"), provider("two"), market("m")]
LATE = {
    "cause": "policy/strict/late",
    "reason": "FeedDelay",
    "markets": 8,
    "example": "e1:MatchWinner",
    "detail": "one is late",
}
HALT = {
    "cause": "manual/event",
    "reason": "Manual",
    "markets": 4,
    "example": "e2:MatchWinner",
    "detail": "halted by ann",
}


def node(*shards: int, epoch: int = 3, **said: Any) -> dict[str, Any]:
    """A book node's document: it leads these shards."""
    return {"shards": {str(shard): {"leading": True, "epoch": epoch, "caughtUp": True} for shard in shards}, **said}


def counts(*holds: dict[str, Any], **markets: int) -> dict[str, Any]:
    """A node's word on the class `m`."""
    return {
        "m": {
            "markets": markets,
            "providers": {"one": sum(markets.values())},
            "oldestPriceMs": 90,
            "holds": list(holds),
        }
    }


def health(*documents: dict[str, Any], **more: Any) -> Health:
    return Health(connected=True, documents={f"book.b{n}": each for n, each in enumerate(documents)}, **more)


def seen(*documents: dict[str, Any], manifests: Any = WHOLE, kind: str = "Market", name: str = "m") -> Observed:
    return observe(world_of(manifests), kind, name, health=health(*documents))


def status(observed: Observed) -> dict[str, Any]:
    return status_of(observed, judge(observed), Outcome(told=True))


def suspended(observed: Observed) -> tuple[str, str]:
    found = condition(status(observed), "Suspended")
    return found["status"], found["reason"]


def after(observed: Observed, told: dict[str, Any], *, wait_us: int = 1_000_000) -> Observed:
    """The same object a moment later, with the status that was written."""
    world = world_of(WHOLE)
    world.put_custom(stored(market("m"), 100) | {"status": told})
    return replace(observe(world, "Market", "m", health=observed.health), now=observed.now + wait_us)


# What is said


def test_a_suspension_is_told_with_counts_triggers_and_a_market_of_each_cause() -> None:
    observed = seen(
        node(0, 1, classes=counts(LATE, Open=20, Suspended=8)), node(2, 3, classes=counts(HALT, Open=8, Suspended=4))
    )
    found = condition(status(observed), "Suspended")
    assert (found["status"], found["reason"]) == ("True", "FeedDelay")
    assert found["message"] == (
        "12 of 40 markets are suspended; 8 FeedDelay (trigger late of strict), such as e1:MatchWinner: one is late; "
        "4 Manual (manual/event), such as e2:MatchWinner: halted by ann"
    )
    figures = status(observed)
    assert figures["instances"] == {"open": 28, "suspended": 12, "closed": 0, "settled": 0, "cancelled": 0}
    assert (figures["servingProvider"], figures["oldestPrice"]) == ("one", "90ms")


@pytest.mark.parametrize(
    ("documents", "expected"),
    [
        ([node(0, 1, 2, 3, classes=counts(Open=3))], ("False", "NoHold")),
        ([node(0, 1, 2, 3, classes=counts(Settled=3))], ("False", "NoHold")),
        ([node(0, 1, 2, 3, classes={})], ("False", "NoMarkets")),
        ([node(0, 1, classes=counts(Open=3))], ("True", "AuthorityLost")),
        ([node(0, 1, classes=counts(HALT, Open=3, Suspended=4))], ("True", "Manual")),
        ([node(0, 1, classes={})], ("False", "NoMarkets")),
        ([node(classes={})], ("Unknown", "NoReport")),
        ([], ("Unknown", "NoReport")),
    ],
)
def test_a_market_says_whether_anything_of_it_is_suspended(documents: list[Any], expected: tuple[str, str]) -> None:
    assert suspended(seen(*documents)) == expected


def test_a_halt_in_the_spec_is_told_whatever_the_book_says() -> None:
    halted = [*WHOLE[:-1], market("m", suspended=True)]
    for documents in ([], [node(0, 1, 2, 3, classes=counts(Open=3))]):
        assert suspended(seen(*documents, manifests=halted)) == ("True", "Manual")


def test_every_reason_is_of_the_one_vocabulary() -> None:
    own = {"NoHold", "NoMarkets", "NoReport", "Invalid", "Witnessing"}
    for reason in HoldReason:
        hold = {"cause": "c", "reason": reason.value, "markets": 1}
        assert suspended(seen(node(0, 1, 2, 3, classes=counts(hold, Suspended=1)))) == ("True", reason.value)
    assert not own & {reason.value for reason in HoldReason}


def test_many_causes_make_a_message_of_bounded_length() -> None:
    holds = [{"cause": f"policy/strict/t{n:02}", "reason": "PriceMove", "markets": 50 - n} for n in range(40)]
    message = condition(status(seen(node(0, 1, 2, 3, classes=counts(*holds, Suspended=50)))), "Suspended")["message"]
    assert message.count("PriceMove") == 5
    assert message.endswith("and 35 more causes")


# No to and fro


def test_the_reason_stays_while_it_still_holds_half_as_many_as_another() -> None:
    first = seen(node(0, 1, 2, 3, classes=counts(LATE, HALT, Open=20, Suspended=12)))
    told = status(first)
    for manual, reason in ((9, "FeedDelay"), (16, "FeedDelay"), (17, "Manual")):
        later = replace(
            first, health=health(node(0, 1, 2, 3, classes=counts(LATE, HALT | {"markets": manual}, Suspended=25)))
        )
        assert suspended(after(later, told)) == ("True", reason)


def test_a_class_stays_suspended_for_a_while_so_that_every_goal_is_not_two_transitions() -> None:
    told = status(seen(node(0, 1, 2, 3, classes=counts(LATE, Open=20, Suspended=8))))
    quiet = seen(node(0, 1, 2, 3, classes=counts(Open=28)))
    assert suspended(after(quiet, told, wait_us=SETTLES_US - 1_000_000)) == ("True", "FeedDelay")
    assert suspended(after(quiet, told, wait_us=SETTLES_US)) == ("False", "NoHold")
    assert suspended(after(quiet, told, wait_us=-3_600_000_000)) == ("False", "NoHold"), "a clock that was set back"


def test_20_ages_that_waver_and_words_that_count_are_no_reason_to_write_at_once() -> None:
    first = seen(node(0, 1, 2, 3, classes=counts(LATE, Open=20, Suspended=8)))
    told = status(first)
    assert not any_change(told, status(after(first, told)))
    aged = counts(LATE, Open=20, Suspended=8)
    aged["m"]["oldestPriceMs"] = 210
    assert not any_change(told, status(after(replace(first, health=health(node(0, 1, 2, 3, classes=aged))), told)))
    more = replace(first, health=health(node(0, 1, 2, 3, classes=counts(LATE | {"markets": 9}, Open=19, Suspended=9))))
    again = status(after(more, told))
    assert any_change(told, again)
    assert not significant_change(told, again), "figures wait for their time"
    worse = counts(LATE | {"detail": "one is very late"}, Open=20, Suspended=8)
    reworded = status(after(replace(first, health=health(node(0, 1, 2, 3, classes=worse))), told))
    assert any_change(told, reworded)
    assert not significant_change(told, reworded)
    over = status(
        after(replace(first, health=health(node(0, 1, 2, 3, classes=counts(Open=28)))), told, wait_us=SETTLES_US)
    )
    assert significant_change(told, over)


def test_20_an_operator_that_has_only_begun_to_listen_takes_nothing_back() -> None:
    told = status(seen(node(0, 1, 2, 3, classes=counts(LATE, Open=20, Suspended=8))))
    begun = after(replace(seen(), health=Health(starting=True)), told)
    assert not any_change(told, status(begun))
    silent = replace(begun, health=Health(fault="no broker"))
    assert suspended(silent) == ("Unknown", "NoReport")
    assert "instances" not in status(silent)


# Events


def test_47_the_end_of_a_suspension_is_news_and_that_nothing_was_suspended_is_not() -> None:
    calm = status(seen(node(0, 1, 2, 3, classes=counts(Open=28))))
    shut = status(seen(node(0, 1, 2, 3, classes=counts(LATE, Open=20, Suspended=8))))

    def told(before: dict[str, Any], now: dict[str, Any]) -> list[tuple[str, str]]:
        return [(each["status"], each["reason"]) for each in transitions(before, now) if each["type"] == "Suspended"]

    assert told({}, calm) == []
    assert told(calm, shut) == [("True", "FeedDelay")]
    assert told(shut, calm) == [("False", "NoHold")]
    empty = status(seen(node(0, 1, 2, 3, classes={})))
    assert told(empty, calm) == []


def test_47_suspensions_of_one_reason_are_one_event_whatever_they_count() -> None:
    target = seen().target
    said = {"type": "Suspended", "status": "True", "reason": "FeedDelay", "message": "12 of 40 markets"}
    names = [
        event(target, {**said, **change}, at="", identity="")["metadata"]["name"]
        for change in ({}, {"message": "13 of 40 markets"}, {"reason": "Manual"}, {"status": "False"})
    ]
    assert names[0] == names[1]
    assert len(set(names)) == 3


# Sums over nodes

COUNTS = st.dictionaries(st.sampled_from(["Open", "Suspended", "Settled"]), st.integers(0, 50), max_size=3)
CAUSES = st.lists(
    st.tuples(st.sampled_from(["policy/strict/late", "manual/all", "freshness"]), st.integers(1, 9)),
    max_size=3,
    unique_by=lambda entry: entry[0],
)


@given(st.lists(st.tuples(COUNTS, CAUSES), max_size=4))
def test_a_class_is_the_sum_of_what_the_leading_nodes_counted(
    words: list[tuple[dict[str, int], list[tuple[str, int]]]],
) -> None:
    documents = []
    for shard, (markets, causes) in enumerate(words):
        holds = [{"cause": cause, "reason": "Manual", "markets": count} for cause, count in causes]
        triggers = {cause.rpartition("/")[2]: count for cause, count in causes if cause.startswith("policy")}
        documents.append(
            node(
                shard,
                classes=counts(*holds, **markets),
                policies={"strict": {"holds": triggers, "lastHour": {"FeedDelay": 2}}},
            )
        )
    standby = node(classes=counts(Open=1000), policies={"strict": {"holds": {"late": 1000}}})
    found = health(*documents, standby)
    total = class_sum(found, "m")
    expected: Counter[str] = Counter()
    held: Counter[str] = Counter()
    for markets, causes in words:
        expected.update(markets)
        held.update(dict(causes))
    assert {state: count for state, count in total.markets.items() if count} == {s: n for s, n in expected.items() if n}
    assert {hold.cause: hold.markets for hold in total.holds} == dict(held)
    assert [hold.markets for hold in total.holds] == sorted((hold.markets for hold in total.holds), reverse=True)
    assert policy_sum(found, "strict").holds == held["policy/strict/late"]
    assert policy_sum(found, "strict").last_hour == ({"FeedDelay": 2 * len(words)} if words else {})


def test_a_shard_that_changed_hands_is_counted_once() -> None:
    old = node(0, 1, epoch=3, classes=counts(Open=10))
    new = node(0, 1, epoch=4, classes=counts(LATE, Open=2, Suspended=8))
    found = health(old, new)
    assert leaders(found) == {0: ("b1", 4), 1: ("b1", 4)}
    assert counting(found) == [new]
    assert class_sum(found, "m").markets == {"Open": 2, "Suspended": 8}


def test_a_node_of_an_older_version_says_nothing_of_classes_and_harms_nothing() -> None:
    words: list[dict[str, Any]] = [{}, {"classes": [1], "policies": {"strict": 7}}]
    for strange in words:
        assert suspended(seen(node(0, 1, 2, 3, **strange))) == ("Unknown", "NoReport")
    assert suspended(seen(node(0, 1, 2, 3, classes={"m": 7}, policies=[]))) == ("False", "NoMarkets")


def test_a_policy_counts_its_holds_now_and_what_it_suspended_in_the_last_hour() -> None:
    said = {"strict": {"holds": {"late": 8, "jump": 1}, "lastHour": {"FeedDelay": 9, "PriceMove": 2}}}
    found = status(seen(node(0, 1, 2, 3, classes={}, policies=said), kind="SuspensionPolicy", name="strict"))
    assert (found["holds"], found["markets"]) == (9, 1)
    assert found["suspensionsLastHour"] == [{"type": "FeedDelay", "count": 9}, {"type": "PriceMove", "count": 2}]
    assert status(seen(kind="SuspensionPolicy", name="strict")).get("holds") is None


def test_the_region_that_this_cluster_is_tells_how_many_shards_it_leads() -> None:
    spec = {"role": "Active", "endpoints": {"nats": "nats://a:7222", "gateway": "wss://a"}}
    manifests = [engine(region="here"), resource("Region", "here", spec), resource("Region", "there", spec)]
    here = status(seen(node(0, 2), manifests=manifests, kind="Region", name="here"))
    assert (here["reachable"], here["shardsLed"]) == (True, 2)
    assert "shardsLed" not in status(seen(node(0, 2), manifests=manifests, kind="Region", name="there"))


def test_an_entity_map_lists_what_its_providers_asked_for_in_vain() -> None:
    spec = {"sport": "Football"}
    manifests = [
        engine(), provider("one", entityMapRefs=[{"name": "football"}]), provider("two", entityMapRefs=[{"name": "other"}]),
        resource("EntityMap", "football", spec), resource("EntityMap", "other", {"sport": "*"}),
    ]  # fmt: skip
    words = [
        {"sport": "Football", "what": "team", "name": "Man Utd", "markets": 2},
        {"sport": "Football", "what": "league", "name": "Nowhere", "markets": 5},
        {"sport": "Tennis", "what": "league", "name": "Elsewhere", "markets": 9},
        {"sport": "", "what": "sport", "name": "Chess", "markets": 1},
    ]
    documents = {"ingest.one": {"unmatched": words}, "ingest.two": {"unmatched": words}}
    world, heard = world_of(manifests), Health(connected=True, documents=documents)
    football = status(observe(world, "EntityMap", "football", health=heard))
    assert football["unmatched"] == ["league Nowhere", "team Man Utd"]
    assert status(observe(world, "EntityMap", "other", health=heard))["unmatched"] == ["sport Chess"]


# What a component's word concerns

ENGINE = Key("OddsEngine", "bets", "main")


def delays(before: Any, now: Any, *, world: World | None = None, entry: str = "book.b0") -> dict[str, int]:
    found = concerned(world or world_of(WHOLE), ENGINE, entry, before, now)
    return {f"{key.kind}.{key.name}": delay for key, delay in found.items()}


def test_a_suspension_is_looked_at_soon_and_what_only_ages_when_figures_are() -> None:
    open_, aged = counts(Open=3), counts(Open=3)
    aged["m"]["oldestPriceMs"] = 250
    shut = counts(HALT, Suspended=3)
    quiet = {"OddsEngine.main": HEARD_US, "Market.m": FIGURES_US}
    assert delays({"classes": open_}, {"classes": aged}) == quiet
    assert delays({"classes": open_}, {"classes": shut})["Market.m"] == SOON_US
    assert delays({"classes": open_}, {})["Market.m"] == SOON_US, "the document is gone"
    assert delays({}, {"classes": open_})["Market.m"] == SOON_US
    assert delays({}, {"classes": {"unknown": {}}}) == {"OddsEngine.main": HEARD_US}
    both = {"OddsEngine.main": HEARD_US, "Market.m": FIGURES_US, "SuspensionPolicy.strict": FIGURES_US}
    assert delays({"leads": [0], "classes": {}}, {}) == both, "whether anybody counts them has changed"
    held = {"strict": {"holds": {"late": 1}, "lastHour": {}}}
    assert delays({}, {"policies": held})["SuspensionPolicy.strict"] == SOON_US


def test_an_ingest_concerns_its_provider_and_its_maps_where_names_are_missing() -> None:
    world = world_of(
        [
            engine(),
            provider("one", entityMapRefs=[{"name": "football"}]),
            resource("EntityMap", "football", {"sport": "Football"}),
        ]
    )
    both = {"OddsEngine.main": HEARD_US, "FeedProvider.one": HEARD_US}
    assert delays({"unmatched": []}, {"unmatched": []}, world=world, entry="ingest.one") == both
    missing = {"unmatched": [{"sport": "Football", "what": "team", "name": "x", "markets": 1}]}
    assert delays({"unmatched": []}, missing, world=world, entry="ingest.one") == both | {
        "EntityMap.football": HEARD_US
    }


def test_an_idle_nodes_words_enqueue_no_object_before_its_figures_are_due() -> None:
    said = node(0, 1, classes=counts(Open=3), policies={"strict": {"holds": {}, "lastHour": {}}})
    assert set(delays(said, said).values()) == {HEARD_US, FIGURES_US}
    assert delays(said, said)["OddsEngine.main"] == HEARD_US
