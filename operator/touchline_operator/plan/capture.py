"""How much the raw captures and the audit log may keep: what is declared, within what the managed brokers' volumes hold."""

from __future__ import annotations

from touchline.api import FeedProvider, OddsEngine
from touchline.bus.provision import NO_LIMIT
from touchline_operator.plan.broker_config import USABLE
from touchline_operator.world.observed import Observed

SHARE = 60
"""Percent of the usable volume for all captures together; the rest is for decisions, which are never dropped."""
AUDIT_SHARE = 10
"""Percent of the usable volume for the audit log."""


def audit(engine: OddsEngine) -> tuple[int, float]:
    """Bytes (`NO_LIMIT` with brokers that are not ours) and seconds of the audit log."""
    managed, kept_s = engine.spec.nats.managed, engine.spec.recorder.retention.micros / 1e6
    if managed is None:
        return NO_LIMIT, kept_s
    return managed.storage.size.octets * USABLE // 100 * AUDIT_SHARE // 100, kept_s


def captures(observed: Observed) -> tuple[tuple[str, int, float], ...]:
    """Name, bytes and seconds of each provider's capture, by name."""
    engine = observed.engine_resource
    providers = [
        each.resource
        for each in observed.world.customs("FeedProvider", observed.namespace)
        if isinstance(each.resource, FeedProvider) and not each.deleting
    ]
    limit: int | None = None
    if engine is not None and engine.spec.nats.managed is not None:
        limit = engine.spec.nats.managed.storage.size.octets * USABLE // 100 * SHARE // 100 // max(1, len(providers))
    return tuple(
        (
            provider.name,
            min(provider.spec.capture.max_bytes.octets, limit)
            if limit is not None
            else provider.spec.capture.max_bytes.octets,
            provider.spec.capture.retention.micros / 1e6,
        )
        for provider in providers
    )
