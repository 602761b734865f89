"""Probes and metrics over HTTP, for standbys too."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from touchline_operator.run.elector import Elector
from touchline_operator.run.metrics import Metrics
from touchline_operator.run.queue import Queue
from touchline_operator.run.watch_age import WatchAge

LONGEST_WATCH_AGE_US = 60_000_000
LONGEST_LAG_US = 120_000_000
REACHED_WITHIN_US = 30_000_000


class Probes:
    """Judges and serves. An API server that is away is no reason to be restarted; a watch that sleeps while it answers is."""

    def __init__(
        self, *, elector: Elector, queue: Queue, watch_age: WatchAge, metrics: Metrics, clock: Callable[[], int]
    ) -> None:
        self._elector = elector
        self._queue = queue
        self._watch_age = watch_age
        self._metrics = metrics
        self._clock = clock
        self.port = 0

    def unhealthy(self) -> list[str]:
        """Why this process should be restarted; empty: it need not."""
        now = self._clock()
        if not self._reached(now):
            return []
        reasons = []
        if (age := self._watch_age.age_us(now)) > LONGEST_WATCH_AGE_US:
            reasons.append(f"a watch has owed news for {age // 1_000_000} s")
        if self._elector.leading and (lag := self._queue.lag_us(now)) > LONGEST_LAG_US:
            reasons.append(f"a key has waited for {lag // 1_000_000} s")
        return reasons

    def unready(self) -> list[str]:
        """Why this replica is of no use at present."""
        return [] if self._reached(self._clock()) else ["the API server does not answer"]

    def _reached(self, now: int) -> bool:
        return now - self._elector.reached_at < REACHED_WITHIN_US

    async def serve(self, host: str, port: int) -> web.AppRunner:
        """Serve until the runner is cleaned up. Raises OSError where the port is taken."""
        app = web.Application()
        app.add_routes(
            [web.get("/healthz", self._healthz), web.get("/readyz", self._readyz), web.get("/metrics", self._figures)]
        )
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, host, port)
        await site.start()
        self.port = int(runner.addresses[0][1])
        return runner

    async def _healthz(self, _request: web.Request) -> web.Response:
        return _answer(self.unhealthy())

    async def _readyz(self, _request: web.Request) -> web.Response:
        return _answer(self.unready())

    async def _figures(self, _request: web.Request) -> web.Response:
        now = self._clock()
        self._metrics.depth.set(self._queue.depth(now))
        self._metrics.lag.set(self._queue.lag_us(now) / 1e6)
        self._metrics.watch_age.set(self._watch_age.age_us(now) / 1e6)
        self._metrics.leader.set(int(self._elector.leading))
        return web.Response(
            body=self._metrics.text(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        )


def _answer(reasons: list[str]) -> web.Response:
    return web.json_response({"ok": not reasons, "reasons": reasons}, status=503 if reasons else 200)
