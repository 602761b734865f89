"""The figures of one ingest for a scrape: what its status says, as counters that a monitoring system can follow."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from touchline.feeds.interface import Disposition
from touchline.ingest.capture import Capture
from touchline.ingest.feed import ProviderFeed
from touchline.ingest.refusals import QuarantineReason

if TYPE_CHECKING:
    from prometheus_client.core import Metric

US = 1_000_000


def figures(
    now: int, *, ready: bool, broker: bool, active: bool, connected: bool, capture: Capture, feed: ProviderFeed | None
) -> "Iterator[Metric]":
    """Everything for one scrape. `connected`: to the provider. Before a feed runs, the figures of feeds are absent."""
    from touchline.bus.operations import counter, gauge

    def ingest(name: str) -> str:
        return f"touchline_ingest_{name}"

    yield gauge(ingest("ready"), "1 if this process could receive", int(ready))
    yield gauge(ingest("broker_connected"), "1 if the broker is connected", int(broker))
    yield gauge(ingest("active"), "1 if it is this process's turn to receive, 0 while it stands by", int(active))
    yield gauge(ingest("connected"), "1 if the provider is connected", int(connected))
    yield gauge(
        ingest("capture_waiting_frames"), "Raw frames that the broker has not confirmed as stored", capture.waiting
    )
    yield counter(ingest("captured_frames"), "Raw frames that the broker confirmed as stored", capture.stored)
    if feed is None:
        return
    frames, updates, health = feed.frames, feed.pipeline.counts, feed.health
    by_disposition = {
        Disposition.ACCEPTED: frames.accepted,
        Disposition.IGNORED: frames.ignored,
        Disposition.QUARANTINED: frames.quarantined,
    }
    messages = {each.value: float(count) for each, count in by_disposition.items()}
    yield counter(ingest("messages"), "Messages of the provider by what became of them", messages, "disposition")
    results = {
        "accepted": updates.accepted,
        "partial": updates.partial,
        "quarantined": updates.quarantined,
        "ignored": updates.ignored,
        "waiting": updates.waiting,
    }
    yield counter(ingest("updates"), "Updates of single markets by what became of them on arrival", results, "result")
    refused = {each.value: float(updates.refusals.get(each.value, 0)) for each in QuarantineReason}
    yield counter(ingest("refused"), "What was refused, by reason", refused, "reason")
    yield counter(ingest("published_batches"), "Batches numbered for the book", feed.publisher.batches)
    yield counter(ingest("dropped"), "Messages for the book not sent: no broker, or another's turn", feed.dropped)
    yield counter(ingest("gaps"), "Gaps that the protocol proved", health.gaps)
    yield counter(ingest("disconnects"), "Established connections that broke", health.disconnects)
    delay = health.delay_p99_us(now)
    if delay >= 0:
        yield gauge(ingest("delay_p99_seconds"), "Provider's publish time to ours, 99th percentile of 10 s", delay / US)
    yield gauge(ingest("silence_seconds"), "Age of the provider's last proof of life", health.silence_us(now) / US)
