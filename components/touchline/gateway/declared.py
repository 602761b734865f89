"""What the gateway takes from the engine's resource, read from the `config` bucket and followed while it runs."""

import asyncio
import logging
from collections.abc import AsyncIterator

from nats.aio.client import Client

from touchline.api import InvalidResource, OddsEngine, UnknownKind, parse_resource
from touchline.api.v1alpha1.gateway import SlowAction
from touchline.bus.config import Change, watch_config
from touchline.bus.ending import end
from touchline.bus.process import Fatal
from touchline.gateway.hub import HubRules

log = logging.getLogger(__name__)

_PREFIX = "OddsEngine."


async def engines(nc: Client) -> AsyncIterator[OddsEngine]:
    """Each valid version of the engine's resource, as it is written. A namespace has one engine; the first seen is it."""
    name = None
    async for change in watch_config(nc):
        if not isinstance(change, Change) or not change.key.startswith(_PREFIX) or change.value is None:
            continue
        try:
            resource = parse_resource(change.value)
        except (InvalidResource, UnknownKind) as error:
            log.error("the config bucket's %s is not valid and is ignored: %s", change.key, error)
            continue
        if not isinstance(resource, OddsEngine):
            continue
        if name not in {None, change.key}:
            log.error("there is more than one engine in this namespace: %s is ignored, %s serves", change.key, name)
            continue
        name = change.key
        yield resource


async def first_engine(nc: Client, stop: asyncio.Event) -> OddsEngine:
    """Wait for the engine's resource.

    Raises:
        Fatal: asked to stop before it was there.
    """

    async def first() -> OddsEngine:
        async for engine in engines(nc):
            return engine
        raise Fatal("the broker's connection was closed before an OddsEngine was declared")

    log.info("waiting for an OddsEngine in the config bucket")
    found = asyncio.create_task(first())
    stopped = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait((found, stopped), return_when=asyncio.FIRST_COMPLETED)
        if not found.done():
            raise Fatal("stopped while waiting for an OddsEngine")
        return await found
    finally:
        await end((found, stopped))


def rules_of(engine: OddsEngine) -> HubRules:
    """The hub's rules."""
    gateway = engine.spec.gateway
    return HubRules(
        currency=engine.spec.currency,
        conflate=gateway.slow_consumer.action is SlowAction.CONFLATE,
        silence_us=gateway.shard_silence.micros,
        commands_per_second=gateway.limits.commands_per_second,
        topics=gateway.limits.topics,
    )
