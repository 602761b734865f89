"""`explain`: every input that a market's state rests on."""

import json
from typing import Any

from support.book_scene import MS, SECOND, M, Scene, config, market_class, opened, policy
from touchline.bus.messages import MarketUpdate, Selection


def explained(scene: Scene) -> dict[str, Any]:
    document = scene.book.explain(scene.now, M)
    assert document is not None
    decoded: dict[str, Any] = json.loads(json.dumps(document))
    return decoded


def test_it_says_why_a_market_is_held_and_what_is_not_proven() -> None:
    scene = opened(None, "a", "b")
    scene.pass_time(600 * MS, "b")
    document = explained(scene)
    assert (document["status"], document["version"]) == ("Suspended", str(scene.quote().version))
    assert document["holds"][0]["cause"] == "freshness"
    first, second = document["providers"]
    assert (first["provider"], first["fit"], first["freshness"]["ageUs"]) == ("a", False, 600 * MS)
    assert "600 ms old" in first["freshness"]["why"]
    assert (second["provider"], second["fit"], second["sync"]["state"]) == ("b", True, "InSync")
    assert document["serving"]["provider"] == "a"


def test_it_shows_each_price_as_the_provider_wrote_it() -> None:
    scene = opened()
    scene.batch("a", [MarketUpdate(M, 1, 1, sels=[Selection("home", 1_909_091, "10/11", "F"), Selection("away", 0)])])
    prices = explained(scene)["providers"][0]["prices"]
    assert prices["home"] == {"price": "1.909091", "text": "10/11", "format": "Fractional"}
    assert prices["away"] == {"price": None, "text": "", "format": "Decimal"}


def test_it_names_the_class_the_policy_and_who_does_not_offer_it() -> None:
    scene = opened(config(policy({"name": "gap", "type": "SequenceGap"})))
    document = explained(scene)
    assert (document["class"]["name"], document["policy"]["triggers"][0]["name"]) == ("all", "gap")
    assert document["notOfferedBy"] == ["b"]


def test_it_remembers_the_last_transitions_with_the_input_that_caused_each() -> None:
    scene = opened()
    for _ in range(60):
        scene.pass_time(600 * MS)
        scene.pass_time(100 * MS, "a")
    transitions = explained(scene)["transitions"]
    assert len(transitions) == 50
    assert transitions[-1]["what"] == "open"
    assert transitions[-1]["because"] == "a beat of a"
    assert "StalePrice (freshness)" in transitions[-3]["what"]
    assert transitions[-3]["because"] == "the passing of time"


def test_it_shows_what_waits_for_a_trader_and_which_selections_are_out() -> None:
    swing = {
        "name": "swing",
        "type": "PriceMove",
        "priceMove": {"percent": "15"},
        "scope": "Selection",
        "action": "SuspendAndReview",
    }
    scene = opened(config(policy(swing)))
    scene.update("a", {"home": "1.50"})
    scene.pass_time(3 * SECOND, "a")
    document = explained(scene)
    assert document["review"][0]["selection"] == "home"
    assert document["blockedSelections"]["home"][0]["cause"] == "policy/policy/swing"
    assert document["prices"]["home"] is None


def test_a_market_that_no_class_selects_says_so() -> None:
    scene = Scene(config(market_class(selector={"sports": ["Tennis"]})))
    scene.image("a", {"home": "2.00"})
    assert explained(scene)["class"] == {"name": "", "why": "no Market class selects it"}
    assert explained(scene)["policy"] == {"name": ""}
