"""What must be made before a plan is possible: passwords and certificates that are not there, or not good for much longer."""

from __future__ import annotations

from dataclasses import dataclass

from touchline.local import credentials
from touchline_operator.plan.nats import ENGINE_USERS
from touchline_operator.plan.wiring import Wiring
from touchline_operator.world.material import Certificate, Material, without_strangers
from touchline_operator.world.observed import Observed

DAY_US = 86_400_000_000
RENEW_BEFORE_US = 60 * DAY_US
"""A certificate is renewed this long before it ends: longer than anybody is away."""


@dataclass(frozen=True)
class Wants:
    """What to make. `server_names` empty: no certificate is wanted."""

    users: tuple[str, ...] = ()
    valkey: bool = False
    routes: bool = False
    authority: bool = False
    server_names: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.users or self.valkey or self.routes or self.authority or self.server_names)


def providers_of(observed: Observed) -> list[str]:
    """Names of the namespace's FeedProviders, also of those that cannot be read: what runs of them keeps its user."""
    return [each.key.name for each in observed.world.customs("FeedProvider", observed.namespace)]


def unheard(observed: Observed) -> bool:
    """Whether a provider's ingest has not spoken yet: its user may not be let in yet. False where nothing could be heard."""
    heard = {*observed.health.of_role("ingest"), *observed.health.of_role("standby")}
    return observed.health.connected and not observed.health.starting and not heard.issuperset(providers_of(observed))


def users_of(observed: Observed) -> list[str]:
    """Every broker user of the engine."""
    return [*ENGINE_USERS, *(credentials.ingest_user(name) for name in providers_of(observed))]


def wants(observed: Observed, wiring: Wiring) -> Wants:
    """What is missing in the engine's material."""
    material, spec = observed.material, wiring.spec.spec
    managed = spec.nats.managed
    valkey = spec.redis.managed is not None and not observed.witness and not material.valkey_password
    if managed is None:
        return Wants(valkey=valkey)
    names = wiring.server_names()
    authority = _ending(material.authority, observed.now)
    server = material.server
    renew = authority or _ending(server, observed.now) or (server is not None and server.names != names)
    return Wants(
        users=tuple(user for user in users_of(observed) if not material.passwords.get(user)),
        valkey=valkey,
        routes=managed.replicas > 1 and not material.routes_password,
        authority=authority,
        server_names=names if renew else (),
    )


def trimmed(observed: Observed) -> Material:
    """The engine's material without what nobody uses any more."""
    return without_strangers(observed.material, users_of(observed))


def _ending(certificate: Certificate | None, now: int) -> bool:
    return certificate is None or certificate.until - now < RENEW_BEFORE_US
