"""The books of a simulated exchange in the provider's own words: JSON objects in, images and merged deltas out.

A change is kept as the object that is sent, so that a recording is served with all that it holds, also what we do not know.
"""

from collections.abc import Iterable
from typing import Any

Change = dict[str, Any]
_IDENTITY = ("id", "hc")


class RawRunner:
    """Ladders by name and level key, and the other values (ltp, tv, …)."""

    def __init__(self, identity: Change) -> None:
        self.identity = identity
        self.ladders: dict[str, dict[float, list[float]]] = {}
        self.values: Change = {}

    def apply(self, change: Change, *, keep_removals: bool = False) -> None:
        for key, value in change.items():
            if key in _IDENTITY:
                continue
            if not isinstance(value, list):
                self.values[key] = value
                continue
            ladder = self.ladders.setdefault(key, {})
            for level in value:
                if level[-1] == 0 and not keep_removals:
                    ladder.pop(level[0], None)
                else:
                    ladder[level[0]] = level

    def word(self) -> Change:
        ladders = {key: list(levels.values()) for key, levels in self.ladders.items() if levels}
        return {**ladders, **self.values, **self.identity}


class RawMarket:
    """One market. `keep_removals` true: it stands for a merged delta, in which removals must survive."""

    def __init__(self, name: str, *, keep_removals: bool = False) -> None:
        self.name = name
        self.definition: Change | None = None
        self.image = False
        self._keep_removals = keep_removals
        self._runners: dict[tuple[object, float], RawRunner] = {}
        self._values: Change = {}

    def apply(self, change: Change) -> None:
        if change.get("img"):
            self._runners, self._values, self.image = {}, {}, True
        for key, value in change.items():
            if key == "marketDefinition":
                self.definition = value
            elif key == "rc":
                for runner in value or ():
                    identity = (runner["id"], float(runner.get("hc") or 0))
                    if identity not in self._runners:
                        self._runners[identity] = RawRunner({key: runner[key] for key in _IDENTITY if key in runner})
                    self._runners[identity].apply(runner, keep_removals=self._keep_removals)
            elif key not in {"id", "img", "con"}:
                self._values[key] = value

    def word(self, *, image: bool) -> Change:
        change: Change = {"id": self.name}
        if self.definition is not None:
            change["marketDefinition"] = self.definition
        if self._runners:
            change["rc"] = [runner.word() for runner in self._runners.values()]
        change |= self._values
        if image:
            change["img"] = True
        return change

    def best_back(self) -> dict[str, float]:
        """By runner (`id` or `id/hc`) the best price to back, where there is one: of the full ladder, else of the displayed
        one, else of the best offers."""
        best = {}
        for (selection, handicap), runner in self._runners.items():
            name = f"{selection}/{handicap:g}" if handicap else str(selection)
            if prices := runner.ladders.get("atb"):
                best[name] = max(prices)
            elif levels := runner.ladders.get("bdatb") or runner.ladders.get("batb"):
                best[name] = levels[min(levels)][1]
        return best


def merge(changes: Iterable[Change]) -> list[Change]:
    """Several changes as one of each market, with the same effect."""
    merged: dict[str, RawMarket] = {}
    for change in changes:
        name = change["id"]
        if name not in merged:
            merged[name] = RawMarket(name, keep_removals=True)
        merged[name].apply(change)
    return [market.word(image=market.image) for market in merged.values()]
