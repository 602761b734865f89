"""Recordings that nobody has tried: streams of change messages drawn from a seed, with all that real ones hold.

Several events of several sports, named and nameless; images and deltas, ladders that build up and empty, suspensions, turns in play,
runners withdrawn, markets settled, prices moving while suspended; and between them heartbeats, messages of other kinds, changes
of markets that are never defined, blank lines and broken ones.
"""

import bz2
import gzip
import random
from pathlib import Path
from typing import Any

from support.betfair_messages import change, definition, mcm, runner

Json = dict[str, Any]

MESSAGES = 300
FIRST_PT = 1_760_000_000_000
PACKED = {"": lambda raw: raw, ".bz2": bz2.compress, ".gz": gzip.compress}
BROKEN = (b'{"op":"mcm","pt":17600', b"\xff\xfe\x00garbage", b"[1,2,3]", b'{"op":"mcm","pt":[1],"ct":7}', b"{}")
OTHER = (
    b'{"op":"ccm","pt":1760000000000,"cc":[]}',
    b'{"op":"ocm","pt":1760000000000,"oc":[]}',
    b'{"op":"connection","connectionId":"001"}',
    b'{"op":"status","statusCode":"SUCCESS","connectionClosed":false}',
)
SPORTS = (("1", "MATCH_ODDS", 3), ("2", "MATCH_ODDS", 2), ("7", "WIN", 6), ("99", "SOMETHING_NEW", 4))
"""Event type, market type, number of runners."""


class Book:
    """One market's full ladders, so that every delta is one that the exchange could have sent."""

    def __init__(self, rng: random.Random, seed: int, number: int) -> None:
        self._rng = rng
        self._sport, self._type, runners = SPORTS[number % len(SPORTS)]
        self.id = f"1.9{seed:03d}{number:04d}"
        self._event = f"3{seed:03d}{number:04d}"
        self._named = number % 2 == 0
        self._version = 1
        self.status = "OPEN"
        self._in_play = False
        self.runners = [1000 * (number + 1) + index for index in range(1, runners + 1)]
        self._gone: dict[int, str] = {}
        self.backs: dict[int, dict[float, float]] = {one: {} for one in self.runners}

    def definition(self) -> Json:
        self._version += 1
        made = definition(
            *self.runners, status=self.status, in_play=self._in_play, version=self._version, event=self._event
        )
        made |= {
            "eventTypeId": self._sport,
            "marketType": self._type,
            "marketTime": f"2026-03-{self._day}T15:00:00.000Z",
        }
        for entry in made["runners"]:
            entry["status"] = self._gone.get(entry["id"], "ACTIVE")
            if self._named:
                entry["name"] = f"Runner {entry['id']}"
        if self._named:
            made["eventName"] = f"Seeded meeting {self._event}"
        return made

    @property
    def _day(self) -> str:
        return f"{int(self.id[-2:]) % 28 + 1:02d}"

    def image(self) -> Json:
        for ladder in self.backs.values():
            ladder.clear()
        parts = [runner(one, **self._moves(one)) for one in self.runners]
        return change(self.id, *parts, definition=self.definition(), img=True)

    def step(self) -> Json:
        """What the exchange says next of the market."""
        if self.status == "CLOSED":
            return change(self.id, definition=self.definition())
        chance = self._rng.random()
        if chance < 0.8:
            one = self._rng.choice(self.runners)
            again = [one] if self._rng.random() < 0.1 else []
            return change(self.id, *(runner(each, **self._moves(each)) for each in [one, *again]))
        if chance < 0.83:
            return self.image()
        if chance < 0.92:
            self.status = {"OPEN": "SUSPENDED", "SUSPENDED": "OPEN"}[self.status]
        elif chance < 0.95:
            self._in_play = True
        elif chance < 0.98:
            active = [one for one in self.runners if one not in self._gone]
            if len(active) > 2:
                self._gone[self._rng.choice(active)] = "REMOVED"
        elif self._rng.random() < 0.3:
            self._close()
        return change(self.id, definition=self.definition())

    def _close(self) -> None:
        self.status = "CLOSED"
        active = [one for one in self.runners if one not in self._gone]
        winner = self._rng.choice(active)
        self._gone |= {one: "WINNER" if one == winner else "LOSER" for one in active}

    def _moves(self, one: int) -> Json:
        """New and removed levels of one runner: backs below 5.0, lays above, never crossed."""
        ladder = self.backs[one]
        levels = []
        for _ in range(self._rng.randint(1, 3)):
            price = round(1.01 + self._rng.randint(0, 380) / 100, 2)
            size = 0.0 if price in ladder or self._rng.random() < 0.3 else round(self._rng.uniform(2, 500), 2)
            if size:
                ladder[price] = size
            else:
                ladder.pop(price, None)
            levels.append([price, size])
        if ladder and self._rng.random() < 0.3:
            price = self._rng.choice(sorted(ladder))
            del ladder[price]
            levels.append([price, 0])
        lay = [[round(5 + self._rng.randint(0, 200) / 10, 2), round(self._rng.uniform(0, 90), 2)]]
        traded = {"ltp": levels[0][0], "tv": 100.5} if self._rng.random() < 0.3 else {}
        return {"atb": levels, "atl": lay, **traded}


def write_recording(folder: Path, seed: int) -> Path:
    """Write the recording of a seed into a folder; how it is packed is drawn, too."""
    rng = random.Random(seed)
    ending = rng.choice(sorted(PACKED))
    path = folder / f"unseen-{seed}{ending}"
    path.write_bytes(PACKED[ending](b"".join(line + rng.choice((b"\n", b"\r\n")) for line in _lines(rng, seed))))
    return path


def _lines(rng: random.Random, seed: int) -> list[bytes]:
    books = [Book(rng, seed, number) for number in range(rng.randint(5, 9))]
    waiting = list(books)
    pt = FIRST_PT
    lines = [mcm(*(book.image() for book in (waiting.pop(), waiting.pop())), pt=pt, ct="SUB_IMAGE")]
    for _ in range(MESSAGES):
        pt += rng.choice((0, 20, 500, 60_000))
        known = [book for book in books if book not in waiting]
        chance = rng.random()
        if chance < 0.04 and waiting:
            lines.append(mcm(waiting.pop().image(), pt=pt))
        elif chance < 0.08:
            lines.append(rng.choice(BROKEN))
        elif chance < 0.12:
            lines.append(rng.choice(OTHER))
        elif chance < 0.15:
            lines.append(mcm(change(f"1.404{seed:03d}", runner(7, atb=[[2.0, 5]])), pt=pt))
        elif chance < 0.18:
            lines.append(rng.choice((b"", mcm(pt=pt, ct="HEARTBEAT", clk=None))))
        else:
            moved = rng.sample(known, rng.randint(1, min(3, len(known))))
            lines.append(mcm(*(book.step() for book in moved), pt=pt, clk=rng.choice(("AAA", None))))
    lines.extend(mcm(book.image(), pt=pt) for book in waiting)
    return lines
