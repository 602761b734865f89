"""What clients read of a market (PROTOCOL, "Server frames"), and its envelope for the bus (`touchline.bus.wire`).

`state_body` and `delta_body` are the definition. `price_delta` writes the most frequent of all messages, a delta that has only
prices, from ready pieces: the same bytes, tested to be equal, at a fraction of the cost.
"""

from collections.abc import Mapping

import msgspec

from touchline.book.market import BookMarket
from touchline.bus import subjects, wire
from touchline.domain.keys import is_token, token
from touchline.domain.prices import decimal_text
from touchline.domain.status import MarketStatus

_encode = msgspec.json.Encoder().encode
_KEPT_TEXTS = 1 << 16


class _PriceTexts(dict[int, str]):
    """JSON of a micro price: `"2.08"` with its quotes, `null` for 0. Filled as prices come, emptied when full."""

    def __missing__(self, micro: int) -> str:
        if len(self) >= _KEPT_TEXTS:
            self.clear()
        text = self[micro] = f'"{decimal_text(micro)}"' if micro else "null"
        return text


PRICE_TEXTS = _PriceTexts()


def prices_object(prices: Mapping[str, int]) -> dict[str, str | None]:
    """`sel`: decimal text by selection, null for a selection that cannot be bet on."""
    return {selection: decimal_text(micro) if micro else None for selection, micro in prices.items()}


def holds_object(market: BookMarket) -> list[dict[str, object]]:
    """`holds`: reason, since (epoch microseconds), and the figures where there are any."""
    holds: list[dict[str, object]] = []
    for hold in market.holds:
        entry: dict[str, object] = {"reason": hold.reason, "since": hold.since}
        if hold.detail:
            entry["detail"] = hold.detail
        holds.append(entry)
    return holds


def meta_of(market: BookMarket) -> dict[str, object]:
    """`meta` as it is now. Its parts change one by one: a delta carries those that differ, each whole.

    The same object is returned while nothing of it has changed.
    """
    view = market.view or next(iter(market.views.values()), None)
    meta = view.meta if view is not None else None
    provider = market.view.link.name if market.view is not None else ""
    class_name = market.class_config.name if market.class_config is not None else ""
    rests_on = (meta, market.phase, provider, market.delay_us(), class_name)
    if market.meta_of is not None and meta is market.meta_of[0] and rests_on[1:] == market.meta_of[1:]:
        return market.meta
    market.meta_of = rests_on
    if meta is None:
        return {**market.meta, "provider": provider}
    return {
        "sport": meta.sport,
        "league": meta.league,
        "type": market.key.type,
        "line": market.key.line,
        "event": {
            "id": market.key.event,
            "name": meta.event_name,
            "start": meta.start_us,
            "home": meta.home,
            "away": meta.away,
        },
        "phase": market.phase.value,
        "names": meta.names,
        "provider": provider,
        "betDelayMs": rests_on[3] // 1000,
        "class": class_name,
    }


def subject_of(market: BookMarket, shard: int) -> str:
    """Where a market is published; names that cannot stand in a subject are made to."""
    sport, league = str(market.meta["sport"]), str(market.meta["league"])
    parts = [text if is_token(text) else token(text) for text in (sport, league)]
    return subjects.book(shard, parts[0], parts[1], market.key.event, market.key.type)


def head_of(market: BookMarket) -> str:
    """What `price_delta` needs between the envelope's numbers and the version."""
    return f' {market.id}\n{{"op":"delta","m":"{market.id}","p":"'


def state_body(market: BookMarket, epoch: int) -> bytes:
    """Everything that is known of a market, at its last published version."""
    return _encode(
        {
            "op": "state",
            "m": market.id,
            "v": f"{epoch}.{market.seq}",
            "status": market.status,
            "holds": holds_object(market),
            "sel": prices_object(market.prices),
            "meta": market.meta,
            "t": _times(market),
        }
    )


def delta_body(
    market: BookMarket,
    epoch: int,
    previous: int,
    *,
    status: MarketStatus | None = None,
    holds: bool = False,
    prices: Mapping[str, int] | None = None,
    meta: Mapping[str, object] | None = None,
) -> bytes:
    """What changed since the market's update `previous`; what did not change is left out."""
    body: dict[str, object] = {
        "op": "delta",
        "m": market.id,
        "p": f"{epoch}.{previous}",
        "v": f"{epoch}.{market.seq}",
    }
    if status is not None:
        body["status"] = status
    if holds:
        body["holds"] = holds_object(market)
    if prices:
        body["sel"] = prices_object(prices)
    if meta:
        body["meta"] = meta
    body["t"] = _times(market)
    return _encode(body)


def gone_body(market: BookMarket, epoch: int) -> bytes:
    """The market is no longer part of the book."""
    return _encode({"op": "gone", "m": market.id, "v": f"{epoch}.{market.seq}"})


def price_delta(head: str, epoch: int, previous: int, seq: int, pieces: str, src: int, recv: int, pub: int) -> bytes:
    """The whole payload of a delta that has only prices; `head` is the market's, `pieces` the members of `sel`, each after a comma."""
    before, after = str(previous), str(seq)
    version = f"{epoch}."
    return (
        f'D- {epoch} {after} {before}{head}{version}{before}","v":"{version}{after}","sel":{{{pieces[1:]}}},'
        f'"t":{{"src":{src},"recv":{recv},"pub":{pub}}}}}'
    ).encode()


def pack(kind: str, market: BookMarket, epoch: int, previous: int, body: bytes, *, urgent: bool = False) -> bytes:
    """The payload for the bus."""
    return wire.pack(kind, urgent, epoch, market.seq, previous, market.id, body)


def _times(market: BookMarket) -> dict[str, int]:
    return {"src": market.src, "recv": market.recv, "pub": market.pub}
