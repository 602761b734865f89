"""All children of an OddsEngine."""

from __future__ import annotations

from touchline_operator.plan.book import book
from touchline_operator.plan.child import sealed
from touchline_operator.plan.documents import simulated
from touchline_operator.plan.gateway import gateway
from touchline_operator.plan.ingest import PART as INGEST
from touchline_operator.plan.ingest import accounts_name
from touchline_operator.plan.names import child_name
from touchline_operator.plan.nats import ENGINE_USERS, credentials_name, nats
from touchline_operator.plan.nats import PART as NATS
from touchline_operator.plan.parts import secret, service_account
from touchline_operator.plan.recorder import recorder
from touchline_operator.plan.simulators import simulator
from touchline_operator.plan.valkey import PART as VALKEY
from touchline_operator.plan.valkey import valkey
from touchline_operator.plan.wants import providers_of
from touchline_operator.plan.wiring import Wiring
from touchline_operator.world.keys import Key, Manifest
from touchline_operator.world.observed import Observed

MATERIAL = "material"


def wiring_of(observed: Observed) -> Wiring | None:
    """How the components of the namespace's engine are connected; None where there is no engine."""
    engine, resource = observed.engine, observed.engine_resource
    if engine is None or resource is None:
        return None
    return Wiring(engine, resource, observed.material)


def image_of(observed: Observed) -> str:
    """The image of every component."""
    resource = observed.engine_resource
    return (resource.spec.image if resource is not None else None) or observed.defaults.image


def material_name(engine: str) -> str:
    """Name of the Secret with an engine's material."""
    return child_name(engine, MATERIAL)


def engine_children(observed: Observed) -> list[Manifest]:
    """Every child of the engine, in the order in which they are applied. `observed.material` must be complete.

    Each changes only with what is declared and with what was made for it, never with the state of what runs.
    """
    wiring = wiring_of(observed)
    assert wiring is not None
    assert wiring.engine.key == observed.target.key
    spec, image = wiring.spec.spec, image_of(observed)
    children: list[Manifest] = []
    values = observed.material.data()
    if values:
        children.append(secret(wiring.engine, material_name(wiring.name), wiring.name, MATERIAL, values))
    if spec.nats.managed is not None:
        operator = observed.defaults.operator_namespace
        children += nats(wiring, spec.nats.managed, providers_of(observed), image=image, operator=operator)
    if not observed.witness:
        if spec.redis.managed is not None:
            children += valkey(wiring, spec.redis.managed, image=image)
        children += book(wiring, image=image, pod_monitors=observed.capabilities.pod_monitors)
        children += gateway(wiring, image=image, pod_monitors=observed.capabilities.pod_monitors)
        children += recorder(wiring, image=image, pod_monitors=observed.capabilities.pod_monitors)
        children.append(service_account(wiring.engine, accounts_name(wiring.name), wiring.name, INGEST))
        for group in simulated(observed.world, observed.namespace):
            children += simulator(wiring, group, image=image)
    return [sealed(each) for each in children]


def retired_secrets(observed: Observed) -> list[Key]:
    """Secrets that the object may have had when it was declared otherwise: nobody lists Secrets, so they are named."""
    name, namespace = observed.target.key.name, observed.namespace
    if observed.target.key.kind == "FeedProvider":
        names = [credentials_name(name, INGEST)]
    else:
        parts = (f"{NATS}-config", f"{NATS}-tls", VALKEY, MATERIAL)
        names = [child_name(name, part) for part in parts] + [credentials_name(name, user) for user in ENGINE_USERS]
    return [Key("Secret", namespace, each) for each in names]
