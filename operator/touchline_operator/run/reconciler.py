"""`reconcile(key)`: observe, judge, plan, apply, prune, tell, and write the status. Idempotent, and the same for every cause.

Nothing is decided here: each step calls a pure room and carries out what it says.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from touchline.local import credentials
from touchline_operator.bus.channel import Broker
from touchline_operator.check.findings import Judgement
from touchline_operator.check.judge import judge
from touchline_operator.errors import Transient
from touchline_operator.kube.children import Children
from touchline_operator.kube.secrets import Secrets
from touchline_operator.kube.statuses import Statuses
from touchline_operator.plan.capture import audit, captures
from touchline_operator.plan.documents import config_key, document, documents, simulated
from touchline_operator.plan.engine import engine_children, retired_secrets, wiring_of
from touchline_operator.plan.nudge import configuration
from touchline_operator.plan.provider import provider_children, provider_waits_for
from touchline_operator.plan.wants import trimmed, unheard, wants
from touchline_operator.plan.wiring import Wiring
from touchline_operator.run.channels import Channels
from touchline_operator.run.mint import minted
from touchline_operator.run.nudges import Nudges
from touchline_operator.run.observer import Observer
from touchline_operator.run.rollouts import Rollouts
from touchline_operator.status.outcome import Outcome
from touchline_operator.status.write import just_created, paused_status, status_of
from touchline_operator.world.index import World
from touchline_operator.world.keys import Key, Manifest, key_of
from touchline_operator.world.observed import Observed

log = logging.getLogger(__name__)

ENGINE_AGAIN_US = 15_000_000
"""An engine's Secrets are not watched: they are looked at this often."""
UNRESOLVED_AGAIN_US = 10_000_000
"""Secrets and ConfigMaps that others make are not watched either."""
TABLE_AGAIN_US = 15_000_000
"""Nor are the ConfigMaps with an EntityMap's table."""
PROVIDER_AGAIN_US = 300_000_000
SETTLE_US = 500_000
UNTOLD_AGAIN_US = 2_000_000
SILENCE_AGAIN_US = 6_000_000
"""A little after a component's word has become stale."""
UNREADABLE = "the operator may not read Secrets in this namespace: bind its role here"


class Reconciler:
    """Ties the rooms together. `enqueue` takes keys that must be looked at because of what was done."""

    def __init__(
        self,
        *,
        world: World,
        observer: Observer,
        children: Children,
        secrets: Secrets,
        statuses: Statuses,
        channels: Channels,
        nudges: Nudges,
        rollouts: Rollouts,
        enqueue: Callable[[Iterable[Key]], None],
    ) -> None:
        self._world = world
        self._observer = observer
        self._children = children
        self._secrets = secrets
        self._statuses = statuses
        self._channels = channels
        self._nudges = nudges
        self._rollouts = rollouts
        self._enqueue = enqueue

    async def reconcile(self, key: Key) -> int | None:
        """Bring everything of one object about; returns after how many microseconds to look again, or None.

        Raises Transient: try again later.
        """
        custom = self._world.custom(key)
        if custom is None or custom.deleting:
            await self._gone(key)
            return None
        observed = await self._observer.observe(custom)
        if custom.paused:
            await self._statuses.write(custom, paused_status(observed))
            return None
        judgement = judge(observed)
        if judgement.unresolved and just_created(custom, observed.now):
            return SETTLE_US  # what it refers to is likely applied in the same breath
        if judgement.invalid:
            outcome = Outcome()  # what runs of it stays as it is until it can be read again
        elif key.kind == "OddsEngine":
            observed, outcome = await self._engine(observed, judgement)
        elif key.kind == "FeedProvider":
            observed, outcome = await self._provider(observed)
        else:
            outcome = Outcome(told=await self._tell(observed))
        figures_us = await self._statuses.write(custom, status_of(observed, judgement, outcome))
        return _soonest(look_again_us(observed, judgement, outcome), outcome.again_us, figures_us)

    async def _gone(self, key: Key) -> None:
        """What has no owner any more is the garbage collector's; what stands in the broker is ours."""
        if key.kind == "OddsEngine":
            await self._channels.close(key)
            self._nudges.forget(key)
            self._rollouts.forget(key)
        else:
            await self._channels.tell(key.namespace, f"{key.kind}.{key.name}", None)
        if self._world.custom(key) is None:
            self._statuses.forget(key)

    # An engine

    async def _engine(self, observed: Observed, judgement: Judgement) -> tuple[Observed, Outcome]:
        wiring = wiring_of(observed)
        if judgement.conflicts or wiring is None:
            return await self._carry_out(observed, [])
        if not observed.material_readable:
            # To make new material would lock out everybody who was given the old.
            return observed, Outcome(waits_for=UNREADABLE)
        material = trimmed(observed)
        wanted = wants(observed, wiring)
        if wanted:
            material = minted(material, wanted, name=wiring.name, now=observed.now)
        observed = replace(observed, material=material)
        planned = engine_children(observed)
        observed, outcome = await self._carry_out(observed, planned)
        again_us = await self._nudges.look(
            observed.target.key,
            configuration(observed.target.key, planned, [key for key, _ in outcome.refused]),
            unheard=unheard(observed),
        )
        rollout, rollout_us = await self._rollouts.look(observed)
        outcome = replace(outcome, rollout=rollout, again_us=_soonest(again_us, rollout_us))
        if wanted.users:
            self._enqueue([each.key for each in self._world.customs("FeedProvider", observed.namespace)])
        channel = await self._channels.configure(
            observed.target.key, await self._broker(observed, replace_in(wiring, observed))
        )
        await channel.agree(documents(self._world, observed.namespace))
        return observed, outcome

    async def _broker(self, observed: Observed, wiring: Wiring) -> Broker:
        spec = wiring.spec.spec
        broker = Broker(url=wiring.nats_url(), shards=spec.shards, capture=captures(observed), audit=audit(wiring.spec))
        if spec.nats.managed is not None:
            authority = wiring.material.authority
            return replace(
                broker,
                user=credentials.ADMIN,
                password=wiring.material.passwords[credentials.ADMIN],
                authority=authority.certificate if authority is not None else "",
                replicas=spec.nats.managed.replicas,
            )
        external = spec.nats.external
        assert external is not None
        namespace = observed.namespace
        if external.credentials_secret_ref is not None:
            text = await self._secrets.text(
                Key("Secret", namespace, external.credentials_secret_ref.name), "admin.creds"
            )
            broker = replace(broker, credentials=text)
        if external.tls is not None and external.tls.ca_secret_ref is not None:
            reference = external.tls.ca_secret_ref
            text = await self._secrets.text(Key("Secret", namespace, reference.name), reference.key or "ca.crt")
            broker = replace(broker, authority=text)
        return replace(broker, replicas=3 if spec.bets.durability.value == "Quorum" else 1)

    # A provider

    async def _provider(self, observed: Observed) -> tuple[Observed, Outcome]:
        waits_for = provider_waits_for(observed)
        told = await self._tell(observed)
        if waits_for:
            return observed, Outcome(waits_for=waits_for, told=told)
        observed, outcome = await self._carry_out(observed, provider_children(observed))
        return observed, replace(outcome, told=told)

    # For all

    async def _carry_out(self, observed: Observed, planned: Sequence[Manifest]) -> tuple[Observed, Outcome]:
        """Apply and prune; what was observed afterwards has the children as they are then."""
        keys = tuple(key_of(manifest) for manifest in planned)
        refused = await self._children.bring_about(planned)
        await self._children.prune(observed.children, keys, retired_secrets(observed))
        uid = observed.target.uid
        return replace(observed, children=self._world.children_of(uid)), Outcome(planned=keys, refused=tuple(refused))

    async def _tell(self, observed: Observed) -> bool | None:
        custom = observed.target
        wanted = document(custom, simulated(self._world, observed.namespace), observed.config_maps)
        if wanted is None:
            return None
        try:
            return await self._channels.tell(observed.namespace, config_key(custom), wanted)
        except Transient as error:
            log.info("%s: %s", custom.key, error)  # the status says so, and it is tried again
            return None


def replace_in(wiring: Wiring, observed: Observed) -> Wiring:
    """The wiring with the material as it is now."""
    return replace(wiring, material=observed.material)


def _soonest(*times: int | None) -> int | None:
    return min((each for each in times if each is not None), default=None)


def look_again_us(observed: Observed, judgement: Judgement, outcome: Outcome) -> int | None:
    """After how long to look again although nothing is heard of: what nobody tells us of, and silence."""
    kind = observed.target.key.kind
    untold = kind != "OddsEngine" and outcome.told is None and observed.health.connected
    if untold and not judgement.conflicts:  # of what conflicts there may be nothing to tell
        return UNTOLD_AGAIN_US
    if outcome.refused:
        return UNRESOLVED_AGAIN_US
    if kind in {"OddsEngine", "FeedProvider"} and observed.health.documents:
        return SILENCE_AGAIN_US
    if judgement.unresolved or judgement.unknown:
        return UNRESOLVED_AGAIN_US
    if kind == "OddsEngine":
        return ENGINE_AGAIN_US
    if observed.config_maps:
        return TABLE_AGAIN_US
    return PROVIDER_AGAIN_US if kind == "FeedProvider" else None
