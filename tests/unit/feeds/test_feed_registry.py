"""From a FeedProvider to its adapter: what is declared, what is missing, what nobody speaks."""

from collections.abc import Mapping
from random import Random
from typing import Any

import pytest

from touchline.api.v1alpha1.feed_provider import FeedProviderSpec
from touchline.feeds.betfair.adapter import BetfairAdapter
from touchline.feeds.errors import BadCredentials, FeedSetupError, UnsupportedProtocol
from touchline.feeds.registry import PROTOCOLS, adapter_for
from touchline.feeds.replay.adapter import ReplayAdapter

SECRETS: dict[str, dict[str, str]] = {
    "betfair": {"appKey": "key", "sessionToken": "token"},
    "basic": {"username": "key", "password": "token"},
    "half": {"appKey": "key", "sessionToken": " "},
    "authority": {"ca.crt": "-----BEGIN CERTIFICATE-----\n…", "other": "PEM"},
}


def secrets(name: str) -> Mapping[str, str]:
    return SECRETS[name]


def spec(**more: Any) -> FeedProviderSpec:
    return FeedProviderSpec.model_validate(
        {"protocol": "BetfairStream", "credentialsSecretRef": {"name": "betfair"}, **more}
    )


def betfair(block: dict[str, Any] | None = None, **more: Any) -> BetfairAdapter:
    adapter = adapter_for(spec(betfairStream=block or {}, **more), secrets)
    assert isinstance(adapter, BetfairAdapter)
    return adapter


def test_the_betfair_block_becomes_a_subscription() -> None:
    block = {
        "endpoint": "feed.example.com:8443",
        "heartbeat": "500ms",
        "conflate": "250ms",
        "segmentation": False,
        "marketFilter": {"eventTypeIds": ["1"], "marketTypes": ["MATCH_ODDS"], "turnInPlay": True},
    }
    options = betfair(block).options
    assert str(options.endpoint) == "feed.example.com:8443"
    assert options.endpoint.tls
    assert (options.subscription.heartbeat_ms, options.subscription.conflate_ms) == (500, 250)
    assert not options.subscription.segmentation
    assert options.subscription.market_filter == {
        "eventTypeIds": ["1"],
        "marketTypes": ["MATCH_ODDS"],
        "turnInPlayEnabled": True,
    }


def test_a_filter_that_names_nothing_narrows_nothing() -> None:
    assert betfair().options.subscription.market_filter == {}


def test_credentials_may_come_from_a_basic_auth_secret() -> None:
    credentials = betfair(credentialsSecretRef={"name": "basic"}).options.credentials
    assert (credentials.app_key, credentials.session_token, credentials.source) == ("key", "token", "basic")


def test_a_missing_key_of_the_secret_is_named() -> None:
    with pytest.raises(BadCredentials, match="Secret half: key sessionToken"):
        betfair(credentialsSecretRef={"name": "half"})


def test_an_authority_of_ones_own_is_read_from_its_secret() -> None:
    tls = {"caSecretRef": {"name": "authority"}}
    assert betfair({"tls": tls}).options.endpoint.ca_pem.startswith("-----BEGIN")
    assert betfair({"tls": {"caSecretRef": {"name": "authority", "key": "other"}}}).options.endpoint.ca_pem == "PEM"
    with pytest.raises(FeedSetupError, match="Secret authority: key missing"):
        betfair({"tls": {"caSecretRef": {"name": "authority", "key": "missing"}}})


def test_tls_can_be_switched_off_for_a_simulator() -> None:
    assert not betfair({"tls": {"mode": "Disabled"}}).options.endpoint.tls


def test_an_impossible_port_is_named() -> None:
    with pytest.raises(FeedSetupError, match=r"spec\.betfairStream\.endpoint: port 99999"):
        betfair({"endpoint": "feed.example.com:99999"})


def test_the_replay_block_becomes_a_replay() -> None:
    block = {"file": "match.bz2", "speed": "10", "loop": True, "heartbeat": "200ms"}
    adapter = adapter_for(FeedProviderSpec.model_validate({"protocol": "Replay", "replay": block}), secrets)
    assert isinstance(adapter, ReplayAdapter)
    assert vars(adapter.options) == {"file": "match.bz2", "speed": 10.0, "loop": True, "heartbeat_us": 200_000}
    fast = adapter_for(
        FeedProviderSpec.model_validate({"protocol": "Replay", "replay": {"file": "m", "speed": "Max"}}), secrets
    )
    assert isinstance(fast, ReplayAdapter)
    assert fast.options.speed is None


@pytest.mark.parametrize(
    ("protocol", "block"),
    [
        ("SportradarUOF", {"sportradarUOF": {"bookmakerId": "1"}}),
        ("TheOddsAPI", {"theOddsAPI": {"sports": ["soccer_epl"]}}),
        ("OpticOdds", {"opticOdds": {"sports": ["basketball"], "sportsbooks": ["x"]}}),
    ],
)
def test_a_protocol_that_nobody_speaks_yet_is_refused_clearly(protocol: str, block: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedProtocol, match=f"no adapter speaks {protocol} yet"):
        adapter_for(spec(protocol=protocol, health={"maxSilence": "2m"}, **block), secrets)


def test_the_waits_are_those_declared_and_spread_by_the_given_generator() -> None:
    declared = {"initial": "1s", "longest": "2s"}
    adapter = adapter_for(spec(betfairStream={}, reconnect=declared), secrets, Random(7))
    outputs = [adapter.session.disconnected(0, 0, "x")[-1] for _ in range(20)]
    waits = [output.after_us for output in outputs]  # type: ignore[union-attr]
    assert 500_000 <= waits[0] <= 1_000_000
    assert all(1_000_000 <= wait <= 2_000_000 for wait in waits[1:])
    assert len(set(waits)) > 5


def test_every_protocol_that_is_claimed_has_an_adapter() -> None:
    assert PROTOCOLS == ("BetfairStream", "Replay")
