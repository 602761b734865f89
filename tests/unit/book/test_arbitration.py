"""Who serves: hysteresis, fail-back, and two live providers (issue: ActivePassive and ActiveActive)."""

from hypothesis import given
from hypothesis import strategies as st

from support.book_scene import CLOSED, MS, OPEN, SECOND, SUSPENDED, M, Scene, config, market_class, opened, selections
from touchline.book.arbitration import ActivePassive, Candidate, Standing
from touchline.book.config_reading import class_config
from touchline.book.link import NEVER, Link
from touchline.book.view import View
from touchline.bus.messages import MarketUpdate
from touchline.domain.status import MarketStatus

PRICES = {"home": "2.00", "away": "1.90"}
PASSIVE = market_class(feeds={
    "model": "ActivePassive",
    "providers": [{"name": "a", "priority": 1}, {"name": "b", "priority": 2}],
    "switchAfter": "2s",
    "failBackAfter": "10s",
})  # fmt: skip
ACTIVE = market_class(
    feeds={"model": "ActiveActive", "providers": [{"name": "a", "priority": 1}, {"name": "b", "priority": 2}]}
)


def passive(*names: str) -> Scene:
    return opened(config(PASSIVE), *(names or ("a", "b")), prices=PRICES)


def test_the_preferred_provider_serves_and_the_other_is_not_heard() -> None:
    scene = passive()
    assert scene.quote().provider == "a"
    assert scene.update("b", {"home": "9.00"}) == []
    assert scene.price("home") == 2_000_000


def test_a_selection_that_only_the_reserve_provider_names_is_not_shown() -> None:
    scene = passive()
    assert scene.update("b", {"other": ""}) == []
    assert scene.update("b", {"other": "9.00"}, status=OPEN) == []
    assert "other" not in scene.quote().selections


def test_a_short_failure_holds_and_does_not_switch() -> None:
    scene = passive()
    scene.pass_time(2 * SECOND + 400 * MS, "b")
    assert (scene.quote().provider, scene.reasons()) == ("a", ["StalePrice"])
    scene.pass_time(100 * MS, "a", "b")
    assert (scene.quote().provider, scene.status()) == ("a", MarketStatus.OPEN)


def test_after_switch_after_the_next_fit_provider_serves_with_its_own_prices() -> None:
    scene = passive()
    scene.update("b", {"home": "2.10"})
    frames = scene.pass_time(3 * SECOND, "b")
    assert scene.quote().provider == "b"
    assert scene.status() is MarketStatus.OPEN
    assert scene.price("home") == 2_100_000
    last = frames[-1]
    assert (last["sel"], last["meta"]) == ({"home": "2.10"}, {"provider": "b"})


def test_an_interrupted_failure_starts_the_wait_anew() -> None:
    scene = passive()
    for _ in range(4):
        scene.pass_time(2 * SECOND, "b")
        assert scene.quote().provider == "a"
        scene.pass_time(100 * MS, "a", "b")
    assert scene.quote().provider == "a"


def test_the_preferred_provider_is_returned_to_after_a_stable_time_only() -> None:
    scene = passive()
    scene.pass_time(3 * SECOND, "b")
    scene.pass_time(9_000 * MS, "a", "b")
    assert scene.quote().provider == "b"
    scene.pass_time(700 * MS, "b")
    scene.pass_time(9_900 * MS, "a", "b")
    assert scene.quote().provider == "b", "the stable time was interrupted"
    scene.pass_time(200 * MS, "a", "b")
    assert scene.quote().provider == "a"
    assert scene.status() is MarketStatus.OPEN


def test_with_nobody_fit_the_market_stays_held_with_who_served() -> None:
    scene = passive()
    scene.pass_time(30 * SECOND)
    assert (scene.quote().provider, scene.reasons()) == ("a", ["StalePrice"])


def test_a_second_provider_that_fails_too_gives_way_at_once_to_a_fit_preferred_one() -> None:
    scene = passive()
    scene.pass_time(3 * SECOND, "b")
    scene.pass_time(3 * SECOND)
    scene.pass_time(100 * MS, "a")
    assert scene.quote().provider == "a", "the serving provider has been unfit for longer than switchAfter"


def test_a_provider_that_no_longer_offers_the_market_is_left_at_once() -> None:
    scene = passive()
    scene.batch("a", [MarketUpdate(M, 1, 1, image=True)])
    assert (scene.quote().provider, scene.status()) == ("b", MarketStatus.OPEN)


def test_a_new_market_waits_for_its_preferred_provider_before_another_serves() -> None:
    scene = Scene(config(PASSIVE))
    scene.image("b", PRICES)
    scene.pass_time(1_900 * MS, "b")
    assert (scene.reasons(), scene.quote().holds[0].detail) == (["NoProvider"], "no provider serves it yet")
    scene.image("a", PRICES)
    scene.beat("a", "b")
    assert (scene.quote().provider, scene.status()) == ("a", MarketStatus.OPEN)


def test_a_market_that_only_the_second_provider_offers_is_served_after_the_wait() -> None:
    scene = Scene(config(PASSIVE))
    scene.image("b", PRICES)
    scene.pass_time(2 * SECOND, "b")
    assert (scene.quote().provider, scene.status()) == ("b", MarketStatus.OPEN)


def test_a_provider_outside_the_class_is_never_used() -> None:
    only = market_class(feeds={"providers": [{"name": "a"}]})
    scene = Scene(config(only))
    scene.image("b", PRICES)
    scene.pass_time(5 * SECOND, "b")
    assert scene.reasons() == ["NoProvider"]


def test_a_change_of_priority_is_live() -> None:
    scene = passive()
    turned = market_class(
        feeds={"providers": [{"name": "a", "priority": 2}, {"name": "b", "priority": 1}], "failBackAfter": "1s"}
    )
    scene.configure(config(turned))
    scene.pass_time(1_100 * MS, "a", "b")
    assert scene.quote().provider == "b"


def test_every_change_of_provider_is_recorded_with_its_reason() -> None:
    scene = passive()
    scene.pass_time(3 * SECOND, "b")
    texts = [note.text for note in scene.notes if note.kind == "Serving"]
    assert texts[0].startswith("served by a")
    assert texts[-1].startswith("served by b: a was unfit: the last proof is")


def test_a_route_decides_which_provider_is_preferred() -> None:
    routed = market_class(feeds={
        "model": "MarketRouting",
        "providers": [{"name": "a", "priority": 1}, {"name": "b", "priority": 2}],
        "marketRouting": {"routes": [{"marketTypes": ["TotalGoals"], "provider": "b"}]},
    })  # fmt: skip
    scene = opened(config(routed), "a", "b", prices=PRICES)
    scene.image("a", PRICES, market="e1:TotalGoals:2.5")
    scene.image("b", PRICES, market="e1:TotalGoals:2.5")
    assert scene.quote().provider == "a"
    assert scene.quote("e1:TotalGoals:2.5").provider == "b"


def test_a_model_that_is_not_built_holds_its_markets() -> None:
    later = market_class(feeds={"model": "Aggregated", "providers": [{"name": "a"}, {"name": "b"}]})
    scene = Scene(config(later))
    scene.image("a", PRICES)
    scene.beat("a")
    assert scene.reasons()[0] == "NoProvider"
    assert "Aggregated" in scene.quote().holds[0].detail


@given(st.lists(st.tuples(st.integers(0, 400), st.booleans(), st.booleans()), max_size=60))
def test_active_passive_never_switches_early_and_never_serves_the_unfit_when_it_switches(
    steps: list[tuple[int, bool, bool]],
) -> None:
    rules = class_config(PASSIVE, {})
    views = {name: View(Link(name)) for name in ("a", "b")}
    standing = Standing(0)
    arbiter = ActivePassive()
    now = 0
    unfit_since: int | None = 0
    fit_since: dict[str, int] = {}
    for wait, *fit in steps:
        now += wait * 10 * MS
        candidates = [Candidate(name, views[name], fits) for name, fits in zip("ab", fit, strict=True)]
        before = standing.serving
        for candidate in candidates:
            if candidate.fit:
                fit_since.setdefault(candidate.name, now)
            else:
                fit_since.pop(candidate.name, None)
        serving_fit = any(c.fit for c in candidates if c.name == before)
        if serving_fit:
            unfit_since = None
        elif unfit_since is None:
            unfit_since = now
        due = arbiter.decide(now, standing, candidates, rules)
        assert due == NEVER or due > now
        if standing.serving == before:
            continue
        unfit_for = 0 if unfit_since is None else now - unfit_since
        if before == "":
            assert standing.serving == "a" or unfit_for >= 2 * SECOND or not any(c.fit for c in candidates)
        elif serving_fit:
            assert (before, standing.serving) == ("b", "a")
            assert now - fit_since["a"] >= 10 * SECOND
        else:
            assert unfit_for >= 2 * SECOND
            assert standing.serving in fit_since
        if standing.serving in fit_since:
            unfit_since = None


def active() -> Scene:
    return opened(config(ACTIVE), "a", "b", prices=PRICES)


def test_the_update_that_was_published_last_wins_whoever_sent_it() -> None:
    scene = active()
    base = scene.wall
    scene.update("b", {"home": "2.10"}, src=base + 20)
    assert scene.price("home") == 2_100_000
    scene.update("a", {"home": "2.04"}, src=base + 10)
    assert scene.price("home") == 2_100_000, "a lagging side never overwrites a newer price"
    scene.update("a", {"home": "2.06"}, src=base + 30)
    assert scene.price("home") == 2_060_000


def test_times_are_compared_for_each_selection() -> None:
    scene = active()
    base = scene.wall
    scene.update("b", {"home": "2.10"}, src=base + 20)
    scene.update("a", {"away": "1.80"}, src=base + 10)
    assert (scene.price("home"), scene.price("away")) == (2_100_000, 1_800_000)


def test_the_same_price_from_the_second_provider_publishes_nothing() -> None:
    scene = active()
    base = scene.wall
    assert len(scene.update("a", {"home": "2.10"}, src=base + 10)) == 1
    assert scene.update("b", {"home": "2.10"}, src=base + 12) == []


def test_of_two_equal_times_the_preferred_provider_stands() -> None:
    scene = active()
    base = scene.wall
    scene.update("a", {"home": "2.10"}, src=base + 10)
    assert scene.update("b", {"home": "2.20"}, src=base + 10) == []


def test_losing_one_live_provider_takes_its_prices_with_it_and_keeps_the_market_open() -> None:
    scene = active()
    scene.update("a", {"home": "2.50"}, src=scene.wall + 50)
    frames = scene.pass_time(SECOND, "b")
    assert scene.status() is MarketStatus.OPEN
    assert scene.quote().provider == "b"
    assert scene.price("home") == 2_000_000
    assert len(frames) == 1
    assert "status" not in frames[0], "it was never shut"


def test_losing_both_holds_the_market() -> None:
    scene = active()
    scene.pass_time(SECOND)
    assert scene.reasons() == ["StalePrice"]


def test_either_live_provider_can_suspend_and_both_must_agree_to_open() -> None:
    scene = active()
    scene.update("b", status=SUSPENDED)
    assert scene.reasons() == ["ProviderSuspended"]
    assert scene.quote().holds[0].detail == "b says Suspended"
    scene.update("a", status=SUSPENDED)
    scene.update("b", status=OPEN)
    assert scene.reasons() == ["ProviderSuspended"]
    scene.update("a", status=OPEN)
    assert scene.status() is MarketStatus.OPEN


def test_only_the_first_provider_can_close_a_market() -> None:
    scene = active()
    scene.update("b", status=CLOSED)
    assert (scene.status(), scene.reasons()) == (MarketStatus.SUSPENDED, ["ProviderSuspended"])
    scene.update("a", status=CLOSED)
    assert scene.status() is MarketStatus.CLOSED


def test_a_change_of_model_is_live_in_both_directions() -> None:
    scene = passive()
    scene.update("a", {"home": "2.02"})
    scene.now += 1
    scene.update("b", {"home": "2.10"})
    assert scene.price("home") == 2_020_000
    scene.configure(config(ACTIVE))
    assert scene.price("home") == 2_100_000
    scene.configure(config(PASSIVE))
    assert scene.price("home") == 2_020_000


def test_a_whole_batch_of_two_providers_is_published_once_for_each_market() -> None:
    scene = active()
    twice = [MarketUpdate(M, scene.wall + n, scene.wall, sels=selections({"home": f"2.{n:02d}"})) for n in (11, 12)]
    assert [frame["sel"] for frame in scene.batch("a", twice)] == [{"home": "2.12"}]
