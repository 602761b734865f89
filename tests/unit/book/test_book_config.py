"""Reading resources and traders' orders into the book's flat configuration."""

from typing import Any

from support.book_scene import MS, SECOND, config, market_class, policy, provider
from touchline.book.config import HaltConfig, TriggerConfig
from touchline.book.config_reading import config_of_bucket
from touchline.domain.reasons import HoldReason


def wire(resource: Any) -> dict[str, Any]:
    found: dict[str, Any] = resource.to_wire()
    return found


def test_times_become_microseconds_and_percentages_parts_per_million() -> None:
    rules = policy(
        {"name": "late", "type": "FeedDelay", "feedDelay": {"threshold": "500ms"}, "scope": "Provider"},
        {
            "name": "swing",
            "type": "PriceMove",
            "priceMove": {"metric": "DecimalPrice", "percent": "12.5", "within": "2s"},
            "action": "SuspendAndReview",
            "coolDown": "1m",
        },
        {"name": "goal", "type": "EventStatus", "eventStatus": {"incidents": ["Goal"]}, "scope": "Event"},
        {"name": "differ", "type": "ProviderDisagreement", "providerDisagreement": {"percent": "8", "for": "3s"}},
        coolDown="5s",
        checks=["FreshPrice", "Overround"],
        overroundPercent={"min": "100", "max": "140"},
    )
    found = config(market_class(betting={"delay": "5s"}), rules).classes["all"]
    assert (found.max_age_us, found.switch_after_us, found.fail_back_after_us) == (500 * MS, 2 * SECOND, 60 * SECOND)
    assert (found.delay_us, found.suspended) == (5 * SECOND, False)
    assert found.policy is not None
    assert found.policy.checks == ("FreshPrice", "Overround")
    assert (found.policy.overround_min_ppm, found.policy.overround_max_ppm) == (1_000_000, 1_400_000)
    late, swing, goal, differ = found.policy.triggers
    assert late == TriggerConfig(
        "late", HoldReason.FEED_DELAY, "policy/policy/late", "Provider", threshold_us=500 * MS, cool_down_us=5 * SECOND
    )
    assert (swing.metric, swing.percent_ppm, swing.within_us) == ("DecimalPrice", 125_000, 2 * SECOND)
    assert (swing.review, swing.cool_down_us) == (True, 60 * SECOND)
    assert goal.incidents == ("Goal",)
    assert (differ.percent_ppm, differ.within_us) == (80_000, 3 * SECOND)


def test_providers_are_ordered_by_priority_then_name() -> None:
    feeds = {"model": "ActiveActive", "providers": [{"name": "z"}, {"name": "b", "priority": 2}, {"name": "c"}]}
    assert [choice.name for choice in config(market_class(feeds=feeds)).classes["all"].providers] == ["c", "z", "b"]


def test_the_bucket_is_read_whole_whatever_its_order() -> None:
    content = {
        "Market.all": wire(market_class()),
        "FeedProvider.a": wire(provider("a", maxSilence="9s")),
        "SuspensionPolicy.policy": wire(policy()),
        "EntityMap.football": {"anything": 1},
        "Halt.market.6531": {"scope": "market", "id": "e1", "by": "kim", "note": "n", "at": 5},
        "Resume.event.6531": {"scope": "event", "id": "e1", "at": 6},
    }
    found = config_of_bucket(content)
    again = config_of_bucket(dict(reversed(content.items())))
    assert found.classes == again.classes
    assert found.classes["all"].policy is not None
    assert found.providers["a"].max_silence_us == 9 * SECOND
    assert found.halts == again.halts == (HaltConfig("market", "e1", "kim", "n", 5),)
    assert found.resumes == (HaltConfig("event", "e1", at=6),)
    assert found.faults == ()


def test_what_cannot_be_read_is_told_and_errs_on_the_side_of_holding() -> None:
    bad = wire(market_class())
    bad["spec"]["freshness"] = {"maxAge": "soon"}
    found = config_of_bucket({"Market.all": bad, "Halt.market.00": {"id": 5}, "Resume.all.": {"scope": 1}})
    assert found.classes == {}
    assert found.halts == (HaltConfig("all", note="Halt.market.00 cannot be read"),)
    assert found.resumes == ()
    assert [fault.split(":")[0] for fault in found.faults] == ["Halt.market.00", "Market.all", "Resume.all."]


def test_a_class_whose_policy_is_missing_has_none() -> None:
    assert config(policy(name="other")).classes["all"].policy is None
