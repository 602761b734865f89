"""All children of a FeedProvider."""

from __future__ import annotations

from touchline.api import FeedProvider
from touchline.local import credentials
from touchline_operator.plan.child import sealed
from touchline_operator.plan.documents import simulated
from touchline_operator.plan.engine import image_of, wiring_of
from touchline_operator.plan.ingest import ingest
from touchline_operator.plan.simulators import group_of, misfit
from touchline_operator.world.keys import Manifest
from touchline_operator.world.observed import Observed


def provider_waits_for(observed: Observed) -> str:
    """Why nothing can be planned for a FeedProvider yet; empty where it can."""
    wiring = wiring_of(observed)
    if wiring is None:
        return "there is no OddsEngine in this namespace to run it"
    if not observed.material_readable:
        return "the operator may not read Secrets in this namespace"
    user = credentials.ingest_user(observed.target.key.name)
    if wiring.spec.spec.nats.managed is not None and not observed.material.passwords.get(user):
        return f"the engine {wiring.name} has not made a broker user for it yet"
    return ""


def provider_children(observed: Observed) -> list[Manifest]:
    """Every child of the provider, in the order in which they are applied; none in a witness's cluster, and none
    for a provider that asks its simulator for what it is not served."""
    wiring, provider = wiring_of(observed), observed.target.resource
    assert wiring is not None
    assert isinstance(provider, FeedProvider)
    simulators = simulated(observed.world, observed.namespace)
    if observed.witness or misfit(provider, simulators):
        return []
    children = ingest(
        wiring,
        observed.target,
        provider,
        image=image_of(observed),
        simulated=group_of(provider.name, simulators),
        pod_monitors=observed.capabilities.pod_monitors,
    )
    return [sealed(each) for each in children]
