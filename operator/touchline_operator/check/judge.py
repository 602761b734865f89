"""Everything that is wrong with one object, whatever its kind."""

from __future__ import annotations

from collections.abc import Iterator

from touchline.api import EntityMap, FeedProvider, Market, OddsEngine
from touchline.api.aliases_check import ambiguous_names
from touchline.api.errors import show_path
from touchline.api.simulated import is_simulated, simulated_groups
from touchline_operator.check.findings import Finding, Judgement
from touchline_operator.check.markets import not_redundant, rivals, unprovable
from touchline_operator.check.recordings import unfindable
from touchline_operator.check.references import unknown, unresolved
from touchline_operator.world.observed import Observed


def judge(observed: Observed) -> Judgement:
    """What was found; an object that cannot be read is only that."""
    resource = observed.target.resource
    if resource is None:
        return Judgement(invalid=observed.target.fault)
    market = resource if isinstance(resource, Market) else None
    return Judgement(
        unresolved=unresolved(observed),
        unknown=unknown(observed),
        conflicts=(
            *_second_engine(observed),
            *_simulator(observed),
            *(rivals(observed, market) if market is not None else ()),
        ),
        unprovable=tuple(unprovable(observed, market)) if market is not None else (),
        not_redundant=tuple(not_redundant(observed, market)) if market is not None else (),
        remarks=tuple(_remarks(observed)),
    )


def _second_engine(observed: Observed) -> tuple[Finding, ...]:
    engine = observed.engine
    if not isinstance(observed.target.resource, OddsEngine) or engine is None or engine.key == observed.target.key:
        return ()
    message = (
        f'there may be only one OddsEngine in a namespace, and "{engine.key.name}" is older; nothing runs for this one: remove '
        "it, or give it a namespace of its own"
    )
    return (Finding("SecondEngine", message),)


def _simulator(observed: Observed) -> tuple[Finding, ...]:
    provider = observed.target.resource
    if not isinstance(provider, FeedProvider) or not is_simulated(provider):
        return ()
    _, faults = simulated_groups(observed.world.simulated(observed.namespace))
    fault = faults.get(provider.name)
    return (Finding("SimulatorConflict", f"{fault}; nothing runs for it"),) if fault is not None else ()


def _remarks(observed: Observed) -> Iterator[Finding]:
    resource = observed.target.resource
    if isinstance(resource, FeedProvider):
        yield from unfindable(resource)
        if not resource.spec.entity_map_refs:
            message = (
                "without entityMapRefs none of the provider's names can be translated; all of it goes to quarantine"
            )
            yield Finding("NoEntityMap", message)
    if isinstance(resource, EntityMap):
        found = [f"{show_path(path)}: {message}" for path, message in ambiguous_names(resource.spec)]
        if found:
            yield Finding("AmbiguousNames", f"{len(found)} names are quarantined: {found[0]}")
