"""The book's configuration as flat, frozen values, so that no rule of the hot path touches pydantic.

Times are microseconds, percentages parts per million (of a probability 150_000 is 15 points). Bets' limits stay with the `Market`
resource, which the desk reads. `config_reading` makes these from resources.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from touchline.api.selectors import Tie, select
from touchline.api.v1alpha1.market import Market
from touchline.domain.reasons import HoldReason


class ProviderConfig(NamedTuple):
    """A FeedProvider as far as the book needs it."""

    name: str
    max_silence_us: int = 3_000_000
    max_delay_us: int = 500_000


class TriggerConfig(NamedTuple):
    """One trigger of a SuspensionPolicy. Fields that its type does not use keep their defaults."""

    name: str
    type: HoldReason
    cause: str
    """`policy/<policy>/<trigger>`, the cause of the hold that it sets."""
    scope: str = "Market"
    """Selection, Market, Event or Provider."""
    review: bool = False
    """SuspendAndReview: the hold outlives the trigger until a trader resumes."""
    threshold_us: int = 0
    metric: str = "ImpliedProbability"
    percent_ppm: int = 0
    within_us: int = 0
    """PriceMove: the window; ProviderDisagreement: how long they must differ."""
    incidents: tuple[str, ...] = ()
    cool_down_us: int = 0
    """Wait after the trigger has cleared; a moment's counts from the moment."""


class PolicyConfig(NamedTuple):
    """A SuspensionPolicy."""

    name: str
    triggers: tuple[TriggerConfig, ...] = ()
    checks: tuple[str, ...] = ()
    """FreshPrice, AllSelectionsPriced, Overround; tried in this order."""
    overround_min_ppm: int = 0
    overround_max_ppm: int = 1 << 60
    unsupported: str = ""
    """What it declares and nobody acts on, in words: such a policy protects nothing, and nothing opens under it."""


class ChoiceConfig(NamedTuple):
    """One provider of a class."""

    name: str
    priority: int = 1
    weight: int = 100


class RouteConfig(NamedTuple):
    """One route of MarketRouting; an empty part matches everything."""

    provider: str
    sports: tuple[str, ...] = ()
    leagues: tuple[str, ...] = ()
    market_types: tuple[str, ...] = ()


class ClassConfig(NamedTuple):
    """A Market class."""

    name: str
    model: str
    providers: tuple[ChoiceConfig, ...]
    """By priority, then by name."""
    max_age_us: int
    policy: PolicyConfig | None
    """None: the policy that the class names does not exist, and nothing may open."""
    resource: Market
    switch_after_us: int = 2_000_000
    fail_back_after_us: int = 60_000_000
    delay_us: int = 0
    suspended: bool = False
    routes: tuple[RouteConfig, ...] = ()
    unsupported: str = ""
    """What it declares and nobody acts on, in words: its markets stay shut."""

    def choices_for(self, sport: str, league: str, market_type: str) -> tuple[ChoiceConfig, ...]:
        """The providers of one market in order of preference: a route's provider, the first that matches, goes first."""
        for route in self.routes:
            parts = ((route.sports, sport), (route.leagues, league), (route.market_types, market_type))
            if all(not allowed or "*" in allowed or value in allowed for allowed, value in parts):
                routed = [choice for choice in self.providers if choice.name == route.provider]
                return (*routed, *(choice for choice in self.providers if choice.name != route.provider))
        return self.providers


class HaltConfig(NamedTuple):
    """A trader's order: a halt (`Halt.<scope>.<hex>`) or the end of a review (`Resume.<scope>.<hex>`)."""

    scope: str
    """market, event, provider or all."""
    id: str = ""
    by: str = ""
    note: str = ""
    at: int = 0
    """Epoch microseconds."""


class Selected(NamedTuple):
    """The class of a market, or why it has none."""

    config: ClassConfig | None
    why: str = ""


class BookConfig:
    """Everything that configures a book; immutable. `faults` are entries that could not be read, in words."""

    __slots__ = ("_resources", "_selected", "classes", "faults", "halts", "providers", "resumes")

    def __init__(
        self,
        *,
        classes: Iterable[ClassConfig] = (),
        providers: Iterable[ProviderConfig] = (),
        halts: Iterable[HaltConfig] = (),
        resumes: Iterable[HaltConfig] = (),
        faults: Iterable[str] = (),
    ) -> None:
        self.classes: dict[str, ClassConfig] = {entry.name: entry for entry in classes}
        self.providers: Mapping[str, ProviderConfig] = {entry.name: entry for entry in providers}
        self.halts = tuple(halts)
        self.resumes = tuple(resumes)
        self.faults = tuple(faults)
        self._resources = [entry.resource for entry in self.classes.values()]
        self._selected: dict[tuple[str, str, str, bool], Selected] = {}

    def class_of(self, sport: str, league: str, market_type: str, *, in_play: bool) -> Selected:
        """The class that selects a market in a phase; none where several tie (`touchline.api.selectors`)."""
        key = (sport, league, market_type, in_play)
        found = self._selected.get(key)
        if found is None:
            if len(self._selected) >= _REMEMBERED:
                self._selected.clear()
            found = self._selected[key] = self._select(sport, league, market_type, in_play)
        return found

    def reuse(self, before: "BookConfig") -> None:
        """Keep the former objects of classes that are the same, so that nobody takes them for changed ones."""
        for name, entry in self.classes.items():
            known = before.classes.get(name)
            if known == entry:
                self.classes[name] = known

    def _select(self, sport: str, league: str, market_type: str, in_play: bool) -> Selected:
        found = select(self._resources, sport=sport, league=league, market_type=market_type, in_play=in_play)
        if found is None:
            return Selected(None, "no Market class selects it")
        if isinstance(found, Tie):
            names = ", ".join(resource.name for resource in found.classes)
            return Selected(None, f"the Market classes {names} select it equally well")
        return Selected(self.classes[found.name])


_REMEMBERED = 4096
EMPTY = BookConfig()
