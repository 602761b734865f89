"""Recording: read every source from where the log's end says, fill segments, append them.

What was read is kept until it is stored: a broker may have forgotten it meanwhile. Only where the log turns out to end elsewhere does
everything begin again from its end.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable

from nats.aio.client import Client

from touchline.bus import subjects
from touchline.bus.stream_reader import StreamReader, Unreadable
from touchline.bus.trouble import Trouble
from touchline.recorder import segments
from touchline.recorder.audit_log import AuditLog, End, Extent, NotNow, Overtaken
from touchline.recorder.draft import Draft
from touchline.recorder.segments import Break, Damaged
from touchline.recorder.track import Track

log = logging.getLogger(__name__)

POLL_S = 0.5
"""How long after the sources held nothing new they are read again."""
LOOK_US = 5_000_000
"""How often the sources are asked how far they reach, and the log what it holds."""
RETRY_S = 1.0
STOP_S = 2.0
STARTING = "the log's end is not read yet"
BATCH = 500
BATCH_BYTES = 256 << 10
LIFE_US = 900_000_000
"""A quarter of the shortest retention that may be declared: there is always a segment to go on from."""
LOG = "the log"


class Recorder:
    """One process's recording. `now` is monotonic microseconds, `wall` epoch microseconds; `writer` names the process in the log."""

    def __init__(
        self, nc: Client, *, shards: int, writer: str, now: Callable[[], int], wall: Callable[[], int]
    ) -> None:
        self._nc = nc
        self._audit = AuditLog(nc)
        self._reader = StreamReader(nc, timeout_s=5.0)
        self._streams = [subjects.BOOK_STREAM, *(subjects.bets_stream(shard) for shard in range(shards))]
        self._writer = writer
        self._now = now
        self._wall = wall
        self._tracks: list[Track] = []
        self._end: End | None = None
        self._draft = Draft(now(), life_us=LIFE_US)
        self._looked = 0
        self._unlooked: set[str] = set()
        """Streams that must be looked at before they are read on."""
        self._reconnects = 0
        self._trouble = Trouble(log)
        self._faults: dict[str, str] = {LOG: STARTING}
        """What does not work at present, by stream or `LOG`."""
        self.extent: Extent | None = None
        self.segments = 0
        self.entries = 0
        self.breaks = 0
        self.last_break: Break | None = None

    @property
    def fault(self) -> str:
        """Why not everything is recorded at present; empty: it is."""
        return "; ".join(self._faults.values())

    @property
    def behind(self) -> int:
        """Messages that the sources had at the last look and that are not read yet."""
        return sum(track.behind for track in self._tracks)

    @property
    def pending(self) -> int:
        """Entries that are read and not stored yet."""
        return len(self._draft.entries)

    async def run(self) -> None:
        """Record until cancelled; then what was read is stored, if that is possible within `STOP_S`."""
        await self._reader.start()
        try:
            while True:
                more = await self._turn()
                if self._faults:
                    await asyncio.sleep(RETRY_S)
                elif not more:
                    await asyncio.sleep(POLL_S)
        finally:
            with contextlib.suppress(NotNow, TimeoutError):
                async with asyncio.timeout(STOP_S):
                    if self.pending or self._draft.breaks:
                        await self._append()

    async def _turn(self) -> bool:
        """Once through everything; whether a source holds more."""
        try:
            if self._end is None:
                await self._open()
            more = await self._read()
            if self._draft.due(self._now()):
                await self._append()
            elif not self.pending and not self._draft.breaks:
                self._works(LOG)  # nothing waits for what may have failed
        except Overtaken as error:
            log.info("%s: going on from its end", error)
            self._end = None
            return True
        except Damaged as error:
            self._failed(
                LOG,
                f"the log's newest segment cannot be read: {error}; run the release that wrote it, or move the stream AUDIT away",
            )
        except NotNow as error:
            self._failed(LOG, f"{error}")
        else:
            return more
        return False

    async def _open(self) -> None:
        end = await self._audit.end()
        known = end.segment.places if end.segment is not None else {}
        self._tracks = [Track(stream, known.get(stream)) for stream in self._streams]
        self._end = end
        self._unlooked.update(self._streams)
        self._draft = Draft(self._now(), life_us=LIFE_US)
        self._works(LOG)

    async def _read(self) -> bool:
        """A batch of each source, the one that was first last; whether one of them holds more."""
        reconnects = self._nc.stats["reconnects"]
        if self.extent is None or self._now() - self._looked >= LOOK_US or reconnects != self._reconnects:
            self._unlooked.update(self._streams)
            self.extent = await self._audit.extent()
            self._looked, self._reconnects = self._now(), reconnects
        more = False
        self._tracks.append(self._tracks.pop(0))
        for track in self._tracks:
            try:
                more |= await self._read_one(track)
            except (NotNow, Unreadable) as error:
                self._failed(track.stream, f"{error}")
            else:
                self._works(track.stream)
        return more

    async def _read_one(self, track: Track) -> bool:
        if track.stream in self._unlooked:
            await self._look(track)
            self._unlooked.discard(track.stream)
        if self._draft.full:
            return True
        records, more = await self._reader.read(track.stream, track.next, BATCH, max_bytes=BATCH_BYTES)
        if records and not track.goes_on(await self._audit.source(track.stream)):
            await self._look(track)  # what was read is another stream's
            return True
        self._draft.add(self._now(), *track.take(records))
        return more

    async def _look(self, track: Track) -> None:
        state = await self._audit.source(track.stream)
        place = track.place
        found, _ = await self._reader.read(track.stream, place.seq, 1) if place.seq else ([], False)
        if not found and state.first <= place.seq <= state.last:
            raise NotNow(f"who answers for {track.stream} does not have message {place.seq} yet")
        at = found[0].at if found and found[0].seq == place.seq else ""
        lost = track.look(state, at)
        self._draft.add(self._now(), (), [lost] if lost is not None else ())

    async def _append(self) -> None:
        assert self._end is not None
        places = {track.stream: track.place for track in self._tracks}
        stored = self._draft.sealed(self._end.hash, writer=self._writer, wall=self._wall(), places=places)
        seq = await self._audit.append(stored, after=self._end.seq)
        self._end = End(None, segments.hash_of(stored), seq)
        self.segments += 1
        self.entries += len(self._draft.entries)
        for each in self._draft.breaks:
            self.breaks, self.last_break = self.breaks + 1, each
            log.error("the log misses %s between %d and %d: %s", each.stream, each.after, each.until, each.why)
        self._draft = Draft(self._now(), life_us=LIFE_US)
        self._works(LOG)

    def _failed(self, what: str, why: str) -> None:
        self._faults[what] = why
        self._trouble.tell(why, about=what)

    def _works(self, what: str) -> None:
        if self._faults.pop(what, None) is not None:
            self._trouble.over(about=what)
