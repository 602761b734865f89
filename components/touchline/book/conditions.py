"""What is judged of a provider as a whole, for all its markets at once.

Thousands of markets share a provider and a bound. Each such pair is one condition: it is judged on every tick and beat, and
only when its answer changes are its markets looked at.
"""

from enum import IntEnum
from typing import TYPE_CHECKING

from touchline.book.freshness import Proof, proof
from touchline.book.link import Link
from touchline.domain.status import ProviderState

if TYPE_CHECKING:
    from touchline.book.market import BookMarket


class ConditionKind(IntEnum):
    """What is asked."""

    FRESH = 1
    """Is a price proven within a class's `maxAge` (the bound)?"""
    DELAYED = 2
    """Is the measured delay above a trigger's threshold (the bound)?"""
    LOST = 3
    """Is the provider disconnected, or its ingest silent for longer than `maxSilence`? (no bound)"""


class Condition:
    """One question with its last answer; `markets` are those that want to know when the answer changes."""

    __slots__ = ("answer", "bound_us", "kind", "link", "markets", "why")

    def __init__(self, link: Link, kind: ConditionKind, bound_us: int) -> None:
        self.link = link
        self.kind = kind
        self.bound_us = bound_us
        self.answer = False
        self.why = ""
        self.markets: dict[str, BookMarket] = {}

    def judge(self, now: int) -> bool:
        """Answer again; true if the answer is another one than before."""
        answer, why = self._answer(now)
        changed = answer is not self.answer
        if changed or not answer:
            self.why = why
        self.answer = answer
        return changed

    def _answer(self, now: int) -> tuple[bool, str]:
        link = self.link
        match self.kind:
            case ConditionKind.FRESH:
                fresh = proof_of(now, link, self.bound_us)
                return fresh.fresh, fresh.why
            case ConditionKind.DELAYED:
                late = link.delay_us > self.bound_us
                figures = (
                    f"{link.name} is {link.delay_us // 1000} ms behind, the threshold is {self.bound_us // 1000} ms"
                )
                return late, figures if late else ""
            case ConditionKind.LOST:
                return _lost(now, link)


def proof_of(now: int, link: Link, max_age_us: int) -> Proof:
    """What the newest beat of a link proves."""
    return proof(
        now,
        echo=link.echo,
        state=link.state,
        silence_us=link.silence_us,
        delay_us=link.delay_us,
        max_age_us=max_age_us,
        provider=link.config,
    )


def _lost(now: int, link: Link) -> tuple[bool, str]:
    if link.state is ProviderState.DISCONNECTED:
        return True, f"{link.name} is disconnected: {link.detail}" if link.detail else f"{link.name} is disconnected"
    allowed = link.config.max_silence_us if link.config is not None else 0
    if link.echo < 0 or now - link.echo > allowed:
        return True, f"nothing from the ingest of {link.name} for more than {allowed // 1000} ms"
    return False, ""


def condition(link: Link, kind: ConditionKind, bound_us: int = 0) -> Condition:
    """The condition of a link that asks this, made at the first use."""
    key = (int(kind), bound_us)
    found = link.conditions.get(key)
    if found is None:
        found = link.conditions[key] = Condition(link, kind, bound_us)
    return found
