"""Where a simulator's changes come from: generated fixtures, or a recording.

A source is asked at every turn what has become due; it answers with changes for each provider that it feeds.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

import msgspec

from touchline.feeds.interface import FrameTooLong, TransportError
from touchline.feeds.replay.recording import Line, Recording
from touchline.sim.fixtures import FixtureMarket, Fixtures
from touchline.sim.raw_book import Change
from touchline.sim.views import View

AT_ONCE = 64
"""Recorded messages published in one turn as fast as it goes."""


class Due(NamedTuple):
    """One message of one provider, and the markets that it shows no longer."""

    provider: str
    changes: list[Change]
    gone: list[str]


class Source(Protocol):
    """`waits`: it begins with the first subscriber, and pauses while one is behind, so that nothing is missed."""

    waits: bool

    def advance(self, now: int) -> list[Due]:
        """What has become due by `now`, in order."""


class FixtureSource:
    """Generated fixtures, shown by every provider in its own way."""

    waits = False

    def __init__(self, fixtures: Fixtures, views: dict[str, View]) -> None:
        self._fixtures = fixtures
        self._views = views
        self._started = False

    def advance(self, now: int) -> list[Due]:
        due: list[Due] = []
        if not self._started:
            self._started = True
            due.extend(self._word(self._fixtures.markets()))
        while (changed := self._fixtures.step(now)) is not None:
            due.extend(self._word(changed))
        return due

    def _word(self, changed: list[FixtureMarket]) -> list[Due]:
        due = []
        for provider, view in self._views.items():
            changes = [change for market in changed if not market.gone and (change := view.word(market))]
            gone = [view.market_id(market) for market in changed if market.gone]
            if changes or gone:
                due.append(Due(provider, changes, gone))
        for market in changed:
            if market.gone:
                for view in self._views.values():
                    view.forget(market)
        return due


class RecordingSource:
    """A recorded file, the same for every provider. `speed` None: as fast as it goes."""

    waits = True

    def __init__(self, path: str | Path, *, speed: float | None, providers: list[str]) -> None:
        """
        Raises:
            TransportError: the file cannot be read.
        """
        self._lines: Iterator[Line] = Recording(path).lines()
        self._speed = speed
        self._providers = providers
        self._start: tuple[int, int] | None = None
        self._next: tuple[int, list[Change]] | None = None
        self.finished = False
        self.skipped = 0
        """Lines that are no market messages."""

    def advance(self, now: int) -> list[Due]:
        due: list[Due] = []
        for _ in range(AT_ONCE):
            if self._next is None:
                self._next = self._read()
            if self._next is None:
                self.finished = True
                break
            publish_ms, changes = self._next
            if self._start is None:
                self._start = (now, publish_ms)
            begun, first_ms = self._start
            if self._speed is not None and now < begun + (publish_ms - first_ms) * 1000 / self._speed:
                break
            self._next = None
            due.extend(Due(provider, changes, []) for provider in self._providers)
        return due

    def _read(self) -> tuple[int, list[Change]] | None:
        try:
            for line in self._lines:
                try:
                    message = msgspec.json.decode(line.frame, type=dict[str, object])
                except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                    self.skipped += 1
                    continue
                changes, publish_ms = message.get("mc"), message.get("pt")
                if message.get("op") == "mcm" and isinstance(changes, list) and isinstance(publish_ms, int):
                    return publish_ms, changes
                self.skipped += 1
        except (TransportError, FrameTooLong):
            # A recording that breaks off ends there.
            self.skipped += 1
        return None
