"""What the recorder says of itself: its status document, and its figures for a scrape."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from touchline.recorder.recorder import Recorder
from touchline.version import __version__

if TYPE_CHECKING:
    from prometheus_client.core import Metric


def report(recorder: Recorder, *, node: str, wall: int) -> dict[str, Any]:
    """The status document. `at`: epoch microseconds; `oldest`: RFC 3339, empty for none; `keptS`: declared, in seconds."""
    extent, lost = recorder.extent, recorder.last_break
    return {
        "role": "recorder",
        "version": __version__,
        "node": node,
        "at": wall,
        "recording": not recorder.fault,
        "waitingFor": recorder.fault,
        "segments": extent.last - extent.first + 1 if extent is not None and extent.oldest else 0,
        "rolled": extent is not None and extent.first > 1,
        "oldest": extent.oldest if extent is not None else "",
        "bytes": extent.octets if extent is not None else 0,
        "mostBytes": extent.most_octets if extent is not None else 0,
        "keptS": extent.kept_s if extent is not None else 0,
        "behind": recorder.behind,
        "entries": recorder.entries,
        "breaks": recorder.breaks,
        "lastBreak": f"{lost.stream} between {lost.after} and {lost.until}: {lost.why}" if lost is not None else "",
    }


def figures(recorder: Recorder | None, *, ready: bool, broker: bool) -> "Iterator[Metric]":
    """Everything for one scrape; before there is a broker, only that there is none."""
    from touchline.bus.operations import counter, gauge

    def named(name: str) -> str:
        return f"touchline_recorder_{name}"

    yield gauge(named("ready"), "1 if this process could record", int(ready))
    yield gauge(named("broker_connected"), "1 if the broker is connected", int(broker))
    if recorder is None:
        return
    yield gauge(named("recording"), "1 if what happens is being recorded", int(not recorder.fault))
    yield gauge(named("behind_messages"), "Messages in the broker that are not read yet", recorder.behind)
    yield counter(named("entries"), "Prices and decisions that were stored in the log", recorder.entries)
    yield counter(named("segments"), "Segments that were stored", recorder.segments)
    yield counter(named("breaks"), "Holes in what could be recorded; each is in the log", recorder.breaks)
