"""Holding what the broker has against what the engine declares; a desk is closed until that was proven once, and whenever it fails."""

import asyncio
import logging
from collections.abc import Callable, Sequence

from nats.aio.client import Client

from touchline.api.v1alpha1.odds_engine import Durability
from touchline.book.shell.shard_node import ShardNode
from touchline.bus import subjects
from touchline.bus.stream_reader import Unreadable
from touchline.desk.durability import NONE, real_durability, shortfall
from touchline.desk.store import stream_facts

log = logging.getLogger(__name__)

PERIOD_S = 2.0
FIRST_S = 0.05
NOT_PROVEN = "what the store keeps of a decision is not proven yet"


async def watch_durability(
    nc: Client, shards: Sequence[ShardNode], *, sync_interval: str, declared: Callable[[], Durability]
) -> None:
    """Until cancelled. `sync_interval` is what the broker is declared to run with: a client cannot ask for it."""
    for shard in shards:
        shard.desk.closed = NOT_PROVEN
    while True:
        for shard in shards:
            try:
                found = await stream_facts(nc, shard.shard)
            except Unreadable as error:
                log.debug(
                    "%s", error
                )  # what was proven before still holds: a stream does not lose replicas by being asked
                continue
            shard.store.one_at_a_time = found["replicas"] > 1
            real = real_durability(storage=found["storage"], replicas=found["replicas"], sync_interval=sync_interval)
            lacks = shortfall(declared(), real, stream=subjects.bets_stream(shard.shard))
            if lacks and lacks != shard.desk.closed:
                log.error("shard %d takes no bets: %s", shard.shard, lacks)
            shard.desk.durability = str(real) if real else NONE
            shard.desk.closed = lacks
        proven = all(shard.desk.closed != NOT_PROVEN for shard in shards)
        await asyncio.sleep(PERIOD_S if proven else FIRST_S)
