"""Whether a provider's event is one we know: the rules, as pure functions of what is known.

A **pairing** is one sport, league and set of participants, whichever of them is at home. All events of a pairing stand in
one record, so deciding where a new view belongs and recording it is one compare-and-set (`touchline.ingest.registry`).

Order of the rules (DESIGN, section 6): the EntityMaps' explicit cross-reference, then what is recorded already, then game
number and start time. A provider names one game once, so an event that holds another native id of the same provider is another game.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple

import msgspec

KEEP_US = 14 * 24 * 3_600 * 1_000_000
"""Events that started longer ago than this before the newest view leave their pairing (their own records stay)."""
MAX_EVENTS = 64


class EventView(NamedTuple):
    """One provider's view of an event, in internal words. `home` and `away` are empty where there are no two sides (a race)."""

    provider: str
    native_id: str
    sport: str
    league: str
    home: str
    away: str
    name: str
    start_us: int
    game: int = 0
    """1, 2, … where one pair plays several games on a day and the provider says which; 0: not said."""
    tolerance_us: int = 0
    reference: str = ""
    """The internal id that an EntityMap gives to this native id explicitly, else empty."""
    reference_source: str = ""

    @property
    def member(self) -> str:
        """How this view is named in records."""
        return member(self.provider, self.native_id)

    @property
    def pairing(self) -> str:
        """The key of its pairing: the same for both orders of the sides."""
        sides = sorted((self.home, self.away)) if self.home or self.away else [self.name]
        return _digest("\x1f".join((self.sport, self.league, *sides)), 10)


class PairingEvent(msgspec.Struct):
    """What the rules need of one event. `members` maps `provider|native id` to the start it last stated."""

    id: str
    game: int
    members: dict[str, int]
    apart: list[str] = []
    """Members that were split off: never matched to it again by rule."""


class Pairing(msgspec.Struct):
    """All events of one pairing, oldest first."""

    events: list[PairingEvent] = []


class Match(NamedTuple):
    """It is this event; `why` says by which rule."""

    id: str
    why: str


class New(NamedTuple):
    """Nobody has told us of it before."""

    why: str


class Ambiguous(NamedTuple):
    """It could be any of the candidates: a person has to say (an EntityMap cross-reference or `touchline events`)."""

    candidates: tuple[str, ...]
    why: str


Decision = Match | New | Ambiguous


def member(provider: str, native_id: str) -> str:
    """How one provider's event is named in records."""
    return f"{provider}|{native_id}"


def decide(view: EventView, events: Sequence[PairingEvent]) -> Decision:
    """Where a view belongs among the events of its pairing."""
    if view.reference:
        return Match(view.reference, f"cross-reference in {view.reference_source}")
    for event in events:
        if view.member in event.members:
            return Match(event.id, "recorded before")
    possible = [event for event in events if _may_be(view, event)]
    numbered = [event for event in possible if view.game and event.game == view.game]
    if numbered:
        possible = numbered
    if len(possible) > 1:
        return Ambiguous(
            tuple(event.id for event in possible),
            f"{len(possible)} games of this pairing start within {view.tolerance_us // 1_000_000} s of the stated time",
        )
    if not possible:
        return New("no known game of this pairing starts within the tolerance" if events else "first of its pairing")
    (event,) = possible
    if numbered:
        return Match(event.id, f"pairing and game number {view.game}")
    apart = min(abs(view.start_us - start) for start in event.members.values())
    return Match(event.id, f"pairing, and a start {apart // 1_000_000} s apart")


def _may_be(view: EventView, event: PairingEvent) -> bool:
    """Whether the rules allow this view to be this event at all."""
    if view.member in event.apart or not event.members:
        return False
    prefix = f"{view.provider}|"
    if any(name.startswith(prefix) for name in event.members):
        return False
    if view.game and event.game and view.game != event.game:
        return False
    return any(abs(view.start_us - start) <= view.tolerance_us for start in event.members.values())


def joined(pairing: Pairing, view: EventView, event_id: str) -> Pairing:
    """The pairing with this view in this event (made where it is new), and without events long past."""
    events = [
        PairingEvent(event.id, event.game, dict(event.members), list(event.apart))
        for event in pairing.events
        if event.id == event_id or not event.members or max(event.members.values()) >= view.start_us - KEEP_US
    ]
    for event in events:
        if event.id == event_id:
            event.members[view.member] = view.start_us
            event.game = event.game or view.game
            break
    else:
        events.append(PairingEvent(event_id, view.game, {view.member: view.start_us}))
    return Pairing(events[-MAX_EVENTS:])


def without(pairing: Pairing, name: str, *, event_id: str, apart: bool) -> Pairing:
    """The pairing with one member taken out of one event; `apart`: and never matched to it again."""
    events = []
    for event in pairing.events:
        members = dict(event.members)
        separate = list(event.apart)
        if event.id == event_id:
            members.pop(name, None)
            if apart and name not in separate:
                separate.append(name)
        if members or event.id != event_id or separate:
            events.append(PairingEvent(event.id, event.game, members, separate))
    return Pairing(events)


def event_id(view: EventView, attempt: int) -> str:
    """The internal id proposed for a new event: from what was seen first, and from `attempt` where that one is taken.

    Two processes that see one event at the same moment propose the same id.
    """
    seed = "\x1f".join((view.pairing, str(view.start_us), str(view.game), str(attempt) if attempt else ""))
    return f"e{_digest(seed, 5)}"


def _digest(text: str, size: int) -> str:
    return blake2b(text.encode(), digest_size=size).hexdigest()
