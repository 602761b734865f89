"""Freshness is proof, not the time since the last change (FEEDS, "naive", 1)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.book_scene import MS, SECOND, M, Scene, config, market_class, opened, policy, provider
from touchline.book.config import ProviderConfig
from touchline.book.freshness import proof
from touchline.book.link import NEVER
from touchline.domain.status import MarketStatus, ProviderState

LIMITS = ProviderConfig("a", max_silence_us=3 * SECOND, max_delay_us=500 * MS)


def judge(now: int, **facts: object) -> tuple[bool, int, str]:
    given_facts = {
        "echo": 0,
        "state": ProviderState.CONNECTED,
        "silence_us": 0,
        "delay_us": -1,
        "max_age_us": 500 * MS,
        "provider": LIMITS,
    }
    return proof(now, **{**given_facts, **facts})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("now", "facts", "fresh"),
    [
        (500 * MS, {}, True),
        (500 * MS + 1, {}, False),
        (0, {"silence_us": 3 * SECOND}, True),
        (1, {"silence_us": 3 * SECOND}, False),
        (400 * MS, {"silence_us": 2_600 * MS}, True),
        (400 * MS, {"silence_us": 2_600 * MS + 1}, False),
        (0, {"delay_us": 500 * MS}, True),
        (0, {"delay_us": 500 * MS + 1}, False),
        (0, {"delay_us": -1}, True),
        (0, {"state": ProviderState.RECOVERING}, False),
        (0, {"state": ProviderState.UNRELIABLE}, False),
        (0, {"state": ProviderState.DISCONNECTED}, False),
        (0, {"echo": -1}, False),
        (0, {"provider": None}, False),
    ],
)
def test_each_bound_may_be_reached_and_not_passed(now: int, facts: dict[str, object], fresh: bool) -> None:
    found, _, why = judge(now, **facts)
    assert found is fresh
    assert (why == "") is fresh


def test_without_an_echo_of_our_clock_the_age_is_unbounded() -> None:
    assert judge(5, echo=-1)[1] == NEVER


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 4 * SECOND), st.integers(0, 10**6))
def test_a_proof_only_ever_expires_with_time(echo: int, later: int, silence: int, step: int) -> None:
    now = echo + later
    if not judge(now, echo=echo, silence_us=silence)[0]:
        assert not judge(now + step, echo=echo, silence_us=silence)[0]


def test_a_quiet_market_stays_open_for_hours_while_beats_come() -> None:
    scene = opened()
    frames = scene.pass_time(3_600 * SECOND, "a")
    assert frames == []
    assert scene.quote().fresh


def test_a_market_is_held_at_the_first_tick_after_its_proof_is_too_old() -> None:
    scene = opened()
    scene.pass_time(500 * MS)
    assert scene.status() is MarketStatus.OPEN
    scene.now += 1
    scene.tick()
    assert scene.reasons() == ["StalePrice"]
    assert "500 ms old, allowed are 500 ms" in scene.quote().holds[0].detail
    scene.beat("a")
    assert scene.status() is MarketStatus.OPEN


def test_a_quote_judges_freshness_at_the_moment_of_asking_whatever_the_last_tick_said() -> None:
    scene = opened()
    scene.now += 500 * MS
    assert (scene.quote().fresh, scene.quote().age_us) == (True, 500 * MS)
    scene.now += 1
    quote = scene.quote()
    assert quote.status is MarketStatus.OPEN, "no tick has come"
    assert (quote.fresh, quote.age_us, quote.max_age_us) == (False, 500 * MS + 1, 500 * MS)


def test_a_beat_that_was_queued_proves_only_the_time_at_which_our_clock_was_echoed() -> None:
    scene = opened()
    scene.now += 10 * SECOND
    scene.beat("a", echo=scene.now - 500 * MS - 1)
    assert not scene.quote().fresh
    scene.beat("a", echo=scene.now - 500 * MS)
    assert scene.quote().fresh


def test_an_older_beat_never_takes_proof_away() -> None:
    scene = opened()
    scene.now += 100 * MS
    scene.beat("a")
    scene.beat("a", echo=scene.now - 90 * MS, state="Disconnected")
    assert scene.status() is MarketStatus.OPEN
    assert scene.quote().age_us == 0


@pytest.mark.parametrize("state", ["Unreliable", "Disconnected", "SomethingNew"])
def test_data_that_is_not_to_be_trusted_is_stale_however_alive_the_connection(state: str) -> None:
    scene = opened()
    scene.pass_time(SECOND, "a", state=state)
    assert scene.reasons() == ["StalePrice"]
    scene.pass_time(100 * MS, "a")
    assert scene.status() is MarketStatus.OPEN


def test_a_provider_that_is_recovering_holds_its_markets_as_recovering() -> None:
    scene = opened()
    scene.beat("a", state="Recovering", detail="2 of 5 images")
    assert scene.reasons() == ["Recovering"]
    assert "2 of 5 images" in scene.quote().holds[0].detail
    assert not scene.quote().fresh


def test_classes_of_one_provider_have_bounds_of_their_own() -> None:
    slow = market_class("slow", selector={"marketTypes": ["Outright"]}, freshness={"maxAge": "2s"})
    scene = opened(config(market_class(), slow))
    scene.image("a", {"x": "5.00"}, market="e1:Outright")
    scene.pass_time(SECOND)
    assert scene.reasons() == ["StalePrice"]
    assert scene.status("e1:Outright") is MarketStatus.OPEN
    scene.pass_time(1_100 * MS)
    assert scene.reasons("e1:Outright") == ["StalePrice"]


def test_only_a_change_of_the_answer_publishes_anything() -> None:
    scene = opened()
    scene.pass_time(600 * MS)
    assert scene.reasons() == ["StalePrice"]
    assert scene.pass_time(10 * SECOND) == []


def test_a_market_that_appears_does_not_hide_from_others_that_their_proof_has_expired() -> None:
    scene = opened()
    scene.now += 600 * MS
    scene.image("a", {"home": "2.00"}, market="e2:MatchWinner")
    scene.tick()
    assert scene.reasons() == scene.reasons("e2:MatchWinner") == ["StalePrice"]


def test_delay_and_silence_have_the_providers_bounds() -> None:
    scene = opened(config(provider("a", maxSilence="2s", maxDelay="300ms"), provider("b")))
    scene.beat("a", silence_us=2 * SECOND, delay_us=300 * MS)
    assert scene.status() is MarketStatus.OPEN
    scene.beat("a", silence_us=2 * SECOND + 1)
    assert scene.reasons() == ["StalePrice"]
    scene.beat("a", delay_us=300 * MS + 1)
    assert scene.reasons() == ["StalePrice"]


def test_a_provider_without_a_resource_proves_nothing() -> None:
    scene = Scene(config(provider("b")))
    scene.image("a", {"home": "2.00"})
    scene.beat("a")
    assert scene.reasons() == ["StalePrice"]
    assert "no FeedProvider of this name" in scene.quote().holds[0].detail
    scene.configure(config(provider("a"), provider("b")))
    assert scene.status() is MarketStatus.OPEN


def test_the_disconnect_trigger_fires_for_a_lost_provider_and_for_a_silent_ingest() -> None:
    settings = config(
        policy({"name": "lost", "type": "ProviderDisconnect"}), provider("a", maxSilence="2s"), provider("b")
    )
    scene = opened(settings)
    scene.beat("a", state="Disconnected", detail="connection reset")
    assert scene.causes() == ["freshness", "policy/policy/lost"]
    assert "connection reset" in scene.quote().holds[1].detail
    scene.beat("a")
    assert scene.status() is MarketStatus.OPEN
    scene.pass_time(2 * SECOND)
    assert scene.causes() == ["freshness"]
    scene.pass_time(100 * MS)
    assert scene.causes() == ["freshness", "policy/policy/lost"]


def test_the_delay_trigger_has_a_threshold_of_its_own() -> None:
    late = {"name": "late", "type": "FeedDelay", "feedDelay": {"threshold": "200ms"}}
    scene = opened(config(policy(late)))
    scene.beat("a", delay_us=200 * MS)
    assert scene.status() is MarketStatus.OPEN
    scene.beat("a", delay_us=200 * MS + 1)
    assert scene.reasons() == ["FeedDelay"]
    scene.beat("a", delay_us=100 * MS)
    assert scene.status() is MarketStatus.OPEN
    assert M in scene.reader.markets
