"""What clients saw, joined with what the provider sent: how long each hop took. No I/O.

All processes run on one machine with one clock, so epoch microseconds of one compare with those of another. A client's frame
carries when ingest received the update (`t.recv`) and when the book published it (`t.pub`); the provider's moment is found by
market and value: the last time before `t.recv` at which that market was sent with that value.
"""

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from bench.crowd import Seen
from bench.load_provider import PER_EVENT


class Journey(NamedTuple):
    """One update's way, epoch microseconds. `arrivals` has one entry for each client that got it."""

    sent: int
    received: int
    published: int
    arrivals: Sequence[int]


HOPS = ("provider to ingest", "ingest to book", "book to client")


class Hops(NamedTuple):
    """Milliseconds: of each update for the first two hops, of each delivery for the others."""

    to_ingest: list[float]
    to_book: list[float]
    to_client: list[float]
    whole: list[float]


def hops(journeys: Sequence[Journey]) -> Hops:
    """Every hop of every journey."""
    return Hops(
        [(journey.received - journey.sent) / 1000 for journey in journeys],
        [(journey.published - journey.received) / 1000 for journey in journeys],
        [(arrival - journey.published) / 1000 for journey in journeys for arrival in journey.arrivals],
        [(arrival - journey.sent) / 1000 for journey in journeys for arrival in journey.arrivals],
    )


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that so many per cent do not exceed.

    Raises:
        ValueError: there are no values.
    """
    if not values:
        raise ValueError("no values")
    ranked = sorted(values)
    return ranked[max(math.ceil(len(ranked) * percent / 100) - 1, 0)]


def moves(
    seen: Sequence[Seen], moved: Mapping[tuple[int, int], Sequence[int]], numbers: Mapping[str, int]
) -> list[Journey]:
    """Price updates. `numbers` gives the provider's market by market id."""
    found = []
    for part, arrivals in seen:
        if part.get("op") != "delta" or not part.get("sel"):
            continue
        number = numbers[part["m"]]
        for text in part["sel"].values():
            if text is not None and (journey := _journey(part, arrivals, moved.get((number, hundredths(text)), ()))):
                found.append(journey)
    return found


def turns(
    seen: Sequence[Seen], turned: Mapping[tuple[int, str], Sequence[int]], numbers: Mapping[str, int], status: str
) -> list[Journey]:
    """Changes of status to SUSPENDED or OPEN."""
    shown = {"SUSPENDED": "Suspended", "OPEN": "Open"}[status]
    found = []
    for part, arrivals in seen:
        if part.get("op") in {"delta", "state"} and part.get("status") == shown:
            journey = _journey(part, arrivals, turned.get((numbers[part["m"]], status), ()))
            if journey is not None:
                found.append(journey)
    return found


def _journey(part: Mapping[str, Any], arrivals: Sequence[int], sent: Sequence[int]) -> Journey | None:
    received, published = part["t"]["recv"], part["t"]["pub"]
    place = bisect_right(sent, received)
    return Journey(sent[place - 1], received, published, arrivals) if place else None


def hundredths(text: str) -> int:
    """A decimal price as the provider counts it."""
    return round(float(text) * 100)


def number_of(market_id: str, event_name: str) -> int:
    """The provider's number of a market, from its id and its event's name (`Home 12 v Away 12`)."""
    _, _, rest = market_id.partition(":")
    kind, _, line = rest.partition(":")
    place = 0 if kind == "MatchWinner" else int(float(line))
    return int(event_name.split()[1]) * PER_EVENT + place
