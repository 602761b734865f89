"""Which keys must be looked at again when a custom resource came, changed or went."""

from touchline.api import FeedProvider, Market
from touchline.api.simulated import group_name, is_simulated
from touchline_operator.world.custom import Custom
from touchline_operator.world.index import World
from touchline_operator.world.keys import CUSTOM_PLACES, Key

_NEEDS_ENGINE = tuple(kind for kind in CUSTOM_PLACES if kind != "OddsEngine")


def affected(world: World, before: Custom | None, after: Custom | None) -> list[Key]:
    """The object itself first, then what depends on it. Call it after the index has taken the change in.

    A change of status alone concerns the object itself only.
    """
    changed = after or before
    if changed is None:
        return []
    keys: dict[Key, None] = {changed.key: None}
    if before is not None and after is not None and _same_intent(before, after):
        return list(keys)
    namespace = changed.key.namespace
    keys |= dict.fromkeys(world.referrers(changed.key))
    if changed.key.kind == "OddsEngine":
        for kind in CUSTOM_PLACES:
            keys |= dict.fromkeys(each.key for each in world.customs(kind, namespace))
    elif changed.key.kind in {"FeedProvider", "Region"}:
        keys |= dict.fromkeys(each.key for each in world.customs("OddsEngine", namespace))
    providers = (each.resource for each in (before, after) if each is not None)
    groups = {group_name(each) for each in providers if isinstance(each, FeedProvider) and is_simulated(each)}
    if groups:  # one that comes or goes moves the others' addresses, and may decide what all of them are served
        same = (each.name for each in world.simulated(namespace) if group_name(each) in groups)
        keys |= dict.fromkeys(Key("FeedProvider", namespace, name) for name in same)
    for state in (before, after):
        if state is not None and isinstance(state.resource, Market):
            rivals = world.selectors(namespace).rivals(state.key.name, state.resource.spec.selector)
            keys |= dict.fromkeys(Key("Market", namespace, name) for name in rivals)
            keys[Key("SuspensionPolicy", namespace, state.resource.spec.suspension_policy_ref.name)] = None
    return list(keys)


def _same_intent(before: Custom, after: Custom) -> bool:
    """Whether spec, annotations and life are as they were."""
    old, new = before.raw["metadata"], after.raw["metadata"]
    return (
        before.uid == after.uid
        and before.generation == after.generation
        and old.get("annotations") == new.get("annotations")
        and before.deleting == after.deleting
    )
