"""EventStatus: something happened in the event that the prices do not know yet.

An incident that it lists fires it, and a change of phase if it lists `TurnInPlay`. Both are moments: the hold stands for
`MOMENT_US` so that people see why, while the policy's cool-down counts from the moment itself. A provider's own
suspension of a market is no incident: it is a hold of its own (`ProviderSuspended`) under every policy.
"""

from collections.abc import Iterable, Sequence

from touchline.book.conditions import Condition
from touchline.book.config import TriggerConfig
from touchline.book.link import Link
from touchline.book.triggers.base import Facts, Firing

MOMENT_US = 1_000_000
TURN = "TurnInPlay"


class EventStatus:
    """The last moment that fired it is all it remembers."""

    __slots__ = ("at", "config", "what")

    def __init__(self, config: TriggerConfig) -> None:
        self.config = config
        self.at = -1
        self.what = ""

    def note(self, now: int, incidents: Iterable[str], provider: str) -> bool:
        """Incidents of the event; true if one of them is listed."""
        listed = [incident for incident in incidents if incident in self.config.incidents]
        if not listed:
            return False
        self.at = now
        self.what = f"{provider} reports {', '.join(listed)}"
        return True

    def phase(self, now: int, text: str) -> bool:
        """The event went in play, or back; true if that fires it."""
        if TURN not in self.config.incidents:
            return False
        self.at = now
        self.what = text
        return True

    def judge(self, now: int, facts: Facts) -> Sequence[Firing]:  # noqa: ARG002 - moments are told by `note`
        if self.at >= 0 and now < self.at + MOMENT_US:
            return (Firing(self.what, at=self.at, due=self.at + MOMENT_US),)
        return ()

    def conditions(self, link: Link) -> Sequence[Condition]:  # noqa: ARG002 - nothing of the provider as a whole
        return ()
