"""What betfairlightweight, which nobody here wrote, makes of a recording: the judge of our own decoder.

Only what both sides mean is compared: markets with a definition, and of those the runners that the definition names and has
not withdrawn. LINE markets quote lines, not odds, and have no prices for us.
"""

import bz2
import gzip
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from betfairlightweight import StreamListener

Books = dict[str, tuple[str, dict[str, int]]]
"""By market id: Betfair's own status word, and by runner (`id`, or `id/handicap`) the best price to back in micro odds;
runners without a price are left out."""


def final_books(path: str | Path) -> Books:
    """The state of every defined market after the last message of a file (plain, .bz2 or .gz; lines or one document)."""
    return [books for _, books in books_along(path, 1 << 62)][-1]


def books_along(path: str | Path, step: int) -> Iterator[tuple[int, Books]]:
    """The number of messages so far and the state after them: after each `step` messages, and at the end."""
    listener = StreamListener(max_latency=None, lightweight=True)
    listener.register_stream(0, "marketSubscription")
    count = 0
    for text in _messages(Path(path)):
        count += 1
        _hear(listener, text)
        if count % step == 0:
            yield count, _books(listener)
    yield count, _books(listener)


def _hear(listener: StreamListener, text: str) -> None:
    message = _parsed(text)
    if not (isinstance(message, dict) and message.get("op") == "mcm" and "mc" in message):
        return
    level = logging.root.manager.disable
    logging.disable(logging.CRITICAL)  # it warns of every market without a definition
    try:
        listener.on_data(text)
    finally:
        logging.disable(level)


def _books(listener: StreamListener) -> Books:
    return {
        market["marketId"]: (market["status"], _prices(market))
        for market in listener.snap()
        if market["status"] is not None
    }


def _prices(market: dict[str, Any]) -> dict[str, int]:
    definition = market["marketDefinition"]
    if definition.get("bettingType") == "LINE":
        return {}
    named = {_runner(runner["id"], runner.get("hc")): runner["status"] for runner in definition["runners"]}
    prices = {}
    for runner in market["runners"]:
        name = _runner(runner["selectionId"], runner["handicap"])
        offers = runner["ex"]["availableToBack"]
        if offers and named.get(name, "REMOVED") != "REMOVED":
            prices[name] = round(offers[0]["price"] * 1_000_000)
    return prices


def _runner(selection: object, handicap: float | None) -> str:
    return f"{selection}/{handicap:g}" if handicap else str(selection)


def _messages(path: Path) -> Iterator[str]:
    raw = path.read_bytes()
    if raw.startswith(b"BZh"):
        raw = bz2.decompress(raw)
    elif raw.startswith(b"\x1f\x8b"):
        raw = gzip.decompress(raw)
    text = raw.decode("utf-8-sig", errors="replace")
    document = _parsed(text)
    if isinstance(document, list):
        yield from (json.dumps(message) for message in document)
    elif isinstance(document, dict):
        yield json.dumps(document)
    else:
        yield from (line for line in text.splitlines() if line.strip())


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None
