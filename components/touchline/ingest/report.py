"""The status document of one ingest process, written each second to `ingest.<provider>`."""

from dataclasses import asdict
from typing import Any

import msgspec

from touchline.feeds.replay.adapter import ReplayAdapter
from touchline.ingest.capture import Capture
from touchline.ingest.declaration import Declared
from touchline.ingest.durable import DurableSender
from touchline.ingest.feed import ProviderFeed
from touchline.ingest.reception import Reception
from touchline.version import __version__

WAITING = "Waiting"
"""State of a process that has no feed to run; `detail` says why."""


def report(
    *,
    provider: str,
    node: str,
    inc: str,
    now: int,
    wall: int,
    waiting: str,
    declared: Declared | None,
    feed: ProviderFeed | None,
    reception: Reception | None,
    capture: Capture,
    quarantine: DurableSender,
) -> dict[str, Any]:
    """Everything that is known, as JSON-compatible values. Times in microseconds, shares in parts per million."""
    document: dict[str, Any] = {
        "version": __version__,
        "role": "ingest",
        "provider": provider,
        "node": node,
        "inc": inc,
        "at": wall,
        "state": WAITING,
        "detail": waiting,
        "connected": reception is not None and reception.connected,
        "permanent": reception.permanent if reception is not None else waiting,
        "endpoint": _endpoint(declared),
        "problems": list(declared.problems) if declared is not None else [],
        "capture": {
            "stored": capture.stored,
            "waiting": capture.waiting,
            "fault": capture.sender.fault,
            "stalled": reception.stall if reception is not None else "",
        },
    }
    if feed is None:
        return document
    if not waiting:
        document |= {"state": str(feed.state.state), "detail": feed.state.detail}
    if reception is not None and isinstance(reception.adapter, ReplayAdapter):
        document["replay"] = asdict(reception.adapter.progress)
    priced, wanted = feed.pipeline.completeness()
    return document | {
        "health": feed.health.report(now, priced=priced, wanted=wanted),
        "frames": msgspec.to_builtins(feed.frames),
        "updates": msgspec.to_builtins(feed.pipeline.counts),
        "markets": feed.pipeline.sizes(),
        "unmatched": feed.pipeline.unmatched(),
        "published": {
            "batches": feed.publisher.batches,
            "updates": feed.publisher.updates,
            "markets": feed.publisher.state.count(),
            "droppedWhileBrokerAway": feed.dropped,
        },
        "quarantine": {
            "waiting": quarantine.waiting,
            "dropped": feed.quarantine_dropped,
            "fault": quarantine.fault,
        },
    }


def _endpoint(declared: Declared | None) -> str:
    """Where the feed comes from, as its block says."""
    if declared is None:
        return ""
    spec = declared.spec
    for block in (
        spec.betfair_stream,
        spec.sportradar_uof,
        spec.genius_sports,
        spec.sports_data_io,
        spec.the_odds_api,
        spec.pinnacle,
        spec.optic_odds,
    ):
        if block is not None:
            return str(block.endpoint)
    return spec.replay.file if spec.replay is not None else ""
