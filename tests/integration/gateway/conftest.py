"""The stage of the gateway's tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.gateway_stage import Stage
from touchline.local.servers import NatsServer, ValkeyServer


@pytest.fixture
async def stage(nats_server: NatsServer, valkey_server: ValkeyServer, tmp_path: Path) -> AsyncIterator[Stage]:
    """Broker, cache and leaders with two markets on each of two shards; start the gateway yourself."""
    stage = Stage(nats_server, valkey_server, tmp_path)
    for market in ("e0:MatchWinner", "e0:TotalGoals:2.5", "e1:MatchWinner", "e3:MatchWinner"):
        stage.leader(market).open(market, league="epl" if market.startswith("e0") else "laliga")
    await stage.open()
    try:
        yield stage
    finally:
        await stage.close()
