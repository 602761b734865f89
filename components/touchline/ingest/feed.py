"""One provider's feed at work: the pure parts (state, pipeline, publisher, health) between reception and the bus.

Everything that decides happens in `take`, without waiting; what it decides to send goes to one outbox, in order, and `flush` sends it. So
a beat is never ahead of the batches that it vouches for. While the broker is away, or it is another process's turn, the outbox is emptied
rather than kept: readers see the hole in the numbers and ask for a resync set, which is newer than anything kept could be.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence

import msgspec
from nats.aio.client import Client
from nats.errors import Error as NatsError

from touchline.bus import subjects
from touchline.bus.messages import Probe, ResyncRequest
from touchline.domain.status import ProviderState
from touchline.feeds.interface import Alive, Disposition, Frame, Gap, Output, State, Updates
from touchline.ingest.clock import Clock
from touchline.ingest.counts import FrameCounts, count
from touchline.ingest.durable import DurableSender
from touchline.ingest.entities import Entities
from touchline.ingest.event_records import Resolved
from touchline.ingest.feed_state import FeedState
from touchline.ingest.health import Health, Thresholds
from touchline.ingest.identities import Identities
from touchline.ingest.identity import Ambiguous
from touchline.ingest.origin import Origin
from touchline.ingest.pipeline import Pipeline
from touchline.ingest.publisher import Outgoing, Publisher
from touchline.ingest.quarantine import QuarantineRecord, of_frame, of_long_frame, of_update
from touchline.ingest.results import Coverage, LookUp, Publish, Quarantine, Result

log = logging.getLogger(__name__)

RESYNC_PAUSE_US = 100_000
"""Several nodes that ask at once get one set: it is published to all."""
_IGNORE = Origin(0, "", 0, b"")


class ProviderFeed:
    """Implements `touchline.ingest.reception.Sink`."""

    def __init__(
        self,
        nc: Client,
        provider: str,
        *,
        inc: str,
        valid: Callable[[str], bool],
        shards: int,
        clock: Clock,
        entities: Entities,
        coverage: Coverage,
        thresholds: Thresholds,
        identities: Identities,
        quarantine: DurableSender,
    ) -> None:
        """`valid` says whether this process may publish as an incarnation at this instant; what it may not is dropped."""
        self._nc = nc
        self._valid = valid
        self._clock = clock
        self._identities = identities
        self._quarantine = quarantine
        self._outbox: deque[Outgoing] = deque()
        self._flushing = asyncio.Lock()
        self._entities, self._coverage = entities, coverage
        self._resynced = [-RESYNC_PAUSE_US] * shards
        self._oldest_frame = 0
        self._beaten: ProviderState | None = None
        """The state that the last beat said."""
        self.provider = provider
        self.frames = FrameCounts()
        self.state = FeedState()
        self.health = Health(clock.now(), thresholds)
        self.pipeline = Pipeline(provider, entities, coverage)
        self.publisher = Publisher(provider, inc, shards)
        self.quarantine_dropped = 0
        self.dropped = 0
        """Messages that were not sent: the broker was away, or it was not this process's turn."""
        identities.answered = self.answered
        identities.moved = self.event_moved

    # What the session says

    def take(self, now: int, wall: int, origin: Origin, outputs: Sequence[Output]) -> None:
        """Take a session's outputs in order; see `Sink`."""
        if origin.sequence:
            self.frames.captured += 1
            self.health.frame(now)
            if not self._oldest_frame:
                self._oldest_frame = now
        updated = any(isinstance(output, Updates) for output in outputs)
        for output in outputs:
            match output:
                case Updates():
                    self.health.message(now, origin.received_us, output.publish_us, len(output.updates))
                    self._act(wall, origin, self.pipeline.message(origin.received_us, output))
                case Alive():
                    self.health.alive(now, origin.received_us, output.publish_us, heartbeat=not updated)
                case Frame():
                    self._count_frame(wall, origin, output)
                case State():
                    self._session_state(now, output)
                case Gap():
                    log.warning("gap: %s", output.detail)
                    self.health.gap(now, output.missing)
                    self.state.gap(output.detail)
                    self.beat()
        self._settle_state(now)

    def frame_too_long(self, now: int, wall: int, origin: Origin, detail: str) -> None:
        """A frame that could not be taken whole: its head is quarantined; see `Sink`."""
        self.frames.captured += 1
        self.frames.quarantined += 1
        count(self.frames.quarantined_by_rule, "FrameTooLong")
        self.health.frame(now)
        self._store(of_long_frame(self.provider, wall, origin, detail))

    async def flush(self) -> None:
        """Send the outbox in order; see `Sink`."""
        if not self._outbox or self._flushing.locked():
            return  # whoever holds the lock sends ours too
        async with self._flushing:
            while self._outbox:
                # Asked for each message with a fresh clock: between any two this process may have stood still.
                if not self._nc.is_connected or not self._valid(self.publisher.inc):
                    self.dropped += len(self._outbox)
                    self._outbox.clear()
                    break
                subject, payload = self._outbox.popleft()
                try:
                    await self._nc.publish(subject, payload)
                except NatsError as error:
                    self.dropped += 1
                    log.warning("%s: %r", subject, error)
            if self._oldest_frame:
                now = self._clock.now()
                self.health.handled(now, now - self._oldest_frame)
                self._oldest_frame = 0

    # What others ask

    def beat(self) -> None:
        """Put a beat after everything that is in the outbox."""
        now = self._clock.now()
        self._finish_recovery(now)
        self._beaten = self.state.state
        self._outbox.append(
            self.publisher.beat(
                now,
                state=self._beaten,
                detail=self.state.detail,
                last_src=self.health.last_src,
                silence_us=self.health.silence_us(now),
                delay_us=self.health.delay_p99_us(now),
            )
        )

    def probed(self, probe: Probe) -> None:
        """A book node's clock stamp arrived."""
        self.publisher.probe(self._clock.now(), probe)

    def resync(self, request: ResyncRequest) -> bool:
        """A book node asks for a shard; false where there is no such shard or it was sent a moment ago."""
        now = self._clock.now()
        if not 0 <= request.shard < len(self._resynced) or now - self._resynced[request.shard] < RESYNC_PAUSE_US:
            return False
        self._resynced[request.shard] = now
        self._outbox.extend(self.publisher.resync(request.shard))
        return True

    def tick(self) -> None:
        """Time passed: what waits for another try."""
        now, wall = self._clock.now(), self._clock.wall()
        self._act(wall, _IGNORE, self.pipeline.tick(now))

    def answered(self, key: str, outcome: Resolved | Ambiguous | None) -> None:
        """The registry's answer to a look-up; `None`: it could not be asked."""
        now, wall = self._clock.now(), self._clock.wall()
        results = self.pipeline.failed(key) if outcome is None else self.pipeline.resolved(now, key, outcome)
        self._act(wall, _IGNORE, results)
        self._settle_state(now)

    def event_moved(self, native_event: str, internal: str) -> None:
        """Somebody split or merged one of the provider's events."""
        self._act(self._clock.wall(), _IGNORE, self.pipeline.moved(native_event, internal))

    def configure(self, entities: Entities, coverage: Coverage, thresholds: Thresholds) -> None:
        """New EntityMaps, coverage or thresholds: live at once."""
        self._entities, self._coverage = entities, coverage
        self.health.configure(thresholds)
        self._act(self._clock.wall(), _IGNORE, self.pipeline.configure(entities, coverage))

    def renew(self, inc: str) -> None:
        """Publish under another name from here on, beginning with all that is known."""
        self._outbox.clear()
        self.publisher.renew(inc)
        self._outbox.extend(self.publisher.resync_all())
        self.beat()

    def restart(self, state: ProviderState, detail: str) -> None:
        """A new adapter takes over (or none): what the old one told us is withdrawn."""
        now = self._clock.now()
        self.state.session(now, state, detail)
        self._outbox.extend(self.publisher.withdraw_all())
        counts = self.pipeline.counts
        self.pipeline = Pipeline(self.provider, self._entities, self._coverage)
        self.pipeline.counts = counts

    # Inside

    def _act(self, wall: int, origin: Origin, results: list[Result]) -> None:
        for result in results:
            match result:
                case Publish():
                    self._outbox.extend(self.publisher.message(result.updates))
                case Quarantine():
                    self._store(of_update(self.provider, wall, origin, result))
                case LookUp():
                    self._identities.ask(result)

    def _settle_state(self, now: int) -> None:
        """End a recovery that is complete, and let no reader wait for the next beat to learn of another state."""
        self._finish_recovery(now)
        if self.state.state is not self._beaten:
            self.beat()

    def _finish_recovery(self, now: int) -> None:
        if self.state.finish(now, self.pipeline.pending):
            self._outbox.extend(self.publisher.resync_all())

    def _session_state(self, now: int, output: State) -> None:
        before = self.state.state
        self.state.session(now, output.state, output.detail)
        if output.state is ProviderState.DISCONNECTED and before is not ProviderState.DISCONNECTED:
            self.health.disconnected(now)
        log.info("%s: %s", output.state, output.detail)

    def _count_frame(self, wall: int, origin: Origin, frame: Frame) -> None:
        match frame.disposition:
            case Disposition.ACCEPTED:
                self.frames.accepted += 1
            case Disposition.IGNORED:
                self.frames.ignored += 1
                count(self.frames.ignored_by_rule, frame.rule)
            case Disposition.QUARANTINED:
                self.frames.quarantined += 1
                count(self.frames.quarantined_by_rule, frame.rule)
                log.warning(
                    "frame %d of %s: %s: %s", origin.sequence, origin.connection, frame.rule, frame.detail[:300]
                )
                self._store(of_frame(self.provider, wall, origin, frame))

    def _store(self, record: QuarantineRecord) -> None:
        """Write to quarantine; beyond its bound only the counters know."""
        if self._quarantine.full:
            self.quarantine_dropped += 1
            return
        self._quarantine.send(subjects.quarantine(self.provider, record.reason), msgspec.json.encode(record), {})
