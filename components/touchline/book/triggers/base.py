"""What a trigger is given and what it answers."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from touchline.book.conditions import Condition
from touchline.book.config import TriggerConfig
from touchline.book.link import NEVER, Link
from touchline.book.view import View


class Facts(NamedTuple):
    """One market as its triggers see it."""

    link: Link | None
    """The serving provider."""
    view: View | None
    """What the serving provider says."""
    rivals: Sequence[View] = ()
    """Views of the class's other providers that could serve now."""


class Firing(NamedTuple):
    """A trigger fires: `detail` is one sentence with the figures.

    `selection` names the one it is about, for a trigger of scope Selection. `at` is the moment of something momentary (an incident):
    the cool-down counts from there and not from the end; -1 otherwise. `due` is when to judge again although nothing happens.
    """

    detail: str
    selection: str = ""
    at: int = -1
    due: int = NEVER


class Trigger(Protocol):
    """One trigger of the policy, for one market. Kept while its configuration is unchanged."""

    config: TriggerConfig

    def judge(self, now: int, facts: Facts) -> Sequence[Firing]:
        """Whether it fires at this moment: nothing, one firing, or one for each selection."""

    def conditions(self, link: Link) -> Sequence[Condition]:
        """What it wants to be judged of a provider; the market is looked at when an answer changes."""
