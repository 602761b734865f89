"""Names that no EntityMap knows, as they stand in what is kept out at this moment: what somebody who keeps the maps has to look at."""

from collections import Counter
from collections.abc import Iterable

from touchline.ingest.market_state import MarketState
from touchline.ingest.refusals import Unmatched

MOST = 100
LONGEST = 120
"""Characters of one name."""


def unmatched(markets: Iterable[MarketState], *, most: int = MOST) -> list[dict[str, str | int]]:
    """The names that keep most markets (or selections of them) out, at most `most`, as JSON-compatible values.

    Nothing is remembered: a name is gone as soon as a map knows it or nobody offers its markets any more.
    """
    seen: Counter[Unmatched] = Counter()
    for market in markets:
        if market.refused:
            refusals = market.refused
        elif market.translation is not None and not market.ignored:
            refusals = market.translation.refusals
        else:
            continue
        seen.update({refusal.unmatched for refusal in refusals if refusal.unmatched is not None})
    ranked = sorted(seen.items(), key=lambda entry: (-entry[1], entry[0]))
    return [
        {"sport": word.sport, "what": word.what, "name": _one_line(word.name), "markets": count}
        for word, count in ranked[:most]
    ]


def _one_line(text: str) -> str:
    """A provider's text without what would break a line."""
    return "".join(character if character >= " " else " " for character in text)[:LONGEST]
