"""What the `events` bucket holds: one record for each event, with the history of every decision about it.

keys  `p.<provider>.<hex of the native event id>`  the internal id, as text
      `e.<internal id>`                            `EventRecord`
      `g.<pairing>`                                `touchline.ingest.identity.Pairing`, where matching is decided
"""

from typing import NamedTuple

import msgspec

from touchline.ingest.identity import EventView

MAX_HISTORY = 200
AUTOMATIC = "ingest"
"""Who decided, where a rule did."""


class Entry(msgspec.Struct, frozen=True):
    """One decision: `what` is created, matched, moved in, split off, merged or changed; `by` a rule's process or a person."""

    at: int
    what: str
    member: str
    by: str
    why: str


class EventRecord(msgspec.Struct, frozen=True):
    """One event in internal words. `members` gives for each `provider|native id` the rule that brought it here."""

    id: str
    sport: str
    league: str
    home: str
    away: str
    name: str
    start_us: int
    game: int
    pairing: str
    members: dict[str, str] = {}
    history: tuple[Entry, ...] = ()
    merged_into: str = ""


class Resolved(NamedTuple):
    """The event that a view belongs to, and why."""

    record: EventRecord
    why: str


encode = msgspec.json.encode
decode_record = msgspec.json.Decoder(EventRecord).decode


def pointer_key(provider: str, native_id: str) -> str:
    return f"p.{provider}.{native_id.encode().hex()}"


def record_key(event_id: str) -> str:
    return f"e.{event_id}"


def pairing_key(pairing: str) -> str:
    return f"g.{pairing}"


def created(view: EventView, event_id: str, *, at: int, by: str, why: str) -> EventRecord:
    """The record of an event that nobody knew, without members yet."""
    return EventRecord(
        id=event_id,
        sport=view.sport,
        league=view.league,
        home=view.home,
        away=view.away,
        name=view.name,
        start_us=view.start_us,
        game=view.game,
        pairing=view.pairing,
        history=(Entry(at, "created", view.member, by, why),),
    )


def enrolled(record: EventRecord, view: EventView, *, at: int, by: str, why: str) -> EventRecord:
    """The record with this view as a member. The first member's view also keeps the description current."""
    members, history = record.members, record.history
    if view.member not in members:
        members = members | {view.member: why}
        history = (*history, Entry(at, "matched", view.member, by, why))
    described = record
    if next(iter(members)) == view.member:
        described = msgspec.structs.replace(
            record,
            sport=view.sport,
            league=view.league,
            home=view.home,
            away=view.away,
            name=view.name,
            start_us=view.start_us,
            game=view.game or record.game,
            pairing=view.pairing,
        )
        if described != record and members is record.members:
            history = (*history, Entry(at, "changed", view.member, by, _difference(record, described)))
    return msgspec.structs.replace(described, members=members, history=history[-MAX_HISTORY:])


def noted(record: EventRecord, entry: Entry, **changes: object) -> EventRecord:
    """The record with one more decision and the fields that it changed."""
    return msgspec.structs.replace(record, history=(*record.history, entry)[-MAX_HISTORY:], **changes)


def _difference(before: EventRecord, after: EventRecord) -> str:
    fields = ("sport", "league", "home", "away", "name", "start_us", "game")
    return ", ".join(
        f"{field} {getattr(before, field)} -> {getattr(after, field)}"
        for field in fields
        if getattr(before, field) != getattr(after, field)
    )
