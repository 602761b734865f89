"""What is refused, for which reason, in which order, and what flows beside it."""

from typing import Any

import msgspec
import pytest

from support.native_markets import entities, native, prices, update
from touchline.feeds.interface import NativeMarket, NativePrice, NativeRunner, NativeUpdate
from touchline.ingest.refusals import QuarantineReason as Reason
from touchline.ingest.validation import Verdict, examine


def judge(market: NativeMarket, *, before: NativeMarket | None = None, **changes: object) -> Verdict:
    return examine(entities(), "alpha", update(market, **changes), before, {})


def reasons(verdict: Verdict) -> list[Reason]:
    return [refusal.reason for refusal in verdict.refusals]


def test_a_good_definition_is_translated() -> None:
    verdict = judge(native())
    assert not verdict.refusals
    assert verdict.translation is not None
    assert {runner: meaning.selection for runner, meaning in verdict.translation.runners.items()} == {
        "11": "home",
        "12": "away",
        "13": "draw",
    }


BROKEN: list[tuple[str, dict[str, Any], Reason]] = [
    ("event", {"event_id": ""}, Reason.UNKNOWN_EVENT),
    ("sport", {"sport_id": "77", "sport_name": "Quidditch"}, Reason.UNKNOWN_SPORT),
    ("league", {"league_name": "Nowhere League"}, Reason.UNKNOWN_LEAGUE),
    ("team", {"home": "Nobody FC"}, Reason.UNKNOWN_TEAM),
    ("market type", {"type": "WHO_KNOWS", "type_id": "WHO_KNOWS"}, Reason.UNKNOWN_MARKET_TYPE),
    ("metadata", {"start_us": 0}, Reason.BAD_METADATA),
    ("types", {"bet_delay_ms": -1}, Reason.BAD_TYPE),
    ("integrity", {"version": 1}, Reason.INTEGRITY),
]


@pytest.mark.parametrize(("what", "changes", "reason"), BROKEN, ids=[row[0] for row in BROKEN])
def test_one_thing_wrong_is_refused_for_its_own_reason(what: str, changes: dict[str, object], reason: Reason) -> None:
    before = native(version=5) if what == "integrity" else None
    verdict = judge(native(**changes), before=before, image=False)
    assert reasons(verdict) == [reason]
    assert verdict.translation is None


@pytest.mark.parametrize("first", range(len(BROKEN) - 1))
def test_of_two_things_wrong_the_earlier_in_the_order_is_named_first(first: int) -> None:
    for later in range(first + 1, len(BROKEN)):
        what, changes, reason = BROKEN[first]
        verdict = judge(native(**(BROKEN[later][1] | changes)), before=native(version=5), image=False)
        assert reasons(verdict)[0] == reason, (what, BROKEN[later][0])


def test_a_bad_runner_does_not_hold_the_others() -> None:
    runners = (*native().runners, NativeRunner("14", "Nobody", order=9))
    verdict = judge(native(runners=runners))
    assert not verdict.refusals
    assert verdict.translation is not None
    assert [(refusal.reason, refusal.runner) for refusal in verdict.translation.refusals] == [
        (Reason.UNKNOWN_SELECTION, "14")
    ]
    assert set(verdict.translation.runners) == {"11", "12", "13"}


def test_a_runner_defined_twice_is_a_duplicate() -> None:
    runners = (*native().runners, NativeRunner("11", "Man Utd", order=1))
    translation = judge(native(runners=runners)).translation
    assert translation is not None
    assert [refusal.reason for refusal in translation.refusals] == [Reason.DUPLICATE]


def test_two_runners_of_one_selection_are_refused_but_for_the_first() -> None:
    runners = (*native().runners, NativeRunner("19", "man utd", order=9))
    translation = judge(native(runners=runners)).translation
    assert translation is not None
    assert [(refusal.reason, refusal.runner) for refusal in translation.refusals] == [(Reason.DUPLICATE, "19")]


@pytest.mark.parametrize("micro", [-1, 1, 999_999, 1_000_000, 1_000_001_000_001])
def test_a_price_that_is_none_makes_its_selection_unavailable(micro: int) -> None:
    verdict = judge(native(), prices=prices(r11=micro, r12=2_000_000))
    assert [(refusal.reason, refusal.runner) for refusal in verdict.odds] == [(Reason.BAD_ODDS, "11")]
    assert list(verdict.prices) == [NativePrice("11", 0), NativePrice("12", 2_000_000)]


def test_a_price_of_an_undefined_runner_is_refused_and_the_rest_flows() -> None:
    verdict = judge(native(), prices=prices(r99=2_000_000, r12=3_000_000))
    assert [refusal.reason for refusal in verdict.odds] == [Reason.UNKNOWN_SELECTION]
    assert list(verdict.prices) == [NativePrice("12", 3_000_000)]


@pytest.mark.parametrize("publish_us", [0, 1_700_000_000, 1_700_000_000_000, 9_999_999_999_999_999])
def test_a_publish_time_in_another_unit_is_refused(publish_us: int) -> None:
    assert reasons(judge(native(), publish_us=publish_us)) == [Reason.BAD_TIMESTAMP]


@pytest.mark.parametrize("flag", ["image", "rollback"])
def test_an_older_version_is_accepted_where_the_provider_starts_over(flag: str) -> None:
    changed = msgspec.structs.replace(update(native(version=1), image=False), **{flag: True})
    assert isinstance(changed, NativeUpdate)
    assert not examine(entities(), "alpha", changed, native(version=5), {}).refusals


def test_an_unmapped_but_sound_definition_is_worth_keeping() -> None:
    assert judge(native(league_name="Nowhere League")).sound
    assert not judge(native(league_name="Nowhere League", bet_delay_ms=-1)).sound


def test_a_market_without_runners_has_no_structure() -> None:
    assert reasons(judge(native(runners=()), prices=())) == [Reason.MARKET_STRUCTURE]


def test_an_unknown_result_is_refused() -> None:
    assert reasons(judge(native(runners=(NativeRunner("11", "Man Utd", result="Perhaps"),)))) == [Reason.BAD_TYPE]
