"""For those who run the gateway: liveness, readiness, metrics, and how the engine's parts stand."""

from collections.abc import Iterator
from typing import Any

from fastapi import APIRouter, Response
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from touchline.gateway.service import Service
from touchline.gateway.web.access import Customer, TheService

router = APIRouter(tags=["operations"])


@router.get("/healthz")
async def health() -> dict[str, str]:
    """The process turns its loop."""
    return {"status": "ok"}


@router.get("/readyz")
async def readiness(service: TheService, response: Response) -> dict[str, Any]:
    """Whether clients may come: 200 or 503, with the reasons and the state of what it leans on."""
    reasons = service.unready()
    response.status_code = 503 if reasons else 200
    return {
        "ready": not reasons,
        "reasons": reasons,
        "broker": "connected" if service.nc.is_connected else "away",
        "cache": service.cache.detail,
        "shards": service.shards(),
    }


@router.get("/v1/status")
async def engine_status(service: TheService, _customer: Customer) -> dict[str, Any]:
    """Feed health, shards and gateways, as the components themselves report them."""
    statuses = await service.statuses()

    def of_role(role: str) -> list[dict[str, Any]]:
        return [
            {"name": key.partition(".")[2], **document}
            for key, document in statuses.items()
            if key.partition(".")[0] == role
        ]

    return {
        "providers": of_role("ingest"),
        "books": of_role("book"),
        "gateways": of_role("gateway"),
        "shards": service.shards(),
        "markets": len(service.hub.board.markets),
    }


@router.get("/metrics", include_in_schema=False)
async def metrics(service: TheService) -> Response:
    """Prometheus text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Figures(service))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


class _Figures(Collector):
    """Reads the service's own counters at the moment of the scrape: the hot path counts plain integers."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def collect(self) -> Iterator[Metric]:
        service = self._service
        hub, turns, intake = service.hub, service.turns, service.intake
        gauges = (
            ("connections", "Open WebSocket and stream connections", service.connections),
            ("audiences", "Different sets of topics", hub.fanout.audiences),
            ("markets", "Markets known", len(hub.board.markets)),
            ("ready", "1 if clients may come", int(not service.unready())),
            ("broker_connected", "1 if the broker is connected", int(service.nc.is_connected)),
            ("cache_connected", "1 if the last-value cache answers", int(service.cache.detail == "connected")),
        )
        for name, text, value in gauges:
            yield GaugeMetricFamily(f"touchline_gateway_{name}", text, value=value)
        counters = (
            ("updates", "Book updates received", intake.updates),
            ("unreadable", "Messages that could not be read", intake.unreadable),
            ("writes", "Writes to clients", turns.writes),
            ("written_bytes", "Bytes written to clients", turns.bytes),
            ("turns", "Turns of the loop with something to write", turns.turns),
            ("conflated", "Updates that slow clients were spared", hub.fanout.conflated),
            ("snapshots_failed", "Books that a leader did not give", intake.snapshots_failed),
        )
        for name, text, value in counters:
            yield CounterMetricFamily(f"touchline_gateway_{name}", text, value=value)
        snapshots = CounterMetricFamily("touchline_gateway_snapshots", "Books taken up", labels=["shard"])
        whole = GaugeMetricFamily("touchline_gateway_shard_whole", "1 if nothing is missing", labels=["shard"])
        lost = GaugeMetricFamily("touchline_gateway_shard_lost", "1 if shown as AuthorityLost", labels=["shard"])
        for shard in hub.board.shards:
            label = [str(shard.number)]
            snapshots.add_metric(label, shard.snapshots)
            whole.add_metric(label, int(shard.whole))
            lost.add_metric(label, int(shard.lost))
        yield from (snapshots, whole, lost)
        bets = CounterMetricFamily("touchline_gateway_bets", "Answers to bets by HTTP status", labels=["status"])
        for status, count in sorted(service.bets.decided.items()):
            bets.add_metric([str(status)], count)
        yield bets
