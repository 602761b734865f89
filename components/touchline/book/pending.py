"""What is pending on a market beyond the present facts: reviews that wait for a trader, and cool-downs that run.

Every other hold is derived from what providers and traders say, by any node, at any time. These two are not: they rest on what
*was*, and perhaps on what one leader alone has seen. So a leader writes them down (`Handover`), and whoever leads next takes them
over before it publishes anything; what it has seen itself stays, whatever ends later counts. Cool-downs are written as what is left
of them, so that no two machines' clocks are ever compared: they count again from the moment at which they are taken over.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from touchline.book.config import TriggerConfig
from touchline.book.market import BookMarket, Latch, Signal
from touchline.domain.reasons import HoldReason

EVERY_MARKET = "*"
"""Stands for every market of the shard, where there are too many to name, or where it cannot be read which they are."""
MAX_BYTES = 512 << 10
"""Of a written document; the broker's smallest usual limit for a message is twice this."""
KEPT_US = 24 * 3_600_000_000
"""How long a leader keeps what it took over for a market that nobody offers."""


class Memo(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that is pending on a market, or on one selection of it."""

    cause: str
    """Of the hold, or of the trigger that keeps a selection out; empty for a market's cool-down."""
    reason: HoldReason
    detail: str
    selection: str = ""
    scope: str = "Market"
    cool_down_us: int = 0
    """Of the trigger: what follows a review."""
    review: bool = False
    since: int = 0
    """Of a review, epoch microseconds; 0: from the moment at which it is taken over."""
    left_us: int = 0
    """Of a cool-down, at the moment of writing; the whole of it while its trigger still fires."""


class Legacy(NamedTuple):
    """What a leader left behind: memos by market (`EVERY_MARKET` for all of them)."""

    epoch: int
    memos: Mapping[str, list[Memo]]


NOTHING = Legacy(0, {})


class _Group(msgspec.Struct):
    memo: Memo
    markets: list[str]


class _Document(msgspec.Struct):
    epoch: int
    groups: list[_Group]


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Document).decode


def pack(legacy: Legacy) -> bytes:
    """As it is written down. Markets with the same memo share it: what befell thousands at once is told once."""
    groups: dict[Memo, list[str]] = {}
    for market, memos in legacy.memos.items():
        for memo in memos:
            groups.setdefault(memo, []).append(market)
    payload = _encode(_Document(legacy.epoch, [_Group(memo, markets) for memo, markets in groups.items()]))
    if len(payload) <= MAX_BYTES:
        return payload
    widest: dict[tuple[str, str], Memo] = {}
    for memo in groups:
        known = widest.get((memo.cause, memo.selection), memo)
        widest[memo.cause, memo.selection] = msgspec.structs.replace(
            memo, since=max(memo.since, known.since), left_us=max(memo.left_us, known.left_us)
        )
    return _encode(_Document(legacy.epoch, [_Group(memo, [EVERY_MARKET]) for memo in widest.values()]))


def unpack(payload: bytes) -> Legacy:
    """The reverse. Of what no node wrote the worst is assumed: every market waits for a trader."""
    try:
        document = _decode(payload)
    except msgspec.DecodeError:
        unread = Memo(
            "reopening/unread", HoldReason.MANUAL, "what the leader before held back cannot be read", review=True
        )
        return Legacy(0, {EVERY_MARKET: [unread]})
    memos: dict[str, list[Memo]] = {}
    for group in document.groups:
        for market in group.markets:
            memos.setdefault(market, []).append(group.memo)
    return Legacy(document.epoch, memos)


def memos_of(now: int, market: BookMarket) -> list[Memo]:
    """Everything that is pending on a market at `now`."""
    memos = [
        Memo(
            cause,
            latch.signal.config.type,
            latch.signal.detail,
            selection,
            latch.signal.config.scope,
            latch.signal.config.cool_down_us,
            review=True,
            since=latch.since,
        )
        for (cause, selection), latch in market.latched.items()
    ]
    left, why = market.cool_until - now, market.cooling_from
    for cause, signal in market.fired.items():
        whole = signal.config.cool_down_us
        its = signal.at + whole - now if signal.at >= 0 else whole
        if (cause, "") not in market.latched and its > left:
            left, why = its, f"{cause} ({signal.detail})"
    if left > 0:
        memos.append(Memo("", HoldReason.COOL_DOWN, why, left_us=left))
    for selection, signals in market.blocked.items():
        for cause, signal in signals.items():
            left = market.cooling.get(selection, now + signal.config.cool_down_us) - now
            if (cause, selection) not in market.latched and left > 0:
                memos.append(Memo(cause, signal.config.type, signal.detail, selection, "Selection", left_us=left))
    return memos


def recall(now: int, market: BookMarket, memos: Iterable[Memo]) -> None:
    """Bring what a former leader left behind into a market; whatever ends later counts. The market has to be settled then."""
    for memo in memos:
        name = memo.cause.rpartition("/")[2]
        config = TriggerConfig(name, memo.reason, memo.cause, memo.scope, memo.review, cool_down_us=memo.cool_down_us)
        signal = Signal(config, memo.detail)
        if memo.review:
            known = market.latched.get((memo.cause, memo.selection))
            if known is None or known.since < memo.since:
                market.latched[memo.cause, memo.selection] = Latch(signal, memo.since)
        elif memo.selection:
            own = market.blocked.get(memo.selection)
            if own is None or memo.selection in market.cooling:  # else it fires here, and its own cool-down follows
                until = max(now + memo.left_us, market.cooling.get(memo.selection, 0))
                market.cooling[memo.selection] = until
                market.blocked = {**market.blocked, memo.selection: {memo.cause: signal, **(own or {})}}
        elif now + memo.left_us > market.cool_until:
            market.cool_until, market.cooling_from = now + memo.left_us, memo.detail


class PendingBoard:
    """What is pending on a shard's markets, and what was taken over for markets that the book does not have yet."""

    def __init__(self) -> None:
        self.changes = 0
        """Grows whenever something else is pending than before: then it has to be written down again."""
        self._pending: dict[str, tuple[BookMarket, tuple[object, ...]]] = {}
        self._inherited: dict[str, list[tuple[Memo, int]]] = {}
        """With the time at which a cool-down ends, or a review is given up because nobody offers the market."""

    def __len__(self) -> int:
        return len(self._pending)

    def note(self, now: int, market: BookMarket) -> None:
        """A market was settled."""
        if not (market.fired or market.latched or market.blocked) and now >= market.cool_until:
            if self._pending.pop(market.id, None) is not None:
                self.changes += 1
            return
        mark = (
            market.cool_until,
            tuple((cause, signal.at) for cause, signal in market.fired.items()),
            tuple((key, latch.since) for key, latch in market.latched.items()),
            tuple((selection, tuple(signals)) for selection, signals in market.blocked.items()),
            tuple(market.cooling.items()),
        )
        known = self._pending.get(market.id)
        if known is None or known[1] != mark:
            self._pending[market.id] = (market, mark)
            self.changes += 1

    def forget(self, market: str) -> None:
        """A market has left the book."""
        if self._pending.pop(market, None) is not None:
            self.changes += 1

    def inherit(self, now: int, wall: int, legacy: Legacy, markets: Mapping[str, BookMarket]) -> list[str]:
        """A term begins with what another leader left behind. Returns which of `markets` have to be settled; others come later."""
        self._inherited.clear()  # of an earlier term, and as old
        for market, memos in legacy.memos.items():
            for memo in memos:
                since = memo.since if memo.since or not memo.review else wall
                until = now + (KEPT_US if memo.review else memo.left_us)
                entry = (msgspec.structs.replace(memo, since=since), until)
                self._inherited.setdefault(market, []).append(entry)
        self.changes += 1
        return [id for id, market in markets.items() if self.recall(now, market)] if self._inherited else []

    def recall(self, now: int, market: BookMarket) -> bool:
        """Bring what was taken over for a market into it; true if there was anything."""
        own = self._inherited.pop(market.id, [])
        entries = [*own, *self._inherited.get(EVERY_MARKET, [])]
        found = [_left(now, memo, until) for memo, until in entries if now < until]
        recall(now, market, found)
        return bool(found)

    def legacy(self, now: int, epoch: int) -> Legacy:
        """Everything that has to outlive this leader."""
        memos: dict[str, list[Memo]] = {}
        for id, (market, _) in self._pending.items():
            if mine := memos_of(now, market):
                memos[id] = mine
        for id, entries in list(self._inherited.items()):
            self._inherited[id] = kept = [entry for entry in entries if now < entry[1]]
            if not kept:
                del self._inherited[id]
                continue
            memos.setdefault(id, []).extend(_left(now, memo, until) for memo, until in kept)
        return Legacy(epoch, memos)


def _left(now: int, memo: Memo, until: int) -> Memo:
    return memo if memo.review else msgspec.structs.replace(memo, left_us=until - now)
