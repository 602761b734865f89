"""The index: newer news win, references are followed both ways, rivals are found without looking at everybody."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from support.observed_world import NAMESPACE, engine, market, policy, provider, stored, world_of
from touchline.api import SIMULATE, SIMULATE_GROUP
from touchline.api.selectors import overlap, specificity
from touchline.api.v1alpha1.market import Selector
from touchline_operator.world.affected import affected
from touchline_operator.world.index import World
from touchline_operator.world.keys import Key
from touchline_operator.world.selectors import SelectorIndex

words = st.lists(st.sampled_from(["a", "b", "c"]), max_size=2, unique=True).map(lambda names: tuple(names) or ("*",))
selectors = st.builds(
    Selector, sports=words, leagues=words, market_types=words, phase=st.sampled_from(["Any", "InPlay", "PreMatch"])
)


@given(
    st.dictionaries(st.sampled_from("pqrstuvw"), selectors, max_size=8),
    st.lists(st.sampled_from("pqrstuvw"), max_size=4),
    selectors,
)
def test_rivals_are_exactly_those_that_comparing_everybody_finds(
    named: dict[str, Selector], removed: list[str], asked: Selector
) -> None:
    index = SelectorIndex()
    for name, selector in named.items():
        index.put(name, asked)  # what it was before
        index.put(name, selector)
    for name in removed:
        index.remove(name)
    left = {name: selector for name, selector in named.items() if name not in removed}
    expected = sorted(
        name
        for name, selector in left.items()
        if specificity(selector) == specificity(asked) and overlap(selector, asked)
    )
    assert index.rivals("me", asked) == expected


def test_older_news_never_replace_newer_ones() -> None:
    world = World()
    world.put_custom(stored(policy(), 7))
    assert world.put_custom(stored(policy(), 6)) is None
    assert world.version_of(Key("SuspensionPolicy", NAMESPACE, "strict")) == 7


def test_an_object_that_cannot_be_read_is_known_with_its_fault() -> None:
    world = world_of([{**policy(), "spec": {"triggers": [{"name": "x", "type": "NoSuchTrigger"}]}}])
    custom = world.custom(Key("SuspensionPolicy", NAMESPACE, "strict"))
    assert custom is not None
    assert custom.resource is None
    assert "spec.triggers[0].type" in custom.fault


def test_22_of_two_engines_the_older_is_the_namespaces_one() -> None:
    world = World()
    first, second = engine(), engine()
    second["metadata"]["name"] = "a-second"
    world.put_custom(stored(first, 1, creationTimestamp="2026-01-01T00:00:00Z"))
    world.put_custom(stored(second, 2, creationTimestamp="2026-01-02T00:00:00Z"))
    found = world.engine(NAMESPACE)
    assert found is not None
    assert found.key.name == "main"


def _affected(world: World, raw: dict[str, Any]) -> list[str]:
    change = world.put_custom(raw)
    assert change is not None
    return [f"{key.kind}/{key.name}" for key in affected(world, *change)]


def test_a_provider_concerns_its_engine_and_the_markets_that_name_it() -> None:
    world = world_of([engine(), policy(), market("m", providers=["one"]), market("other", providers=["two"])])
    assert _affected(world, stored(provider("one"), 99)) == ["FeedProvider/one", "Market/m", "OddsEngine/main"]


def test_a_simulated_provider_concerns_those_of_its_old_and_of_its_new_group() -> None:
    def simulated(name: str, group: str, **marks: Any) -> dict[str, Any]:
        made = stored(provider(name), int(marks.pop("number", 1)), **marks)
        made["metadata"]["annotations"] = {SIMULATE: "fixtures", SIMULATE_GROUP: group}
        return made

    world = world_of([])
    for name, group in (("mover", "old"), ("stays", "old"), ("waits", "new"), ("other", "third")):
        world.put_custom(simulated(name, group))
    found = _affected(world, simulated("mover", "new", number=99, generation=2))
    assert found == ["FeedProvider/mover", "FeedProvider/stays", "FeedProvider/waits"]


def test_a_market_concerns_its_old_and_new_rivals_and_its_policies() -> None:
    tennis, football = {"sports": ["Tennis"]}, {"sports": ["Football"]}
    world = world_of([market("t", selector=tennis), market("f", selector=football), market("moved", selector=tennis)])
    moved = stored(market("moved", selector=football), 99, generation=2)
    assert _affected(world, moved) == ["Market/moved", "Market/t", "SuspensionPolicy/strict", "Market/f"]


def test_a_change_of_status_concerns_nobody_else() -> None:
    world = world_of([engine(), policy(), market("m")])
    raw = stored(policy(), 99) | {"status": {"holds": 3}}
    assert _affected(world, raw) == ["SuspensionPolicy/strict"]


def test_an_engine_concerns_everything_in_its_namespace_and_nothing_outside() -> None:
    world = world_of([policy(), market("m"), provider("one")])
    world.put_custom(stored(policy("theirs"), 50, namespace="others"))
    found = _affected(world, stored(engine(), 99))
    assert found == ["OddsEngine/main", "FeedProvider/one", "Market/m", "SuspensionPolicy/strict"]


def test_26_children_without_an_owner_are_orphans() -> None:
    world = world_of([engine()])
    owned = {"kind": "Service", "metadata": {"name": "a", "namespace": NAMESPACE, "ownerReferences": [
        {"uid": "uid-oddsengine-main", "controller": True}]}}  # fmt: skip
    lost = {"kind": "Service", "metadata": {"name": "b", "namespace": NAMESPACE, "ownerReferences": [
        {"uid": "gone", "controller": True}]}}  # fmt: skip
    world.put_child(owned)
    world.put_child(lost)
    assert [key.name for key in world.orphans()] == ["b"]
    world.remove_custom(Key("OddsEngine", NAMESPACE, "main"))
    assert [key.name for key in world.orphans()] == ["a", "b"]


def test_an_answer_that_was_on_its_way_does_not_raise_what_was_deleted_but_its_successor_lives() -> None:
    world = World()
    world.put_custom(stored(policy(), 5))
    world.remove_custom(Key("SuspensionPolicy", NAMESPACE, "strict"))
    assert world.put_custom(stored(policy(), 6)) is None
    assert world.put_custom(stored(policy(), 7, uid="another")) is not None


def test_a_change_of_status_is_not_parsed_again_and_any_other_is() -> None:
    world = world_of([market("m")])
    key = Key("Market", NAMESPACE, "m")
    before = world.custom(key)
    assert before is not None
    world.put_custom(stored(market("m"), 50) | {"status": {"open": 3}})
    after = world.custom(key)
    assert after is not None
    assert after.resource is before.resource
    assert after.status == {"open": 3}
    world.put_custom(stored(market("m"), 51, labels={"team": "odds"}))
    labelled = world.custom(key)
    assert labelled is not None
    assert labelled.resource is not None
    assert labelled.resource.metadata.labels == {"team": "odds"}
    world.put_custom(stored(market("m", suspensionPolicyRef={"name": "other"}), 52, generation=2))
    changed = world.custom(key)
    assert changed is not None
    assert [each.name for each in changed.references if each.kind == "SuspensionPolicy"] == ["other"]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["plain", "simulated", "deleting", "gone"]))))
def test_simulated_providers_are_those_that_a_look_at_all_of_them_finds(steps: list[tuple[str, str]]) -> None:
    world = World()
    now: dict[str, str] = {}
    for number, (name, state) in enumerate(steps, 1):
        now[name] = state
        if state == "gone":
            world.remove_custom(Key("FeedProvider", NAMESPACE, name))
            continue
        marks: dict[str, Any] = {"uid": f"{name}-{number}"}
        if state != "plain":
            marks["annotations"] = {SIMULATE: "fixtures"}
        if state == "deleting":
            marks["deletionTimestamp"] = "2026-11-25T01:00:00Z"
        world.put_custom(stored(provider(name), number, **marks))
    assert sorted(each.name for each in world.simulated(NAMESPACE)) == sorted(
        name for name, state in now.items() if state == "simulated"
    )
    assert world.simulated("elsewhere") == []
