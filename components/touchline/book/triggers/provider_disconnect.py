"""ProviderDisconnect: the serving provider's connection is down, or its ingest has fallen silent."""

from collections.abc import Sequence

from touchline.book.conditions import Condition, ConditionKind, condition
from touchline.book.config import TriggerConfig
from touchline.book.link import Link
from touchline.book.triggers.base import Facts, Firing


class ProviderDisconnect:
    """Either means that nothing more is told us; which it is stands in the detail."""

    __slots__ = ("config",)

    def __init__(self, config: TriggerConfig) -> None:
        self.config = config

    def judge(self, now: int, facts: Facts) -> Sequence[Firing]:  # noqa: ARG002 - judged with all markets at once
        if facts.link is None:
            return ()
        lost = condition(facts.link, ConditionKind.LOST)
        return (Firing(lost.why),) if lost.answer else ()

    def conditions(self, link: Link) -> Sequence[Condition]:
        return (condition(link, ConditionKind.LOST),)
