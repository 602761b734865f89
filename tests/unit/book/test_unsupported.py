"""What is declared and not acted on keeps a market shut, and says so; nothing of the kind is unknown to `touchline.api.unsupported`."""

from typing import Any

import pytest

from support.book_scene import M, Scene, config, market_class, policy
from touchline.api.unsupported import MODELS, TRIGGERS
from touchline.api.v1alpha1.market_feeds import FeedModel
from touchline.api.v1alpha1.triggers import TriggerType
from touchline.book import arbitration
from touchline.book.triggers import registry
from touchline.domain.reasons import HoldReason
from touchline.domain.status import MarketStatus

PROVIDERS = [{"name": "a", "priority": 1}, {"name": "b", "priority": 2}]
PRICED = market_class(pricing={"marginPercent": "5.0"})
AGGREGATED = market_class(feeds={"model": "Aggregated", "providers": PROVIDERS})
LIABLE = policy({"name": "near", "type": "Liability", "liability": {"percentOfLimit": "80"}, "action": "Suspend"})


def offered(*resources: Any) -> Scene:
    scene = Scene(config(*resources))
    for name in ("a", "b"):
        scene.image(name, {"home": "2.00", "away": "1.90"})
        scene.beat(name)
    scene.tick()
    return scene


@pytest.mark.parametrize(
    ("resource", "cause", "reason", "told"),
    [
        (PRICED, "class/unsupported", "ChecksFailed", "Market all: spec.pricing is not acted on"),
        (LIABLE, "policy/unsupported", "ChecksFailed", "SuspensionPolicy policy: the trigger near (Liability) is not"),
        (AGGREGATED, "class/unsupported", "ChecksFailed", "Market all: the model Aggregated is not acted on"),
    ],
)
def test_a_market_that_relies_on_what_nobody_acts_on_stays_shut_and_says_why(
    resource: Any, cause: str, reason: str, told: str
) -> None:
    scene = offered(resource)
    assert scene.status() is MarketStatus.SUSPENDED
    [hold] = [hold for hold in scene.quote().holds if hold.cause == cause]
    assert (hold.reason, hold.detail.startswith(told)) == (reason, True)
    explained = scene.book.explain(scene.now, M)
    assert explained is not None
    assert explained["notActedOn"] == [hold.detail]


def test_a_market_of_both_says_both() -> None:
    scene = offered(PRICED, LIABLE)
    assert scene.causes() == ["class/unsupported", "policy/unsupported"]


def test_taking_it_out_opens_the_market() -> None:
    scene = offered(PRICED)
    scene.configure(config(market_class()))
    assert scene.status() is MarketStatus.OPEN
    explained = scene.book.explain(scene.now, M)
    assert explained is not None
    assert explained["notActedOn"] == []


def test_putting_it_in_shuts_an_open_market() -> None:
    scene = offered()
    assert scene.status() is MarketStatus.OPEN
    scene.configure(config(LIABLE))
    assert scene.causes() == ["policy/unsupported"]
    assert scene.urgent[-1]


def test_every_model_and_trigger_is_either_acted_on_or_known_not_to_be() -> None:
    assert {model.value for model in FeedModel} - set(arbitration.ARBITERS) == {model.value for model in MODELS}
    built = {HoldReason(kind.value) for kind in TriggerType} - set(registry.TRIGGERS)
    assert built == {HoldReason(kind.value) for kind in TRIGGERS}
