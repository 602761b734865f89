"""SequenceGap: something that the serving provider's ingest sent to this shard did not arrive."""

from collections.abc import Sequence

from touchline.book.conditions import Condition
from touchline.book.config import TriggerConfig
from touchline.book.link import Link, Sync
from touchline.book.triggers.base import Facts, Firing


class SequenceGap:
    """The book holds such markets anyway (`Link`); the trigger adds the policy's cool-down, scope and review."""

    __slots__ = ("config",)

    def __init__(self, config: TriggerConfig) -> None:
        self.config = config

    def judge(self, now: int, facts: Facts) -> Sequence[Firing]:  # noqa: ARG002 - a gap has no duration of its own
        if facts.link is None or facts.link.sync is not Sync.GAP:
            return ()
        return (Firing(f"{facts.link.name}: {facts.link.sync_detail}"),)

    def conditions(self, link: Link) -> Sequence[Condition]:  # noqa: ARG002 - synchrony is watched for every market
        return ()
