"""Book throughput on one core against a loop that only decodes and encodes the same messages.

Both sides start from the bytes of an `OddsBatch` and end with the packed delta frame. The reference decodes the batch and encodes the frame
with msgspec from a ready dict; the book besides judges sequence, freshness, arbitration, triggers and version. Short blocks of both
sides alternate, so that what else the machine does falls on both; the ratio is the median of the pairs'.

    python -m bench.book_throughput
"""

import gc
import statistics
import time
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from bench.rows import Row, row
from touchline.api import parse_resource
from touchline.api.v1alpha1.feed_provider import FeedProvider
from touchline.api.v1alpha1.market import Market
from touchline.api.v1alpha1.suspension_policy import SuspensionPolicy
from touchline.book.config_reading import config_of
from touchline.book.outputs import Publish
from touchline.book.shard import ShardBook
from touchline.bus import wire
from touchline.bus.messages import Beat, MarketMeta, MarketUpdate, OddsBatch, Selection, decode_odds, encode
from touchline.domain.prices import decimal_text

WALL = 1_800_000_000_000_000
MARKETS = 200
MESSAGES = 4_000
BLOCK = 50
ROUNDS = 7
BAR = 0.5
SELECTIONS = ("home", "draw", "away")
_VERSION = "touchline.dev/v1alpha1"


def resources() -> list[Market | SuspensionPolicy | FeedProvider]:
    """Two providers, one class, and a policy with every trigger that an in-play class would have."""
    health = {"maxSilence": "1h", "maxDelay": "500ms"}
    documents: list[dict[str, Any]] = [
        {
            "kind": "FeedProvider",
            "metadata": {"name": name},
            "spec": {
                "protocol": "BetfairStream",
                "betfairStream": {"endpoint": "stream.example.com:443"},
                "credentialsSecretRef": {"name": "feed"},
                "health": health,
            },
        }
        for name in ("first", "second")
    ]
    documents += [
        {
            "kind": "SuspensionPolicy",
            "metadata": {"name": "in-play"},
            "spec": {
                "triggers": [
                    {"name": "late", "type": "FeedDelay", "feedDelay": {"threshold": "500ms"}},
                    {"name": "swing", "type": "PriceMove", "priceMove": {"percent": "15", "within": "2s"}},
                    {"name": "lost", "type": "ProviderDisconnect"},
                    {"name": "goal", "type": "EventStatus", "eventStatus": {"incidents": ["Goal"]}, "scope": "Event"},
                    {"name": "gap", "type": "SequenceGap"},
                ]
            },
        },
        {
            "kind": "Market",
            "metadata": {"name": "in-play"},
            "spec": {
                "feeds": {"providers": [{"name": "first", "priority": 1}, {"name": "second", "priority": 2}]},
                "freshness": {"maxAge": "10m"},
                "suspensionPolicyRef": {"name": "in-play"},
            },
        },
    ]
    parsed = [parse_resource({"apiVersion": _VERSION, **document}) for document in documents]
    return [entry for entry in parsed if isinstance(entry, Market | SuspensionPolicy | FeedProvider)]


def open_book(markets: Iterable[str]) -> ShardBook:
    """A leading book whose markets are all open."""
    book = ShardBook(shard=0, shards=1, node="bench")
    book.configure(0, config_of(resources()))
    book.tick(0, WALL)
    book.lead(0, 1)
    names = {selection: selection.title() for selection in SELECTIONS}
    images = []
    for market in markets:
        meta = MarketMeta("Football", "eng-premier-league", "MatchWinner", "", "A v B", "A", "B", WALL, names)
        prices = [Selection(selection, 3_000_000) for selection in SELECTIONS]
        images.append(MarketUpdate(market, WALL, WALL, 0, prices, image=True, in_play=1, delay_ms=5000, meta=meta))
    for provider in ("first", "second"):
        book.odds(0, OddsBatch(provider, "one", 1, images, 7))
        book.beat(0, Beat(provider, "one", "Connected", [1], WALL, 0, 10, {"bench": 0}))
    return book


def batches(markets: list[str], changed: int) -> list[bytes]:
    """Messages that change `changed` selections of one market each: prices that wander within a few per cent."""
    found = []
    for number in range(MESSAGES):
        market = markets[number % len(markets)]
        step = number // len(markets)
        prices = [
            Selection(selection, 3_000_000 + 10_000 * ((step * 7 + at * 3) % 13 + 1))
            for at, selection in enumerate(SELECTIONS[:changed])
        ]
        update = MarketUpdate(market, WALL + number * 1000, WALL + number * 1000 + 300, sels=prices)
        found.append(encode(OddsBatch("first", "one", number + 2, [update])))
    return found


def book_pass(book: ShardBook, messages: list[bytes], now: int) -> int:
    """Give a book some messages, a millisecond apart; returns the bytes published."""
    size = 0
    for message in messages:
        now += 1_000
        for output in book.odds(now, decode_odds(message)):
            if isinstance(output, Publish):
                size += len(output.payload)
    return size


def floor_pass(messages: list[bytes], encode_json: Callable[[Any], bytes]) -> int:
    """Only decode each message and encode the frame that the book would publish; returns the bytes."""
    size = 0
    seq = 1
    for message in messages:
        batch = decode_odds(message)
        update = batch.updates[0]
        body = encode_json(
            {
                "op": "delta",
                "m": update.market,
                "p": f"1.{seq}",
                "v": f"1.{seq + 1}",
                "sel": {sel.id: decimal_text(sel.micro) for sel in update.sels},
                "t": {"src": update.src, "recv": update.recv, "pub": WALL},
            }
        )
        size += len(wire.pack("D", False, 1, seq + 1, seq, update.market, body))
        seq += 1
    return size


def measure_changed(changed: int) -> Row:
    """The cost of a message on both sides, for messages that change so many selections; the ratio is the pairs' median."""
    markets = [f"e{number}:MatchWinner" for number in range(MARKETS)]
    messages = batches(markets, changed)
    encode_json = msgspec.json.Encoder().encode
    costs: list[float] = []
    floors: list[float] = []
    gc.collect()
    gc.disable()
    try:
        for _ in range(ROUNDS):
            book = open_book(markets)
            for start in range(0, MESSAGES, BLOCK):
                block = messages[start : start + BLOCK]
                begin = time.process_time_ns()
                least = floor_pass(block, encode_json)
                between = time.process_time_ns()
                published = book_pass(book, block, 1_000 * (start + 1))
                end = time.process_time_ns()
                if published < least - 20 * len(block):
                    raise AssertionError(f"the book published only {published} bytes for {len(block)} messages")
                floors.append((between - begin) / len(block) / 1000)
                costs.append((end - between) / len(block) / 1000)
    finally:
        gc.enable()
    per_round = MESSAGES // BLOCK
    rounds = [costs[at : at + per_round] for at in range(0, len(costs), per_round)]
    return row(
        f"book: a message with {changed} changed price{'s' if changed > 1 else ''}, bytes in to frame out",
        [statistics.median(costs_of_round) for costs_of_round in rounds],
        "us CPU",
        reference=f"speed of decode and encode alone ({statistics.median(floors):.2f} us)",
        ratio=statistics.median(floor / cost for floor, cost in zip(floors, costs, strict=True)),
        at_least=BAR,
    )


def measure() -> list[Row]:
    """One row for each number of changed selections; the ratio is how fast the book is, 1 being decode and encode alone."""
    return [measure_changed(changed) for changed in (1, 2, 3)]


if __name__ == "__main__":
    for figure in measure():
        print(
            f"{figure['name']}: {figure['median']} {figure['unit']} (± {figure['spread']}), {figure['ratio']} of the "
            f"{figure['reference']}, bar {figure['bar']}: {'holds' if figure['holds'] else 'FAILS'}"
        )
