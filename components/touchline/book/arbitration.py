"""Who serves a market: the declared rules by which several providers become one price.

A model decides from candidates in the class's order and remembers what it must in a `Standing`; it reads no clock and no feed.
A provider is a candidate's `fit` one if it is in sync, its freshness is proven, it is not unreliable, and it has the market. `Arbiter` is
all that the book knows of a model: another model (Aggregated) is another class here.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from touchline.book.config import ClassConfig
from touchline.book.link import NEVER
from touchline.book.view import View
from touchline.domain.status import ProviderStatus


class Candidate(NamedTuple):
    """One provider of the class. `why` says in words why it is not fit; `view` is None where it does not have the market."""

    name: str
    view: View | None
    fit: bool
    why: str = ""


class Standing:
    """Who serves and what the model has to remember between decisions."""

    __slots__ = ("fit_since", "serving", "shown", "since", "unfit_since", "why")

    def __init__(self, now: int) -> None:
        self.serving = ""
        self.shown = False
        """`serving` does not serve: nobody is fit yet, and its prices are only shown."""
        self.since = now
        self.why = "no provider yet"
        self.unfit_since = now
        """When the serving provider became unfit; -1 while it is fit."""
        self.fit_since: dict[str, int] = {}

    def switch(self, now: int, name: str, why: str) -> None:
        self.serving = name
        self.shown = False
        self.since = now
        self.why = why
        self.unfit_since = -1


class Word(NamedTuple):
    """The status that the class's providers together give a market, and why."""

    status: ProviderStatus
    detail: str


class Arbiter(Protocol):
    """One redundancy model."""

    single: bool
    """All prices are the serving provider's: the hot path may take them without asking."""

    def decide(self, now: int, standing: Standing, candidates: Sequence[Candidate], rules: ClassConfig) -> int:
        """Bring `standing` up to date; returns when to decide again although nothing changes (`NEVER`)."""

    def prices(
        self, standing: Standing, candidates: Sequence[Candidate], only: Sequence[str] | None
    ) -> Mapping[str, int]:
        """Micro price of each selection that a provider who counts names, 0 for none; of those in `only` if given."""

    def word(self, standing: Standing, candidates: Sequence[Candidate]) -> Word:
        """The providers' status of the market."""


class ActivePassive:
    """The preferred fit provider serves.

    The serving one is left only after it has been unfit for `switchAfter` without a break, or at once where it no longer has the market; a
    preferred one is returned to only after it has been fit for `failBackAfter` without a break. A new market waits
    `switchAfter` for its preferred provider in the same way; until then it is held.
    """

    single = True

    def decide(self, now: int, standing: Standing, candidates: Sequence[Candidate], rules: ClassConfig) -> int:
        _remember_fitness(now, standing, candidates)
        serving = None if standing.shown else _named(candidates, standing.serving)
        if serving is not None and serving.fit:
            standing.unfit_since = -1
            return self._fail_back(now, standing, candidates, serving, rules)
        _note_unfit(now, standing)
        best = next((candidate for candidate in candidates if candidate.fit), None)
        ripe = NEVER
        if best is not None:
            ripe = standing.unfit_since + rules.switch_after_us
            served = standing.serving != "" and not standing.shown
            lost = served and (serving is None or serving.view is None)
            if now >= ripe or lost or (not served and best is candidates[0]):
                was = f"{serving.name} was unfit: {serving.why}" if serving is not None else "first fit provider"
                standing.switch(now, best.name, was)
                return NEVER
        if serving is None or serving.view is None:
            _show_first(now, standing, candidates)
        return ripe

    def _fail_back(
        self, now: int, standing: Standing, candidates: Sequence[Candidate], serving: Candidate, rules: ClassConfig
    ) -> int:
        due = NEVER
        for candidate in candidates:
            if candidate.name == serving.name:
                break
            if not candidate.fit:
                continue
            ripe = standing.fit_since[candidate.name] + rules.fail_back_after_us
            if now >= ripe:
                stable = f"{candidate.name} is preferred and was fit for {rules.fail_back_after_us // 1000} ms"
                standing.switch(now, candidate.name, stable)
                return NEVER
            due = min(due, ripe)
        return due

    def prices(
        self, standing: Standing, candidates: Sequence[Candidate], only: Sequence[str] | None
    ) -> Mapping[str, int]:
        serving = _named(candidates, standing.serving)
        if serving is None or serving.view is None:
            return {}
        view = serving.view
        return {id: view.price(id) for id in (view.sels if only is None else only) if id in view.sels}

    def word(self, standing: Standing, candidates: Sequence[Candidate]) -> Word:
        serving = _named(candidates, standing.serving)
        if serving is None or serving.view is None:
            return Word(ProviderStatus.OPEN, "")
        return _word_of(serving.view)


class ActiveActive:
    """Every fit provider is live: for each selection the price that was published last wins, whoever sent it.

    Times are the providers' own publish times. An older one never overwrites a newer one; of two equal times the preferred
    provider's stands. A provider that is no longer fit takes its prices with it. Any fit provider can suspend the market, while only the
    first of the class's order among the fit ones, which is shown as serving, can close or settle it.
    """

    single = False

    def decide(self, now: int, standing: Standing, candidates: Sequence[Candidate], rules: ClassConfig) -> int:  # noqa: ARG002
        _remember_fitness(now, standing, candidates)
        best = next((candidate for candidate in candidates if candidate.fit), None)
        if best is None:
            _note_unfit(now, standing)
            serving = _named(candidates, standing.serving)
            if serving is None or serving.view is None:
                _show_first(now, standing, candidates)
            return NEVER
        standing.unfit_since = -1
        if best.name != standing.serving or standing.shown:
            others = [candidate.name for candidate in candidates if candidate.fit]
            standing.switch(now, best.name, f"first of the live providers: {', '.join(others)}")
        return NEVER

    def prices(
        self, standing: Standing, candidates: Sequence[Candidate], only: Sequence[str] | None
    ) -> Mapping[str, int]:
        newest: dict[str, int] = {}
        prices: dict[str, int] = {}
        for view in self._live(standing, candidates):
            for id in view.sels if only is None else only:
                if id not in view.sels:
                    continue
                published = view.srcs.get(id, view.src)
                if published > newest.get(id, -1):
                    newest[id] = published
                    prices[id] = view.sels[id].micro
        return prices

    def word(self, standing: Standing, candidates: Sequence[Candidate]) -> Word:
        views = self._live(standing, candidates)
        if not views:
            return Word(ProviderStatus.OPEN, "")
        first = next((view for view in views if view.link.name == standing.serving), views[0])
        if first.status is not ProviderStatus.OPEN:
            return _word_of(first)
        for view in views:
            if view.status is not ProviderStatus.OPEN:
                return Word(ProviderStatus.SUSPENDED, f"{view.link.name} says {view.status.name.capitalize()}")
        return _word_of(first)

    def _live(self, standing: Standing, candidates: Sequence[Candidate]) -> list[View]:
        live = [candidate.view for candidate in candidates if candidate.fit and candidate.view is not None]
        if not live:  # nothing is proven; what is shown meanwhile stays one provider's
            live = [c.view for c in candidates if c.name == standing.serving and c.view is not None]
        return live


ARBITERS: dict[str, Arbiter] = {
    "ActivePassive": ActivePassive(),
    "ActiveActive": ActiveActive(),
    "MarketRouting": ActivePassive(),  # the route's provider comes first (`config.choices_for`), the others are its reserve
}
"""By `feeds.model`. They hold nothing: what a market has to remember is its `Standing`."""


def _remember_fitness(now: int, standing: Standing, candidates: Sequence[Candidate]) -> None:
    before = standing.fit_since
    standing.fit_since = {one.name: before.get(one.name, now) for one in candidates if one.fit}


def _note_unfit(now: int, standing: Standing) -> None:
    if standing.unfit_since < 0:
        standing.unfit_since = now


def _show_first(now: int, standing: Standing, candidates: Sequence[Candidate]) -> None:
    """Show somebody's prices although nobody serves yet: the market is held, and the wait for a fit provider goes on."""
    first = next((candidate for candidate in candidates if candidate.view is not None), None)
    if first is None or (standing.shown and first.name == standing.serving):
        return
    standing.serving = first.name
    standing.shown = True
    standing.since = now
    standing.why = "nobody serves yet; its prices are shown, not offered"


def _named(candidates: Sequence[Candidate], name: str) -> Candidate | None:
    for candidate in candidates:
        if candidate.name == name:
            return candidate
    return None


def _word_of(view: View) -> Word:
    detail = "" if view.status is ProviderStatus.OPEN else f"{view.link.name} says {view.status.name.capitalize()}"
    return Word(view.status, detail)
