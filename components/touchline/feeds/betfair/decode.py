"""Betfair's stream messages as structs, and how leniently they are read.

Two ways lead to the same structs. The fast one is msgspec's typed decoder, which every well-formed message takes. What it
refuses (a number that came as text, `"NaN"` for a price, an unknown shape in one place) is read once more, piece by
piece: what can be understood is kept, what cannot is dropped and named in `Decoded.refused`. A frame that is not a JSON
object with an `op` is refused whole (`MalformedMessage`).

Protocol source: Betfair Exchange Stream API, "Change Message", "Runner Change", "Market Definition".
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

BOM = b"\xef\xbb\xbf"
REFUSED_SHOWN = 5
"""How many refused pieces of one message are named; the rest is counted."""


class MalformedMessage(ValueError):
    """A frame that is no stream message; permanent: the same bytes never become one."""


class RunnerChange(msgspec.Struct, gc=False):
    """What changed on one runner. Ladders are `[price, size]` or `[level, price, size]`; size 0 removes.

    An absent or empty ladder changes nothing: an empty list is a change that the subscription's filter took out.
    """

    id: int
    hc: float | None = None
    atb: list[tuple[float, float]] | None = None
    atl: list[tuple[float, float]] | None = None
    batb: list[tuple[int, float, float]] | None = None
    batl: list[tuple[int, float, float]] | None = None
    bdatb: list[tuple[int, float, float]] | None = None
    bdatl: list[tuple[int, float, float]] | None = None


class RunnerDefinition(msgspec.Struct, rename="camel", gc=False):
    id: int
    hc: float | None = None
    status: str = "ACTIVE"
    """ACTIVE, REMOVED, WINNER, LOSER, PLACED, HIDDEN."""
    sort_priority: int = 0
    name: str | None = None
    """In recordings only; the live stream names nothing."""


class MarketDefinition(msgspec.Struct, rename="camel", gc=False):
    """Always whole: a definition replaces the one before."""

    event_id: str = ""
    event_type_id: str = ""
    market_type: str = ""
    status: str = ""
    """OPEN, SUSPENDED, CLOSED or INACTIVE."""
    runners: list[RunnerDefinition] = []
    in_play: bool = False
    bet_delay: float | None = 0
    """Seconds."""
    version: int = 0
    open_date: str | None = None
    market_time: str | None = None
    betting_type: str | None = None
    country_code: str | None = None
    name: str | None = None
    event_name: str | None = None


class MarketChange(msgspec.Struct, rename="camel", gc=False):
    id: str
    market_definition: MarketDefinition | None = None
    rc: list[RunnerChange] | None = None
    img: bool | None = None
    con: bool | None = None


class Message(msgspec.Struct, rename="camel", gc=False):
    """Any message from the server. `op` says which: connection, status, mcm; ocm, rcm and ccm are not ours."""

    op: str
    id: int | None = None
    pt: int | None = None
    """Publish time, epoch milliseconds; a bare 503 has none."""
    clk: str | None = None
    initial_clk: str | None = None
    ct: str | None = None
    """SUB_IMAGE, RESUB_DELTA, HEARTBEAT; absent: a delta."""
    segment_type: str | None = None
    status: int | None = None
    heartbeat_ms: int | None = None
    conflate_ms: int | None = None
    mc: list[MarketChange] | None = None
    status_code: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    connection_closed: bool | None = None
    connection_id: str | None = None


_ATTRIBUTES = {field.encode_name: field.name for field in msgspec.structs.fields(Message)}
"""Of a message, by Betfair's spelling."""


class Decoded(NamedTuple):
    """A message, and what of it could not be understood (`refused`, in words; empty almost always).

    `lost` is true where a whole runner, definition or market was refused, so that state may be missing; false where
    only values that are no prices were left out.
    """

    message: Message
    refused: tuple[str, ...] = ()
    lost: bool = False


_fast = msgspec.json.Decoder(Message).decode


class _Stamp(msgspec.Struct, gc=False):
    pt: int | None = None


_stamp = msgspec.json.Decoder(_Stamp).decode


def decode(frame: bytes) -> Decoded:
    """Read one frame, with or without a byte order mark.

    Raises:
        MalformedMessage: not JSON, not an object, or an object without `op`.
    """
    body = frame[len(BOM) :] if frame.startswith(BOM) else frame
    try:
        return Decoded(_fast(body))
    except msgspec.ValidationError:
        return _decode_leniently(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedMessage(f"not a JSON message: {error}") from error


def publish_ms(frame: bytes) -> int | None:
    """The publish time of a frame in epoch milliseconds, without reading the rest of it; None where it has none."""
    body = frame[len(BOM) :] if frame.startswith(BOM) else frame
    try:
        return _stamp(body).pt
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _decode_leniently(body: bytes) -> Decoded:
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedMessage(f"not a JSON message: {error}") from error
    if not isinstance(document, dict):
        raise MalformedMessage(f"a message is a JSON object, not {type(document).__name__}")
    op = document.get("op")
    if not isinstance(op, str):
        raise MalformedMessage("a message names its operation in `op`")
    reader = _LenientReader()
    message = Message(op)
    for name in ("id", "pt", "status", "heartbeatMs", "conflateMs"):
        setattr(message, _ATTRIBUTES[name], reader.integer(document.get(name), name))
    for name in ("ct", "clk", "initialClk", "segmentType", "statusCode", "errorCode", "errorMessage", "connectionId"):
        setattr(message, _ATTRIBUTES[name], _text(document.get(name)))
    message.connection_closed = _flag(document.get("connectionClosed"))
    if op == "mcm":
        message.mc = [change for part in reader.items(document.get("mc"), "mc") if (change := reader.market(part))]
    return Decoded(message, reader.refused(), reader.lost)


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _text(value: object) -> str | None:
    return None if value is None else str(value)


class _LenientReader:
    """Reads the pieces of one message and remembers those that it had to refuse."""

    def __init__(self) -> None:
        self.lost = False
        self._refused: list[str] = []
        self._count = 0

    def refused(self) -> tuple[str, ...]:
        more = self._count - len(self._refused)
        return (*self._refused, f"and {more} more") if more > 0 else tuple(self._refused)

    def _refuse(self, what: str, *, lost: bool) -> None:
        self._count += 1
        self.lost = self.lost or lost
        if len(self._refused) < REFUSED_SHOWN:
            self._refused.append(what)

    def items(self, value: object, where: str) -> list[Any]:
        if value is None:
            return []
        if not isinstance(value, list):
            self._refuse(f"{where} is not a list", lost=True)
            return []
        return value

    def integer(self, value: object, where: str) -> int | None:
        if value is None or (isinstance(value, int) and not isinstance(value, bool)):
            return value
        number = _number(value)
        if number is None:
            self._refuse(f"{where} is not a number: {str(value)[:40]!r}", lost=False)
            return None
        return int(number)

    def market(self, part: object) -> MarketChange | None:
        if not isinstance(part, dict) or not isinstance(part.get("id"), str | int):
            self._refuse("a market change without an id", lost=True)
            return None
        change = MarketChange(str(part["id"]), img=_flag(part.get("img")), con=_flag(part.get("con")))
        definition = part.get("marketDefinition")
        if definition is not None:
            change.market_definition = self._definition(definition, change.id)
        runners = self.items(part.get("rc"), f"{change.id}: rc")
        change.rc = [runner for item in runners if (runner := self._runner(item, change.id))]
        return change

    def _definition(self, part: object, market: str) -> MarketDefinition | None:
        try:
            return msgspec.convert(part, MarketDefinition, strict=False)
        except (msgspec.ValidationError, OverflowError) as error:
            self._refuse(f"{market}: marketDefinition: {error}", lost=True)
            return None

    def _runner(self, part: object, market: str) -> RunnerChange | None:
        identity = _number(part.get("id")) if isinstance(part, dict) else None
        if not isinstance(part, dict) or identity is None:
            self._refuse(f"{market}: a runner change without an id", lost=True)
            return None
        handicap = 0.0 if part.get("hc") is None else _number(part["hc"])
        if handicap is None:
            self._refuse(f"{market}: runner {int(identity)}: handicap {str(part['hc'])[:40]!r}", lost=True)
            return None
        where = f"{market}: runner {int(identity)}"
        runner = RunnerChange(int(identity), handicap)
        for name in ("atb", "atl"):
            setattr(runner, name, self._levels(part.get(name), 2, tuple, f"{where}: {name}"))
        for name in ("batb", "batl", "bdatb", "bdatl"):
            setattr(runner, name, self._levels(part.get(name), 3, _levelled, f"{where}: {name}"))
        return runner

    def _levels(self, value: object, length: int, shape: Callable[[list[float]], Any], where: str) -> list[Any] | None:
        if value is None:
            return None
        levels = []
        for item in self.items(value, where):
            numbers = [_number(part) for part in item] if isinstance(item, list) else []
            if len(numbers) != length or None in numbers:
                self._refuse(f"{where}: {str(item)[:60]} is not a price level", lost=False)
                continue
            levels.append(shape([number for number in numbers if number is not None]))
        return levels


def _levelled(numbers: list[float]) -> tuple[int, float, float]:
    return int(numbers[0]), numbers[1], numbers[2]


def _number(value: object) -> float | None:
    """A finite number, also where it came as text; None for anything else (`"NaN"`, `"Infinity"`)."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
