"""ProviderDisagreement: two healthy providers, two prices, for some time."""

from support.book_scene import MS, SECOND, Scene, config, opened, policy
from touchline.domain.status import MarketStatus

DIFFER = {"name": "differ", "type": "ProviderDisagreement", "providerDisagreement": {"percent": "8", "for": "3s"}}


def scene_of(**fields: str) -> Scene:
    return opened(config(policy({**DIFFER, **fields})), "a", "b")


def test_a_difference_that_lasts_holds_the_market_with_both_prices() -> None:
    scene = scene_of()
    scene.update("b", {"home": "2.40"})
    scene.pass_time(2_900 * MS, "a", "b")
    assert scene.status() is MarketStatus.OPEN
    scene.pass_time(100 * MS, "a", "b")
    assert scene.reasons() == ["ProviderDisagreement"]
    detail = scene.quote().holds[0].detail
    assert detail == "home: a says 2.00, b says 2.40 (-8.33 points of implied probability)"
    scene.update("a", {"home": "2.20"})
    assert scene.status() is MarketStatus.OPEN


def test_an_interrupted_difference_starts_anew() -> None:
    scene = scene_of()
    scene.update("b", {"home": "2.40"})
    scene.pass_time(2 * SECOND, "a", "b")
    scene.update("b", {"home": "2.10"})
    scene.update("b", {"home": "2.40"})
    scene.pass_time(2_900 * MS, "a", "b")
    assert scene.status() is MarketStatus.OPEN


def test_a_provider_that_is_not_healthy_has_no_say() -> None:
    scene = scene_of()
    scene.update("b", {"home": "9.00"})
    scene.pass_time(5 * SECOND, "a")
    assert scene.status() is MarketStatus.OPEN


def test_a_selection_that_one_of_them_does_not_price_is_no_disagreement() -> None:
    scene = scene_of()
    scene.update("b", {"home": ""})
    scene.pass_time(5 * SECOND, "a", "b")
    assert scene.status() is MarketStatus.OPEN


def test_scope_selection_keeps_only_the_disputed_selection_out() -> None:
    scene = scene_of(scope="Selection")
    scene.update("b", {"home": "2.40"})
    scene.pass_time(3_100 * MS, "a", "b")
    assert scene.status() is MarketStatus.OPEN
    assert (scene.price("home"), scene.price("away")) == (0, 4_000_000)
