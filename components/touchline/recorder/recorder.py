"""Recording: read every source from where the log's end says, fill segments, append them; begin again from the end after any doubt."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable

from nats.aio.client import Client

from touchline.bus import subjects
from touchline.bus.stream_reader import StreamReader, Unreadable
from touchline.bus.trouble import Trouble
from touchline.recorder import segments
from touchline.recorder.audit_log import AuditLog, End, Extent, NotNow
from touchline.recorder.draft import Draft
from touchline.recorder.segments import Break
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
LIFE_US = 900_000_000
"""A quarter of the shortest retention that may be declared: there is always a segment to go on from."""


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
        self._end = End(None, segments.NOTHING, 0)
        self._draft = Draft(now(), life_us=LIFE_US)
        self._looked = 0
        self._reconnects = 0
        self._trouble = Trouble(log)
        self.fault = STARTING
        """Why nothing is recorded at present; empty: it is."""
        self.extent: Extent | None = None
        self.segments = 0
        self.entries = 0
        self.breaks = 0
        self.last_break: Break | None = None

    @property
    def behind(self) -> int:
        """Messages that the sources had at the last look and that are not read yet."""
        return sum(track.behind for track in self._tracks)

    @property
    def pending(self) -> int:
        """Entries that are read and not stored yet."""
        return len(self._draft.entries)

    async def run(self) -> None:
        """Record until cancelled.

        Raises:
            touchline.recorder.segments.Damaged: the log ends with something that is no segment: a person must look at it.
        """
        await self._reader.start()
        try:
            while True:
                try:
                    await self._go_on()
                except (NotNow, Unreadable) as error:
                    self.fault = f"{error}"
                    self._trouble.tell(self.fault)
                    await asyncio.sleep(RETRY_S)
        finally:
            with contextlib.suppress(NotNow, TimeoutError):
                async with asyncio.timeout(STOP_S):
                    await self._store_rest()

    async def _go_on(self) -> None:
        """From the log's end for as long as nothing goes wrong."""
        self._end = await self._audit.end()
        known = self._end.segment.places if self._end.segment is not None else {}
        self._tracks = [Track(stream, known.get(stream)) for stream in self._streams]
        self._begin_draft()
        await self._look()
        self._trouble.over()
        self.fault = ""
        while True:
            if self._now() - self._looked >= LOOK_US or self._nc.stats["reconnects"] != self._reconnects:
                await self._look()
            more = await self._read()
            if self._draft.due(self._now()):
                await self._append()
            if not more:
                await asyncio.sleep(POLL_S)

    def _begin_draft(self) -> None:
        self._draft = Draft(self._now(), life_us=LIFE_US)

    async def _look(self) -> None:
        self._looked, self._reconnects = self._now(), self._nc.stats["reconnects"]
        for track in self._tracks:
            lost = track.look(await self._audit.source(track.stream))
            self._add((), [lost] if lost is not None else ())
        self.extent = await self._audit.extent()

    async def _read(self) -> bool:
        """One batch of each source; whether one of them holds more."""
        more = False
        for track in self._tracks:
            if self._draft.full:
                return True
            records, left = await self._reader.read(track.stream, track.next, BATCH)
            self._add(*track.take(records))
            more |= left
        return more

    def _add(self, entries: Iterable[segments.Entry], breaks: Iterable[Break]) -> None:
        found = list(breaks)
        for each in found:
            self.breaks, self.last_break = self.breaks + 1, each
            log.error("%s is not whole in the log between %d and %d: %s", each.stream, each.after, each.until, each.why)
        self._draft.add(self._now(), entries, found)

    async def _append(self) -> None:
        places = {track.stream: track.place for track in self._tracks}
        stored = self._draft.sealed(self._end.hash, writer=self._writer, wall=self._wall(), places=places)
        seq = await self._audit.append(stored, after=self._end.seq)
        self._end = End(None, segments.hash_of(stored), seq)
        self.segments += 1
        self.entries += len(self._draft.entries)
        self._begin_draft()

    async def _store_rest(self) -> None:
        if not self.fault and (self._draft.entries or self._draft.breaks):
            await self._append()
