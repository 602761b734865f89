"""A whole engine for a benchmark: the processes that local mode runs, a provider in this process, clients in another one.

    async with stage(markets=1_000) as engine:
        async with crowd(engine.url, clients=100) as clients:
            ...

Everything is as `touchline up` starts it (two book nodes, one gateway, a broker that syncs every write); only the provider is
not the simulator but `LoadProvider`, which is told by the benchmark what to send and knows when it sent it.
"""

import asyncio
import io
import tempfile
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import uvloop
from rich.console import Console

from bench.journey import number_of
from bench.load_provider import LoadProvider
from touchline.local.engine import Engine, Options
from touchline.local.gateway_http import GatewayHttp
from touchline.local.log_sink import LogSink
from touchline.local.reading import read
from touchline.local.state_dir import StateDir

LOOK_AGAIN_S = 0.25
MARKETS_WITHIN_S = 120.0

RESOURCES = """\
apiVersion: touchline.dev/v1alpha1
kind: OddsEngine
metadata: {{name: bench}}
spec:
  currency: GBP
  shards: 4
  nats: {{managed: {{replicas: 1}}}}
  gateway:
    replicas: 1
    auth: {{anonymous: {{}}}}
    limits: {{commandsPerSecond: 10000}}
    shardSilence: 30s
  bets: {{durability: Fsync}}
---
apiVersion: v1
kind: Secret
metadata: {{name: load}}
stringData: {{appKey: load, sessionToken: load}}
---
apiVersion: touchline.dev/v1alpha1
kind: FeedProvider
metadata: {{name: load}}
spec:
  protocol: BetfairStream
  betfairStream:
    endpoint: 127.0.0.1:{port}
    heartbeat: 500ms
    tls: {{mode: Disabled}}
  credentialsSecretRef: {{name: load}}
  clock: Synchronised
  entityMapRefs: [{{name: football}}]
  health: {{maxSilence: 1m, maxDelay: 1m}}
---
apiVersion: touchline.dev/v1alpha1
kind: EntityMap
metadata: {{name: football}}
spec:
  sport: Football
  sportAliases: [{{id: "1", protocol: BetfairStream}}]
  leagueWhenAbsent: bench-league
  unmatched: Accept
  leagues: [{{id: bench-league, name: Bench League}}]
  marketTypes:
    - id: MatchWinner
      aliases: [{{name: MATCH_ODDS, protocol: BetfairStream}}]
      selectionsFrom: Listed
      selections:
        - {{id: home, role: Home, aliases: [{{position: 1, protocol: BetfairStream}}]}}
        - {{id: away, role: Away, aliases: [{{position: 2, protocol: BetfairStream}}]}}
        - {{id: draw, role: Draw, aliases: [{{position: 3, protocol: BetfairStream}}]}}
    - id: TotalGoals
      category: Totals
      hasLine: true
      aliases:
{lines}
      selectionsFrom: Listed
      selections:
        - {{id: under, role: Under, aliases: [{{position: 1, protocol: BetfairStream}}]}}
        - {{id: over, role: Over, aliases: [{{position: 2, protocol: BetfairStream}}]}}
---
apiVersion: touchline.dev/v1alpha1
kind: SuspensionPolicy
metadata: {{name: usual}}
spec:
  triggers:
    - {{name: late, type: FeedDelay, feedDelay: {{threshold: 1m}}, scope: Market, action: Suspend}}
    - {{name: lost, type: ProviderDisconnect, scope: Market, action: Suspend}}
    - {{name: gap, type: SequenceGap, scope: Market, action: Suspend}}
  reopening: {{coolDown: 0s, checks: [FreshPrice]}}
---
apiVersion: touchline.dev/v1alpha1
kind: Market
metadata: {{name: all}}
spec:
  feeds: {{providers: [{{name: load}}]}}
  freshness: {{maxAge: 1m}}
  suspensionPolicyRef: {{name: usual}}
  betting:
    stake: {{min: "1.00", max: "500.00"}}
    maxLiability: {{selection: "100000000.00", market: "100000000.00", event: "100000000.00"}}
"""
"""One class with the usual triggers; bounds of age and delay are wide, so that a busy machine does not suspend what is measured."""

LINES = "\n".join(
    f'        - {{name: OVER_UNDER_{line}5, line: "{line}.5", protocol: BetfairStream}}' for line in range(10)
)


class Stage:
    """The running engine and its provider."""

    def __init__(self, engine: Engine, provider: LoadProvider) -> None:
        self.engine = engine
        self.provider = provider

    @property
    def url(self) -> str:
        return self.engine.url

    @property
    def folder(self) -> Path:
        """On the disk on which the engine stores what it decides."""
        return self.engine.state.root

    def pid(self, name: str) -> int:
        """Of one process: `nats`, `ingest-load`, `book-1`, `book-2`, `gateway-1`."""
        return self.engine.supervisor.pids[name]

    async def shows(self, markets: int, *, within: float = MARKETS_WITHIN_S) -> None:
        """Wait until the gateway shows so many markets, of events that are open.

        Raises:
            TimeoutError: it does not in time.
        """
        end = time.monotonic() + within
        seen = 0
        async with httpx.AsyncClient(base_url=self.url, trust_env=False, timeout=10) as http:
            while seen < markets and time.monotonic() < end:
                # The count first: it is cheap, a list of all events keeps the gateway from its work for a while.
                seen = (await http.get("/v1/status")).json()["markets"]
                if seen >= markets:
                    seen = len(await self.numbers())
                if seen < markets:
                    await asyncio.sleep(LOOK_AGAIN_S)
        if seen < markets:
            raise TimeoutError(f"the gateway shows {seen} of {markets} markets as open after {within:.0f} s")

    async def numbers(self) -> dict[str, int]:
        """The provider's number by market id, of all markets of events that are open, as the gateway lists them."""
        http = GatewayHttp(self.url)
        try:
            return {
                market: number_of(market, event["name"])
                for event in await http.events(limit="500")
                if event["status"] == "Open"
                for market in event["markets"]
            }
        finally:
            await http.close()


@asynccontextmanager
async def stage(*, markets: int) -> AsyncIterator[Stage]:
    """Run an engine whose provider shows so many markets, all open, until the block ends."""
    with tempfile.TemporaryDirectory(prefix="touchline-bench-") as folder:
        async with LoadProvider() as provider:
            provider.grow(markets)
            resources = Path(folder) / "engine.yaml"
            resources.write_text(RESOURCES.format(port=provider.port, lines=LINES))
            with StateDir(Path(folder) / "state") as state:
                sink = LogSink(Console(file=io.StringIO()), folder=state.logs, level="ERROR")
                engine = Engine(state, sink, Options(port=0, log_level="WARNING"))
                try:
                    await engine.start(read([resources], simulate=False))
                    running = Stage(engine, provider)
                    await running.shows(markets)
                    yield running
                finally:
                    await engine.stop()
                    sink.close()


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """Run a benchmark's coroutine on the loop that the components use."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)
