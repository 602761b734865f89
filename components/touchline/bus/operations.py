"""What a component answers to those who run it. Import this only where it is wanted: it brings a web server along.

`/healthz` is answered by the loop that does the work: one that stands still cannot answer, and that is all it is judged by. A broker
that is away is no reason to be restarted, so it shows in `/readyz` alone.
"""

import socket
from collections.abc import Awaitable, Callable, Iterable, Mapping

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from touchline.bus.health_port import Figures, Unready

CLOSE_S = 1.0
"""How long an answer that is under way may hold up the process's end."""


async def serve_operations(
    listener: socket.socket, unready: Unready, figures: Figures
) -> Callable[[], Awaitable[None]]:
    """Answer on a bound socket; returns what ends it."""

    async def healthz(_request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def readyz(_request: web.Request) -> web.Response:
        reasons = unready()
        return web.json_response({"ready": not reasons, "reasons": reasons}, status=503 if reasons else 200)

    async def metrics(_request: web.Request) -> web.Response:
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_AtScrape(figures))
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.add_routes([web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", metrics)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=CLOSE_S)
    await runner.setup()
    await web.SockSite(runner, listener).start()
    return runner.cleanup


class _AtScrape(Collector):
    """Reads a component's own plain counters when it is asked: the hot path knows nothing of metrics."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    def collect(self) -> Iterable[Metric]:
        return self._figures()


def gauge(name: str, text: str, values: float | Mapping[str, float], label: str = "") -> Metric:
    """What is: one value, or one for each value of `label`, which must come from a closed set."""
    return _filled(GaugeMetricFamily(name, text, labels=_labels(label)), values)


def counter(name: str, text: str, values: float | Mapping[str, float], label: str = "") -> Metric:
    """As `gauge`, for what only grows while the process lives; the name gets `_total`."""
    return _filled(CounterMetricFamily(name, text, labels=_labels(label)), values)


def _labels(label: str) -> list[str]:
    return [label] if label else []


def _filled(family: GaugeMetricFamily | CounterMetricFamily, values: float | Mapping[str, float]) -> Metric:
    if isinstance(values, Mapping):
        for word, value in values.items():
            family.add_metric([word], value)
    else:
        family.add_metric([], values)
    return family
