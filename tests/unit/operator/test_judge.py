"""What is found wrong with objects among the others, and what their conditions say of it."""

from dataclasses import replace
from typing import Any

import pytest

from support.observed_world import engine, market, observe, policy, provider, resource, stored, world_of
from touchline_operator.check.findings import Judgement
from touchline_operator.check.judge import judge
from touchline_operator.status.outcome import Outcome
from touchline_operator.status.write import status_of
from touchline_operator.world.observed import Health, Observed

WHOLE = [engine(), policy(), provider("one"), provider("two"), market("m")]
BETFAIR = {"betfair": ("appKey", "sessionToken")}


def conditions(observed: Observed, outcome: Outcome | None = None) -> dict[str, tuple[str, str]]:
    status = status_of(observed, judge(observed), outcome or Outcome(told=True))
    return {each["type"]: (each["status"], each["reason"]) for each in status["conditions"]}


def reasons(findings: tuple[Any, ...]) -> list[str]:
    return [finding.reason for finding in findings]


def test_a_market_with_everything_it_needs_is_ready() -> None:
    found = conditions(observe(world_of(WHOLE), "Market", "m"))
    assert found == {
        "Conflicted": ("False", "NoConflict"),
        "FreshnessAttainable": ("True", "Attainable"),
        "Paused": ("False", "NotPaused"),
        "Ready": ("True", "Live"),
        "Redundant": ("True", "DifferentUpstreams"),
        "ReferencesResolved": ("True", "Resolved"),
        "Suspended": ("Unknown", "NoReport"),
    }


@pytest.mark.parametrize(
    ("missing", "reason", "path"),
    [("SuspensionPolicy", "SuspensionPolicyNotFound", "spec.suspensionPolicyRef.name"),
     ("FeedProvider", "FeedProviderNotFound", "spec.feeds.providers[0].name")],
)  # fmt: skip
def test_14_a_missing_target_is_a_condition_with_the_fields_path(missing: str, reason: str, path: str) -> None:
    observed = observe(world_of(each for each in WHOLE if each["kind"] != missing), "Market", "m")
    judgement = judge(observed)
    assert reason in reasons(judgement.unresolved)
    assert judgement.unresolved[0].message.startswith(path)
    assert conditions(observed)["Ready"] == ("False", reason)


def test_14_a_mistyped_name_is_told_what_it_may_mean() -> None:
    world = world_of([*WHOLE, market("typo", policy="strcit")])
    assert 'did you mean "strict"?' in judge(observe(world, "Market", "typo")).unresolved[0].message


@pytest.mark.parametrize(
    ("secrets", "reason"),
    [({"betfair": None}, "SecretNotFound"), ({"betfair": ("appKey",)}, "SecretKeyMissing")],
)
def test_14_a_secret_without_the_protocols_keys_is_a_condition(secrets: Any, reason: str) -> None:
    observed = observe(world_of(WHOLE), "FeedProvider", "one", secrets=secrets)
    assert reasons(judge(observed).unresolved) == [reason]
    assert conditions(observed)["Ready"] == ("False", reason)


def test_30_a_secret_that_may_not_be_read_is_unknown_and_no_failure() -> None:
    observed = observe(world_of(WHOLE), "FeedProvider", "one", unreadable=("the Secret 'betfair'",))
    assert conditions(observed)["ReferencesResolved"] == ("Unknown", "NotPermitted")


def test_14_a_secret_to_pull_the_image_with_must_be_there() -> None:
    world = world_of([engine(imagePullSecrets=[{"name": "registry"}, {"name": "mirror"}]), *WHOLE[1:]])
    present = {"registry": (".dockerconfigjson",), "mirror": None}
    (finding,) = judge(observe(world, "OddsEngine", "main", secrets=present)).unresolved
    assert finding.reason == "SecretNotFound"
    assert finding.message.startswith('spec.imagePullSecrets[1].name: no Secret is named "mirror"')


def test_equally_specific_classes_both_say_so_and_a_third_is_not_touched() -> None:
    world = world_of([*WHOLE, market("twin"), market("narrow", selector={"sports": ["Tennis"]})])
    for name in ("m", "twin"):
        found = conditions(observe(world, "Market", name))
        assert found["Conflicted"] == ("True", "EquallySpecific")
        assert found["Ready"] == ("False", "EquallySpecific")
    assert conditions(observe(world, "Market", "narrow"))["Ready"] == ("True", "Live")


def test_an_age_that_can_never_be_proved_is_told_and_the_class_still_runs() -> None:
    world = world_of([*WHOLE[:-1], market("m", freshness={"maxAge": "100ms"})])
    found = conditions(observe(world, "Market", "m"))
    assert found["FreshnessAttainable"] == ("False", "MaxAgeTooShort")
    assert found["Ready"] == ("True", "Live")


@pytest.mark.parametrize(
    ("providers", "expected"),
    [
        ([provider("one", upstream="Opta"), provider("two", upstream="opta")], ("False", "SharedUpstream")),
        ([provider("one"), provider("two")], ("True", "DifferentUpstreams")),
        ([provider("one")], ("False", "OneProvider")),
    ],
)
def test_two_providers_with_one_upstream_are_not_redundant(providers: list[Any], expected: tuple[str, str]) -> None:
    found = conditions(observe(world_of([engine(), policy(), *providers, market("m")]), "Market", "m"))
    assert found["Redundant"] == expected


def test_a_second_engine_is_conflicted_and_the_first_is_not() -> None:
    world = world_of(WHOLE)
    second = stored(engine(), 50, creationTimestamp="2026-11-25T01:30:00Z")
    second["metadata"] |= {"name": "second", "uid": "uid-second"}
    world.put_custom(second)
    assert conditions(observe(world, "OddsEngine", "second"))["Conflicted"] == ("True", "SecondEngine")
    assert conditions(observe(world, "OddsEngine", "main"))["Conflicted"] == ("False", "NoConflict")


def test_27_an_object_that_cannot_be_read_says_why_and_others_are_ready() -> None:
    bad = resource("Market", "bad", {"feeds": {"providers": []}, "suspensionPolicyRef": {"name": "strict"}})
    world = world_of([*WHOLE, bad])
    observed = observe(world, "Market", "bad")
    status = status_of(observed, judge(observed), Outcome())
    ready = next(each for each in status["conditions"] if each["type"] == "Ready")
    assert (ready["status"], ready["reason"]) == ("False", "Invalid")
    assert "spec.feeds.providers" in ready["message"]
    assert conditions(observe(world, "Market", "m"))["Ready"] == ("True", "Live")


def test_an_entity_maps_table_is_read_and_its_mistake_told() -> None:
    spec = {"sport": "Football", "source": {"configMapRef": {"name": "teams", "key": "teams.csv"}}}
    world = world_of([engine(), resource("EntityMap", "football", spec)])

    def reason(tables: Any) -> list[str]:
        return reasons(judge(observe(world, "EntityMap", "football", config_maps=tables)).unresolved)

    assert reason({"teams": None}) == ["ConfigMapNotFound"]
    assert reason({"teams": {"other": ""}}) == ["ConfigMapKeyMissing"]
    assert reason({"teams": {"teams.csv": "kind,id,name\nplanet,mars,Mars\n"}}) == ["TableInvalid"]
    assert reason({"teams": {"teams.csv": "kind,id,name\nteam,ajax,Ajax\n"}}) == []


def test_5_ready_is_unknown_until_the_data_plane_was_told() -> None:
    assert conditions(observe(world_of(WHOLE), "Market", "m"), Outcome(told=None))["Ready"] == ("Unknown", "BrokerAway")


def test_what_was_told_stays_ready_while_the_broker_is_away_but_a_newer_spec_does_not() -> None:
    world = world_of(WHOLE)
    observed = observe(world, "Market", "m")
    status = status_of(observed, judge(observed), Outcome(told=True))
    for generation, expected in ((1, ("True", "Live")), (2, ("Unknown", "BrokerAway"))):
        world.put_custom(stored(market("m"), 100 + generation, generation=generation) | {"status": status})
        assert conditions(observe(world, "Market", "m"), Outcome(told=None))["Ready"] == expected


def test_6_a_transition_time_moves_only_with_the_status() -> None:
    world = world_of(WHOLE)
    first = status_of(observe(world, "Market", "m"), Judgement(), Outcome(told=True))
    world.put_custom(stored(market("m"), 101) | {"status": first})
    later = replace(observe(world, "Market", "m"), now=1_795_999_999_000_000)
    again = status_of(later, Judgement(), Outcome(told=True))
    assert again == first
    flipped = status_of(later, judge(replace(later, world=world_of([engine(), market("m")]))), Outcome(told=True))
    moved = {each["type"]: each["lastTransitionTime"] for each in flipped["conditions"]}
    assert moved["Ready"] != moved["Paused"]


def test_4_every_condition_has_all_its_fields() -> None:
    for kind, name in (
        ("Market", "m"),
        ("OddsEngine", "main"),
        ("FeedProvider", "one"),
        ("SuspensionPolicy", "strict"),
    ):
        observed = observe(world_of(WHOLE), kind, name)
        for each in status_of(observed, judge(observed), Outcome())["conditions"]:
            assert set(each) == {"type", "status", "reason", "message", "lastTransitionTime", "observedGeneration"}
            assert each["reason"][:1].isupper()
            assert each["reason"].isalnum()


def test_a_drill_is_checked_and_says_that_nobody_runs_it() -> None:
    spec = {"regionRef": {"name": "us-east"}, "scenario": "RegionLoss"}
    world = world_of([engine(), resource("FailoverDrill", "monthly", spec)])
    found = conditions(observe(world, "FailoverDrill", "monthly"))
    assert found["Ready"] == ("False", "RegionNotFound")
    assert found["Executed"] == ("False", "NotRunByThisRelease")


def _workload(kind: str, name: str, **status: int) -> Any:
    from touchline_operator.world.keys import Key

    key = Key(kind, "bets", name)
    raw = {
        "metadata": {"name": name, "generation": 1},
        "spec": {"replicas": 1},
        "status": {"observedGeneration": 1, **status},
    }
    return key, raw


def test_an_engine_is_ready_when_its_pods_are_and_every_shard_is_led() -> None:
    key, raw = _workload("StatefulSet", "main-book", readyReplicas=1, updatedReplicas=1)
    leading = {
        str(shard): {
            "leading": True,
            "epoch": 3,
            "caughtUp": True,
            "events": 1,
            "markets": {"Open": 2},
            "desk": {"durability": "Fsync"},
        }
        for shard in range(4)
    }
    said: dict[str, Any] = {
        "book.main-book-0": {"shards": leading, "version": "0.2"},
        "book.main-book-1": {"shards": {}, "version": "0.1"},
        "gateway.main-gateway-x": {"ready": True, "connections": 12, "version": "0.1"},
    }
    health = Health(connected=True, documents=said)
    observed = observe(world_of(WHOLE), "OddsEngine", "main", children={key: raw}, health=health)
    outcome = Outcome(planned=(key,))
    assert conditions(observed, outcome)["Ready"] == ("True", "Serving")
    status = status_of(observed, judge(observed), outcome)
    assert status["shardLeaders"][3] == {"shard": 3, "leader": "main-book-0", "epoch": 3}
    assert (status["connections"], status["gateways"], status["markets"], status["durability"]) == (12, 1, 8, "Fsync")
    assert status["events"] == 4
    assert status["versions"] == [
        {"component": "book", "version": "0.1, 0.2", "ready": 1},
        {"component": "gateway", "version": "0.1", "ready": 1},
    ]

    del leading["2"]
    assert conditions(observed, outcome)["Ready"] == ("False", "ShardsWithoutLeader")
    pending, raw = _workload("StatefulSet", "main-book", updatedReplicas=1)
    waiting = replace(observed, children={pending: raw})
    assert conditions(waiting, outcome)["Progressing"] == ("True", "PodsNotReady")


def test_a_provider_tells_what_its_ingest_measures() -> None:
    key, raw = _workload("Deployment", "one-ingest", readyReplicas=1, updatedReplicas=1)
    said: dict[str, Any] = {"state": "Connected", "connected": True, "endpoint": "feed:443", "health": {
        "messagesPerSecond": 1234, "delayP99Us": 123_456, "lossPpm": 5_000, "breaches": []}}  # fmt: skip
    health = Health(connected=True, documents={"ingest.one": said})
    observed = observe(world_of(WHOLE), "FeedProvider", "one", secrets=BETFAIR, children={key: raw}, health=health)
    found = conditions(observed, Outcome(planned=(key,)))
    assert (found["Ready"], found["Connected"]) == (("True", "Receiving"), ("True", "Connected"))
    status = status_of(observed, judge(observed), Outcome(planned=(key,)))
    assert (status["messagesPerSecond"], status["delayP99"], status["lossPercent"]) == (1200, "120ms", "0.50")
    said["health"] |= {"messagesPerSecond": 1300, "delayP99Us": 140_000}
    told = stored(provider("one"), 100) | {"status": status}
    observed.world.put_custom(told)
    again = observe(observed.world, "FeedProvider", "one", secrets=BETFAIR, children={key: raw}, health=health)
    figures = status_of(again, judge(again), Outcome(planned=(key,)))
    assert (figures["messagesPerSecond"], figures["delayP99"]) == (1200, "120ms"), (
        "what wavers by less than a quarter stays"
    )
    said |= {"state": "Delayed", "detail": "late by 2 s"}
    assert conditions(observed, Outcome(planned=(key,)))["Ready"] == ("False", "Delayed")
