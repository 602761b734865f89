"""The log's stream on the broker: its end, and appending to it under a fence.

Every append names the sequence that must be the stream's last. Of two recorders that run for a moment at once, each append of one makes
the other read the end again: nothing is written twice, and no chain forks.
"""

import base64
import json
from typing import Any, NamedTuple

from nats.aio.client import Client
from nats.errors import Error as NatsError

from touchline.bus import subjects
from touchline.recorder.segments import NOTHING, Segment, decode, hash_of
from touchline.recorder.track import State

TIMEOUT_S = 5.0
_NO_MESSAGE = 10037
_WRONG_LAST_SEQUENCE = 10071
_NEVER = "0001-01-01"
"""Start of what the broker says for the time of a message that there is not."""


class NotNow(Exception):
    """The broker did not answer, or refused. Transient: try again."""


class Overtaken(NotNow):
    """The log does not end where we thought: another has written, or an append of ours was stored without our learning of it."""


class End(NamedTuple):
    """The log's newest segment, or None, the hash that the next one names, and the sequence that must be the stream's last."""

    segment: Segment | None
    hash: bytes
    seq: int


class Extent(NamedTuple):
    """What the log holds: sequences of its oldest and newest segment, when the oldest was stored (RFC 3339; empty for none), bytes, and
    how long (seconds) and how many bytes (0: no limit) of it are kept."""

    first: int
    last: int
    oldest: str
    octets: int
    kept_s: float
    most_octets: int


class AuditLog:
    """The log over one connection."""

    def __init__(self, nc: Client) -> None:
        self._nc = nc

    async def end(self) -> End:
        """Where the log ends, as the stream's leader knows it.

        Raises:
            NotNow: it cannot be read.
            touchline.recorder.segments.Damaged: it ends with something that is no segment.
        """
        extent = await self.extent()
        asked = {"last_by_subj": subjects.AUDIT}
        answer = await self._ask(f"$JS.API.STREAM.MSG.GET.{subjects.AUDIT_STREAM}", asked, missing=_NO_MESSAGE)
        if answer is None:
            return End(None, NOTHING, extent.last)
        stored = base64.b64decode(answer["message"].get("data") or "")
        return End(decode(stored), hash_of(stored), int(answer["message"]["seq"]))

    async def extent(self) -> Extent:
        """What the log holds. Raises NotNow."""
        answer = await self._ask(f"$JS.API.STREAM.INFO.{subjects.AUDIT_STREAM}", {})
        assert answer is not None
        state = answer["state"]
        oldest = str(state.get("first_ts", _NEVER))
        return Extent(
            first=int(state["first_seq"]),
            last=int(state["last_seq"]),
            oldest="" if oldest.startswith(_NEVER) else oldest,
            octets=int(state["bytes"]),
            kept_s=int(answer["config"].get("max_age") or 0) / 1e9,
            most_octets=max(0, int(answer["config"].get("max_bytes") or 0)),
        )

    async def source(self, stream: str) -> State:
        """A source stream as it is. Raises NotNow."""
        answer = await self._ask(f"$JS.API.STREAM.INFO.{stream}", {})
        assert answer is not None
        state = answer["state"]
        last = int(state["last_seq"])
        first = int(state["first_seq"]) if state["messages"] else last + 1
        return State(created=str(answer["created"]), first=first, last=last)

    async def append(self, stored: bytes, *, after: int) -> int:
        """Store a segment as the one after sequence `after`; returns its own.

        Raises:
            Overtaken: the stream's last sequence is another.
            NotNow: it is not stored, or nobody knows whether it is.
        """
        headers = {"Nats-Expected-Last-Sequence": str(after)}
        try:
            reply = await self._nc.request(subjects.AUDIT, stored, timeout=TIMEOUT_S, headers=headers)
            answer = json.loads(reply.data)
        except (NatsError, TimeoutError, OSError, ValueError) as error:
            raise NotNow(f"a segment may not be stored: {error!r}") from error
        refusal = answer.get("error")
        if refusal is not None:
            kind = Overtaken if refusal.get("err_code") == _WRONG_LAST_SEQUENCE else NotNow
            raise kind(f"the broker does not store a segment: {refusal.get('description', refusal)}")
        return int(answer["seq"])

    async def _ask(self, subject: str, asked: dict[str, Any], *, missing: int = 0) -> dict[str, Any] | None:
        try:
            reply = await self._nc.request(subject, json.dumps(asked).encode() if asked else b"", timeout=TIMEOUT_S)
            answer: dict[str, Any] = json.loads(reply.data)
        except (NatsError, TimeoutError, OSError, ValueError) as error:
            raise NotNow(f"the broker does not answer {subject}: {error!r}") from error
        refusal = answer.get("error")
        if refusal is None:
            return answer
        if refusal.get("err_code") == missing:
            return None
        raise NotNow(f"the broker refuses {subject}: {refusal.get('description', refusal)}")
