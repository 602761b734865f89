"""Undoing what was matched: split a provider's event off, or merge two events. For people (`touchline events`), and recorded.

Both write the event's records first and the provider's pointer last: it is the pointer that the ingest process of that provider watches.
"""

from functools import partial

import msgspec

from touchline.ingest.event_records import Entry, EventRecord, created, encode, noted, record_key
from touchline.ingest.identity import EventView, event_id, joined, without
from touchline.ingest.registry import MAX_TRIES, Conflict, Registry, RegistryUnavailable


class UnknownEvent(LookupError):
    """No such event, or no such member of it; the message says which."""


async def split(registry: Registry, provider: str, native_id: str, *, by: str, why: str) -> str:
    """Make a provider's event an event of its own, never again matched to the one it was in; returns the new internal id.

    Raises:
        UnknownEvent: nobody has resolved this native id yet.
        RegistryUnavailable: the broker did not answer or others won every race.
    """
    pointer = await registry.pointer(provider, native_id)
    if not pointer.id:
        raise UnknownEvent(f"{provider} has no event {native_id!r} on record")
    before = await registry.take_out(provider, native_id, pointer.id, apart=True, by=by, why=why)
    if before is None:
        raise UnknownEvent(f"event {pointer.id} has no record")
    view = _view_of(before, provider, native_id)
    for attempt in range(1, MAX_TRIES):
        identity = event_id(view, attempt)
        record = created(view, identity, at=registry.wall(), by=by, why=f"split off {pointer.id}: {why}")
        record = msgspec.structs.replace(record, members={view.member: why})
        try:
            await registry.write(record_key(identity), encode(record), 0)
        except Conflict:
            continue
        break
    else:
        raise RegistryUnavailable(f"{MAX_TRIES} proposed ids were taken")
    await registry.change_pairing(view.pairing, partial(joined, view=view, event_id=identity))
    await registry.point(provider, native_id, identity, pointer.revision)
    return identity


async def merge(registry: Registry, *, into: str, event: str, by: str, why: str) -> EventRecord:
    """Make two events one: every member of `event` moves to `into`; returns the joined record.

    Raises:
        UnknownEvent: one of the two does not exist, or they are the same.
        RegistryUnavailable: the broker did not answer or others won every race.
    """
    kept, _ = await registry.record(into)
    other, _ = await registry.record(event)
    if kept is None or other is None or into == event:
        raise UnknownEvent(f"cannot merge {event!r} into {into!r}: both must exist and differ")
    if kept.merged_into:
        raise UnknownEvent(f"{into!r} was itself merged into {kept.merged_into!r}: merge into that one")
    moved = dict(other.members)

    def gone(current: EventRecord) -> EventRecord:
        entry = Entry(registry.wall(), "merged", "", by, f"into {into}: {why}")
        return noted(current, entry, members={}, merged_into=into)

    def grown(current: EventRecord) -> EventRecord:
        entry = Entry(registry.wall(), "merged", ", ".join(moved), by, f"from {event}: {why}")
        return noted(current, entry, members=current.members | moved)

    await registry.change_record(event, gone)
    joined_record = await registry.change_record(into, grown)
    for name in moved:
        provider, _, native_id = name.partition("|")
        view = _view_of(kept, provider, native_id)
        await registry.change_pairing(other.pairing, partial(without, name=name, event_id=event, apart=False))
        await registry.change_pairing(view.pairing, partial(joined, view=view, event_id=into))
        pointer = await registry.pointer(provider, native_id)
        await registry.point(provider, native_id, into, pointer.revision)
    return joined_record


def _view_of(record: EventRecord, provider: str, native_id: str) -> EventView:
    return EventView(
        provider=provider,
        native_id=native_id,
        sport=record.sport,
        league=record.league,
        home=record.home,
        away=record.away,
        name=record.name,
        start_us=record.start_us,
        game=record.game,
    )
