"""What the simulated sportsbook offers: its events and markets, its market classes and policy, its two providers.

The bounds are as tight as the engine allows, so that a price that is taken too late is a price that has moved.
"""

from functools import cache
from typing import Any, NamedTuple

from touchline.api.v1alpha1.market import Market
from touchline.book.config import (
    BookConfig,
    ChoiceConfig,
    ClassConfig,
    HaltConfig,
    PolicyConfig,
    ProviderConfig,
    TriggerConfig,
)
from touchline.bus.messages import MarketMeta
from touchline.domain.keys import shard_of
from touchline.domain.reasons import HoldReason
from touchline.simulation.node import EPOCH_US
from touchline.simulation.scheduler import MILLISECOND

ALPHA, BETA = "alpha", "beta"
PROVIDERS = (ALPHA, BETA)
SPORT, LEAGUE = "Football", "eng-premier-league"

MAX_AGE_US = 450 * MILLISECOND
MAX_SILENCE_US = 900 * MILLISECOND
MAX_DELAY_US = 200 * MILLISECOND
HEARTBEAT_US = 200 * MILLISECOND
SWITCH_AFTER_US = 400 * MILLISECOND
FAIL_BACK_AFTER_US = 1_500 * MILLISECOND
COOL_DOWN_US = 300 * MILLISECOND
GATEWAY_SILENCE_US = 1_500 * MILLISECOND
CURRENCY = "EUR"

GOAL = "Goal"
RED_CARD = "RedCard"
"""A trader looks at every market of an event in which there was one."""


class Fixture(NamedTuple):
    """One market that exists in truth."""

    market: str
    event: str
    type: str
    shard: int
    selections: tuple[str, ...]
    base: dict[str, int]
    """Micro odds at the start."""
    meta: MarketMeta


def fixtures(shards: int) -> list[Fixture]:
    """Two markets of one event and one of another for a single shard; an event for each shard where there are more."""
    events: list[str] = []
    number = 0
    while len(events) < 2:
        event = f"e{number}"
        number += 1
        if shard_of(event, shards) == len(events) % shards:
            events.append(event)
    first, second = events
    return [
        _fixture(first, "MatchWinner", shards, {"home": 2_100_000, "draw": 3_400_000, "away": 3_700_000}),
        _fixture(first, "BothToScore", shards, {"yes": 1_800_000, "no": 2_050_000}),
        _fixture(second, "MatchWinner", shards, {"home": 1_500_000, "draw": 4_400_000, "away": 6_500_000}),
    ]


def _fixture(event: str, kind: str, shards: int, base: dict[str, int]) -> Fixture:
    names = {selection: selection.title() for selection in base}
    meta = MarketMeta(SPORT, LEAGUE, kind, "", f"Home v Away {event}", "Home", "Away", EPOCH_US, names)
    return Fixture(f"{event}:{kind}", event, kind, shard_of(event, shards), tuple(base), base, meta)


@cache
def market_class() -> Market:
    """The class as its user would write it; the desk reads its betting terms."""
    document: dict[str, Any] = {
        "apiVersion": "touchline.dev/v1alpha1",
        "kind": "Market",
        "metadata": {"name": "football"},
        "spec": {
            "selector": {"sports": [SPORT]},
            "feeds": {
                "model": "ActivePassive",
                "providers": [{"name": ALPHA, "priority": 1}, {"name": BETA, "priority": 2}],
            },
            "freshness": {"maxAge": f"{MAX_AGE_US // MILLISECOND}ms"},
            "suspensionPolicyRef": {"name": "in-play"},
            "betting": {"stake": {"min": "1.00", "max": "100.00"}, "priceChange": "AcceptBetter"},
        },
    }
    return Market.model_validate(document)


def policy() -> PolicyConfig:
    """Every trigger of this stage, with short cool-downs."""

    def trigger(name: str, kind: HoldReason, **fields: Any) -> TriggerConfig:
        return TriggerConfig(name, kind, f"policy/in-play/{name}", cool_down_us=COOL_DOWN_US, **fields)

    return PolicyConfig(
        "in-play",
        triggers=(
            trigger("delay", HoldReason.FEED_DELAY, threshold_us=120 * MILLISECOND),
            trigger("move", HoldReason.PRICE_MOVE, percent_ppm=120_000, within_us=600 * MILLISECOND),
            trigger("disconnect", HoldReason.PROVIDER_DISCONNECT),
            trigger("incident", HoldReason.EVENT_STATUS, scope="Event", incidents=(GOAL, "TurnInPlay")),
            trigger("gap", HoldReason.SEQUENCE_GAP),
            trigger("card", HoldReason.EVENT_STATUS, scope="Event", incidents=(RED_CARD,), review=True),
        ),
        checks=("FreshPrice", "AllSelectionsPriced"),
    )


def book_config(
    model: str, delay_us: int, halts: tuple[HaltConfig, ...] = (), resumes: tuple[HaltConfig, ...] = ()
) -> BookConfig:
    """The configuration that every book node is given."""
    return BookConfig(
        classes=[
            ClassConfig(
                "football",
                model,
                (ChoiceConfig(ALPHA, 1), ChoiceConfig(BETA, 2)),
                MAX_AGE_US,
                policy(),
                switch_after_us=SWITCH_AFTER_US,
                fail_back_after_us=FAIL_BACK_AFTER_US,
                delay_us=delay_us,
                resource=market_class(),
            )
        ],
        providers=[ProviderConfig(name, MAX_SILENCE_US, MAX_DELAY_US) for name in PROVIDERS],
        halts=halts,
        resumes=resumes,
    )
