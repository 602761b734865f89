"""Client commands: read strictly, answered precisely.

What is no command at all (not JSON, no `id`, no `op`) is `Garbage`: the connection is closed with 4400. A command with a
wrong field is a `Problem` that names the field; the connection stays.
"""

import re
from typing import Annotated, Any

import msgspec

from touchline.domain.version import Version, VersionError
from touchline.gateway.markets import is_made
from touchline.gateway.outputs import CommandId
from touchline.gateway.problems import Fault, Problem, malformed, pointer
from touchline.gateway.topics import MalformedTopic, parse_topic

MAX_ID = 64
_decode = msgspec.json.Decoder().decode
_PATH = re.compile(r" - at `\$(.*)`$")
_STEP = re.compile(r"\.([^.\[]+)|\[([^\]]*)\]")


class Garbage(Exception):
    """Not a command: the sender does not speak this protocol."""


class Subscribe(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    topics: Annotated[list[str], msgspec.Meta(min_length=1)]
    resume: dict[str, str] = {}


class Unsubscribe(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    topics: Annotated[list[str], msgspec.Meta(min_length=1)]


class Auth(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    token: Annotated[str, msgspec.Meta(min_length=1)]


class Ping(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    pass


class Bet(msgspec.Struct):
    """A bet's document; judged by `bet_shape`."""

    document: dict[str, Any]


Command = Subscribe | Unsubscribe | Auth | Ping | Bet
_OPS: dict[str, type[Subscribe | Unsubscribe | Auth | Ping]] = {
    "subscribe": Subscribe,
    "unsubscribe": Unsubscribe,
    "auth": Auth,
    "ping": Ping,
}


def read_command(text: bytes) -> tuple[CommandId, dict[str, Any]]:
    """The command's id and its document, `id` taken out.

    Raises:
        Garbage: it is none.
    """
    try:
        document = _decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Garbage("not a JSON object") from error
    if not isinstance(document, dict):
        raise Garbage("not a JSON object")
    command = document.pop("id", None)
    if isinstance(command, bool) or not isinstance(command, int | str) or len(str(command)) > MAX_ID:
        raise Garbage("a command needs an id: a number or a text of at most 64 characters")
    if not isinstance(document.get("op"), str):
        raise Garbage("a command needs an op")
    return command, document


def parse_command(document: dict[str, Any]) -> Command:
    """A command's fields.

    Raises:
        Problem: an unknown op, or a field is missing, unknown or malformed.
    """
    op = document.pop("op")
    if op == "bet":
        return Bet(document)
    kind = _OPS.get(op)
    if kind is None:
        known = ", ".join([*_OPS, "bet"])
        raise malformed(f"unknown op {op[:40]!r}", [Fault("/op", f"must be one of {known}")])
    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError as error:
        raise malformed(f"the command {op!r} is malformed", [_fault(str(error))]) from error


def parse_topics(texts: list[str], limit: int) -> tuple[str, ...]:
    """Topics in a fixed order, each once.

    Raises:
        Problem: one is no topic, or there are more than `limit`.
    """
    if len(texts) > limit:
        raise Problem(413, "too-many-topics", "Too many topics", f"a connection may have {limit} topics")
    faults = []
    for index, text in enumerate(texts):
        try:
            parse_topic(text)
        except MalformedTopic as error:
            faults.append(Fault(pointer(("topics", index)), str(error)))
    if faults:
        raise malformed("not every topic is one", faults)
    return tuple(sorted(dict.fromkeys(texts)))


def parse_resume(resume: dict[str, str]) -> tuple[dict[str, Version], dict[str, Version]]:
    """The versions a client has: of states and deltas that leaders sent, and of states that a gateway made.

    Raises:
        Problem: one is malformed.
    """
    versions: dict[str, Version] = {}
    made: dict[str, Version] = {}
    faults = []
    for market, text in resume.items():
        try:
            parse_topic("market:" + market)
            (made if is_made(text) else versions)[market] = Version.parse(text)
        except (MalformedTopic, VersionError) as error:
            faults.append(Fault(pointer(("resume", market)), str(error)))
    if faults:
        raise malformed("not every resume entry is a market with a version", faults[:20])
    return versions, made


def _fault(message: str) -> Fault:
    """msgspec says where in `$.a[0]`; a client wants a JSON pointer."""
    found = _PATH.search(message)
    if found is None:
        return Fault("", message)
    steps = [name or index for name, index in _STEP.findall(found[1])]
    return Fault(pointer(steps), message[: found.start()])
