"""What the schema accepts and this release does not act on.

Nobody must believe that something protects or prices a market when it does not. So it is said where it is declared (a warning at the
line), and the book keeps every market shut that relies on it: a market without its declared margin or trigger is not the market that was
declared. In the same way the desk takes no bets under a durability that it cannot prove.
A log that is not copied shuts nothing: prices and bets are as right without the copy.
"""

from __future__ import annotations

from typing import NamedTuple

from touchline.api.errors import FieldPath
from touchline.api.v1alpha1.market import Market
from touchline.api.v1alpha1.market_feeds import FeedModel
from touchline.api.v1alpha1.odds_engine import Durability, OddsEngine
from touchline.api.v1alpha1.suspension_policy import SuspensionPolicy
from touchline.api.v1alpha1.triggers import TriggerType

MODELS = frozenset({FeedModel.AGGREGATED})
TRIGGERS = frozenset({TriggerType.LIABILITY})


class Unsupported(NamedTuple):
    """One field. `message` continues the sentence "<kind> <name>: …"."""

    path: FieldPath
    message: str
    fix: str


def unsupported(resource: object) -> tuple[Unsupported, ...]:
    """Everything of this kind in a resource, in the order of its fields."""
    if isinstance(resource, Market):
        return _of_market(resource)
    if isinstance(resource, SuspensionPolicy):
        return _of_policy(resource)
    if isinstance(resource, OddsEngine):
        if resource.spec.bets.durability is Durability.GLOBAL_QUORUM:
            message = "GlobalQuorum is not acted on by this release: it cannot be proven, so every bet is refused"
            return (Unsupported(("spec", "bets", "durability"), message, "declare Quorum"), *unrecorded(resource))
        return unrecorded(resource)
    return ()


def unrecorded(engine: OddsEngine) -> tuple[Unsupported, ...]:
    """What an engine asks of the recorder that this release's does not do."""
    recorder, at = engine.spec.recorder, ("spec", "recorder")
    if recorder.kafka is None:
        return ()
    message = "spec.recorder.kafka is not acted on by this release: nothing is copied to Kafka"
    return (Unsupported((*at, "kafka"), message, "remove it"),)


def _of_market(market: Market) -> tuple[Unsupported, ...]:
    found: list[Unsupported] = []
    model = market.spec.feeds.model
    if model in MODELS:
        message = f"the model {model} is not acted on by this release: no market of the class opens"
        found.append(Unsupported(("spec", "feeds", "model"), message, "choose ActivePassive or ActiveActive"))
    if market.spec.pricing is not None:
        message = (
            "spec.pricing is not acted on by this release: prices would be offered without the margin, "
            "so no market of the class opens"
        )
        found.append(Unsupported(("spec", "pricing"), message, "remove it to offer the provider's prices as they are"))
    return tuple(found)


def _of_policy(policy: SuspensionPolicy) -> tuple[Unsupported, ...]:
    return tuple(
        Unsupported(
            ("spec", "triggers", place, "type"),
            f"the trigger {trigger.name} ({trigger.type}) is not acted on by this release: "
            "no market under the policy opens",
            "remove it; betting.maxLiability of the Market limits every bet without it",
        )
        for place, trigger in enumerate(policy.spec.triggers)
        if trigger.type in TRIGGERS
    )
