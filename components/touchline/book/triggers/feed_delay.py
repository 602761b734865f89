"""FeedDelay: the serving provider's measured delay is above the threshold."""

from collections.abc import Sequence

from touchline.book.conditions import Condition, ConditionKind, condition
from touchline.book.config import TriggerConfig
from touchline.book.link import Link
from touchline.book.triggers.base import Facts, Firing


class FeedDelay:
    """Delay is receive time minus publish time, p99 over 10 s, corrected by the clock offset: ingest measures it."""

    __slots__ = ("config",)

    def __init__(self, config: TriggerConfig) -> None:
        self.config = config

    def judge(self, now: int, facts: Facts) -> Sequence[Firing]:  # noqa: ARG002 - judged with all markets at once
        if facts.link is None:
            return ()
        late = condition(facts.link, ConditionKind.DELAYED, self.config.threshold_us)
        return (Firing(late.why),) if late.answer else ()

    def conditions(self, link: Link) -> Sequence[Condition]:
        return (condition(link, ConditionKind.DELAYED, self.config.threshold_us),)
