"""ProviderDisagreement: another healthy provider's price has been far from the served one for some time."""

from collections.abc import Sequence

from touchline.book.conditions import Condition
from touchline.book.config import TriggerConfig
from touchline.book.link import Link
from touchline.book.triggers.base import Facts, Firing
from touchline.book.triggers.moves import Metric, describe, moved
from touchline.domain.prices import decimal_text


class ProviderDisagreement:
    """Remembers, by selection and rival, since when they have differed."""

    __slots__ = ("config", "metric", "since")

    def __init__(self, config: TriggerConfig) -> None:
        self.config = config
        self.metric = Metric(config.metric)
        self.since: dict[tuple[str, str], int] = {}

    def judge(self, now: int, facts: Facts) -> Sequence[Firing]:
        if facts.view is None:
            self.since = {}
            return ()
        differing: dict[tuple[str, str], int] = {}
        firings = []
        for selection, served in facts.view.sels.items():
            for rival in facts.rivals:
                other = rival.price(selection)
                if not served.micro or not other:
                    continue
                if not moved(self.metric, self.config.percent_ppm, served.micro, other):
                    continue
                key = (selection, rival.link.name)
                since = differing[key] = self.since.get(key, now)
                ripe = since + self.config.within_us
                detail = (
                    f"{selection}: {facts.view.link.name} says {decimal_text(served.micro)}, {rival.link.name} says "
                    f"{decimal_text(other)} ({describe(self.metric, served.micro, other)})"
                )
                firings.append(Firing(detail, selection) if now >= ripe else Firing("", selection, due=ripe))
        self.since = differing
        return firings

    def conditions(self, link: Link) -> Sequence[Condition]:  # noqa: ARG002 - nothing of the provider as a whole
        return ()
