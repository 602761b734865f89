"""The shell around `identity`: reads and writes the `events` bucket by compare-and-set.

Many processes decide at once. The pairing's record is where a decision becomes true: it is written only if nobody wrote it since it
was read, else everything is read and decided again. The event's own record and the provider's pointer follow; a process that
dies in between leaves a pairing that says where its event belongs, and whoever resolves next completes the rest.
"""

import logging
from collections.abc import AsyncIterator, Callable
from typing import NamedTuple

import msgspec
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js.errors import KeyNotFoundError, KeyWrongLastSequenceError
from nats.js.kv import KeyValue

from touchline.bus import subjects
from touchline.bus.watching import next_entry
from touchline.ingest.clock import Clock
from touchline.ingest.event_records import (
    AUTOMATIC,
    Entry,
    EventRecord,
    Resolved,
    created,
    decode_record,
    encode,
    enrolled,
    noted,
    pairing_key,
    pointer_key,
    record_key,
)
from touchline.ingest.identity import (
    Ambiguous,
    EventView,
    Match,
    New,
    Pairing,
    decide,
    event_id,
    joined,
    member,
    without,
)

log = logging.getLogger(__name__)

MAX_TRIES = 64
MAX_HOPS = 8
_decode_pairing = msgspec.json.Decoder(Pairing).decode


class RegistryUnavailable(Exception):
    """The bucket could not be read or written, or others won every race; try again later."""


class Conflict(Exception):
    """Somebody else wrote the key first: read again and decide again."""


class Registry:
    """Identities of events, shared by every ingest process."""

    def __init__(self, nc: Client, clock: Clock, *, by: str = AUTOMATIC) -> None:
        self._nc = nc
        self._clock = clock
        self._by = by
        self._bucket: KeyValue | None = None

    async def resolve(self, view: EventView) -> Resolved | Ambiguous:
        """The internal event of a provider's view, made if it is new. Safe against every other process that does the same.

        Raises:
            RegistryUnavailable: the broker did not answer, or the race was lost too often.
        """
        try:
            for _ in range(MAX_TRIES):
                try:
                    return await self._attempt(view)
                except Conflict:
                    continue
        except (NatsError, TimeoutError, OSError) as error:
            raise RegistryUnavailable(f"bucket {subjects.EVENTS_BUCKET!r}: {error!r}") from error
        raise RegistryUnavailable(f"lost {MAX_TRIES} races in a row over {view.member}")

    async def _attempt(self, view: EventView) -> Resolved | Ambiguous:
        pointer = await self.pointer(view.provider, view.native_id)
        pairing, revision = await self.pairing(view.pairing)
        decision = decide(view, pairing.events)
        if pointer.id and not view.reference:
            decision = Match(pointer.id, "recorded before")
        if isinstance(decision, Ambiguous):
            return decision
        if isinstance(decision, New):
            chosen, why = await self._claim(view, pairing, decision.why), decision.why
        else:
            chosen, why = await self._survivor(decision.id), decision.why
        if pointer.id and pointer.id != chosen:
            await self._leave(view, pointer.id, chosen, why)
        await self.write_pairing(view.pairing, joined(pairing, view, chosen), pairing, revision)
        record = await self._enrol(view, chosen, why)
        if pointer.id != chosen:
            await self.point(view.provider, view.native_id, chosen, pointer.revision)
        return Resolved(record, why)

    async def _claim(self, view: EventView, pairing: Pairing, why: str) -> str:
        """An id nobody has: made by creating its record. One that a dead process of the same pairing left behind is taken over."""
        taken = {event.id for event in pairing.events}
        for attempt in range(MAX_TRIES):
            proposed = event_id(view, attempt)
            if proposed in taken:
                continue
            record = created(view, proposed, at=self._clock.wall(), by=self._by, why=why)
            try:
                await self.write(record_key(proposed), encode(record), 0)
            except Conflict:
                existing, _ = await self.record(proposed)
                if existing is None or existing.pairing != view.pairing or existing.members:
                    continue
            return proposed
        raise RegistryUnavailable(f"{MAX_TRIES} proposed ids were taken for {view.member}")

    async def _survivor(self, identity: str) -> str:
        """Where an event that was merged into another lives on."""
        for _ in range(MAX_HOPS):
            record, _ = await self.record(identity)
            if record is None or not record.merged_into:
                return identity
            identity = record.merged_into
        raise RegistryUnavailable(f"more than {MAX_HOPS} merges lead away from {identity}: undo one (touchline events)")

    async def _enrol(self, view: EventView, identity: str, why: str) -> EventRecord:
        for _ in range(MAX_TRIES):
            record, revision = await self.record(identity)
            at = self._clock.wall()
            current = record or created(view, identity, at=at, by=self._by, why=why)
            updated = enrolled(current, view, at=at, by=self._by, why=why)
            if updated == record:
                return updated
            try:
                await self.write(record_key(identity), encode(updated), revision)
            except Conflict:
                continue
            return updated
        raise RegistryUnavailable(f"lost {MAX_TRIES} races in a row over event {identity}")

    async def _leave(self, view: EventView, old: str, new: str, why: str) -> None:
        """Take the member out of the event it was in: a cross-reference, or a merge, has moved it."""
        await self.take_out(view.provider, view.native_id, old, apart=False, by=self._by, why=f"moved to {new}: {why}")

    # Changes that corrections are made of

    def wall(self) -> int:
        """Epoch microseconds, for the history."""
        return self._clock.wall()

    async def take_out(
        self, provider: str, native_id: str, event: str, *, apart: bool, by: str, why: str
    ) -> EventRecord | None:
        """Remove a member from an event's pairing and record; the record as it was before, `None` where there is none.

        Raises:
            RegistryUnavailable: others won every race.
        """
        name = member(provider, native_id)
        before, _ = await self.record(event)
        if before is None:
            return None
        await self.change_pairing(before.pairing, lambda pairing: without(pairing, name, event_id=event, apart=apart))

        def removed(current: EventRecord) -> EventRecord:
            members = {key: value for key, value in current.members.items() if key != name}
            return noted(current, Entry(self.wall(), "split off", name, by, why), members=members)

        await self.change_record(event, removed)
        return before

    async def change_pairing(self, key: str, change: Callable[[Pairing], Pairing]) -> None:
        """Read, change and write one pairing until nobody came between.

        Raises:
            RegistryUnavailable: others won every race.
        """
        for _ in range(MAX_TRIES):
            pairing, revision = await self.pairing(key)
            try:
                await self.write_pairing(key, change(pairing), pairing, revision)
            except Conflict:
                continue
            return
        raise RegistryUnavailable(f"lost {MAX_TRIES} races in a row over pairing {key}")

    async def change_record(self, event: str, change: Callable[[EventRecord], EventRecord]) -> EventRecord:
        """Read, change and write one event's record until nobody came between.

        Raises:
            LookupError: there is no such record.
            RegistryUnavailable: others won every race.
        """
        for _ in range(MAX_TRIES):
            record, revision = await self.record(event)
            if record is None:
                raise LookupError(f"event {event} has no record")
            updated = change(record)
            try:
                await self.write(record_key(event), encode(updated), revision)
            except Conflict:
                continue
            return updated
        raise RegistryUnavailable(f"lost {MAX_TRIES} races in a row over event {event}")

    # Keys of the bucket

    class Pointer(NamedTuple):
        id: str
        revision: int

    async def pointer(self, provider: str, native_id: str) -> Pointer:
        value, revision = await self.read(pointer_key(provider, native_id))
        return self.Pointer(value.decode(), revision)

    async def point(self, provider: str, native_id: str, identity: str, revision: int) -> None:
        await self.write(pointer_key(provider, native_id), identity.encode(), revision)

    async def record(self, identity: str) -> tuple[EventRecord | None, int]:
        value, revision = await self.read(record_key(identity))
        return (decode_record(value) if value else None), revision

    async def pairing(self, key: str) -> tuple[Pairing, int]:
        value, revision = await self.read(pairing_key(key))
        return (_decode_pairing(value) if value else Pairing()), revision

    async def write_pairing(self, key: str, new: Pairing, old: Pairing, revision: int) -> None:
        if new != old or not revision:
            await self.write(pairing_key(key), encode(new), revision)

    async def read(self, key: str) -> tuple[bytes, int]:
        """Value and revision; empty and 0 where there is none."""
        bucket = await self._events()
        try:
            entry = await bucket.get(key)
        except KeyNotFoundError as error:
            gone = getattr(error, "entry", None)
            return b"", (gone.revision or 0) if gone is not None else 0
        return entry.value or b"", entry.revision or 0

    async def write(self, key: str, value: bytes, revision: int) -> None:
        """Write a key that is still at `revision` (0: absent).

        Raises:
            Conflict: it is not.
        """
        bucket = await self._events()
        try:
            await bucket.update(key, value, last=revision)
        except KeyWrongLastSequenceError as error:
            raise Conflict(key) from error

    async def _events(self) -> KeyValue:
        if self._bucket is None:
            self._bucket = await self._nc.jetstream(timeout=2).key_value(subjects.EVENTS_BUCKET)
        return self._bucket


async def watch_pointers(nc: Client, provider: str) -> AsyncIterator[tuple[str, str]]:
    """`(native event id, internal id)` of one provider: what is recorded now, then each change, until the connection is replaced."""
    bucket = await nc.jetstream(timeout=2).key_value(subjects.EVENTS_BUCKET)
    watcher = await bucket.watch(f"p.{provider}.>")
    reconnects = nc.stats["reconnects"]
    try:
        while nc.stats["reconnects"] == reconnects and not nc.is_closed:
            try:
                entry = await next_entry(watcher, within=1)
            except (TimeoutError, NatsError):
                continue
            if entry is not None and entry.value:
                yield bytes.fromhex(entry.key.rpartition(".")[2]).decode(), entry.value.decode()
    finally:
        if nc.is_connected:
            await watcher.stop()  # type: ignore[no-untyped-call]
