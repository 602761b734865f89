"""Reading and writing the `lease` bucket, with time-outs short against the lease's ttl: leases, and what they hand over.

Plain requests instead of a bucket object: a read must go to the stream's leader, a write must be one attempt whose fate is
either known or reported as unknown. nats-py's own calls retry and cache.
"""

import base64
import json
import logging
from typing import NamedTuple

import msgspec
from nats.aio.client import Client
from nats.errors import Error as NatsError

from touchline.bus import subjects
from touchline.bus.trouble import Trouble

log = logging.getLogger(__name__)

TIMEOUT_S = 0.4
_STREAM = f"KV_{subjects.LEASE_BUCKET}"
_NO_MESSAGE = 10037
_WRONG_REVISION = 10071


class Seen(NamedTuple):
    """What the bucket shows: revision 0 is no key, value None a deleted one."""

    revision: int
    value: bytes | None


class _Stored(msgspec.Struct):
    seq: int
    data: str = ""
    hdrs: str = ""


class _Error(msgspec.Struct):
    err_code: int = 0
    description: str = ""


class _Answer(msgspec.Struct):
    message: _Stored | None = None
    error: _Error | None = None
    seq: int = 0


_decode = msgspec.json.Decoder(_Answer).decode


LEASES, PENDING, INGEST = "shard", "pending", "ingest"
"""Kinds of keys: who leads a shard (`Lease`), what its leader leaves to the next one (`Handover`), who receives a provider."""


class LeaseBucket:
    """The keys of one kind, by shard or provider."""

    def __init__(self, nc: Client, kind: str = LEASES) -> None:
        self._nc = nc
        self._kind = kind
        self._trouble = Trouble(log)

    async def read(self, key: int | str) -> Seen | None:
        """The key's newest revision, or None where the broker did not say."""
        subject = self._subject(key)
        body = json.dumps({"last_by_subj": subject}).encode()
        answer = await self._ask(f"$JS.API.STREAM.MSG.GET.{_STREAM}", body, None)
        if answer is None:
            return None
        if answer.message is not None:
            self._trouble.over(about=subject)
            deleted = b"KV-Operation" in base64.b64decode(answer.message.hdrs)
            return Seen(answer.message.seq, None if deleted else base64.b64decode(answer.message.data))
        if answer.error is not None and answer.error.err_code == _NO_MESSAGE:
            self._trouble.over(about=subject)
            return Seen(0, None)
        why = answer.error.description if answer.error is not None else "the broker gave no answer that is known"
        self._trouble.tell(f"{subject} cannot be read: {why}", about=subject)
        return None

    async def write(self, key: int | str, value: bytes, revision: int) -> int | None:
        """Write if `revision` is the newest; the new revision, or None where it was refused or its fate is not known."""
        headers = {"Nats-Expected-Last-Subject-Sequence": str(revision)}
        answer = await self._ask(self._subject(key), value, headers)
        if answer is None:
            return None
        if answer.error is not None:
            if answer.error.err_code != _WRONG_REVISION:
                log.warning("%s cannot be written: %s", self._subject(key), answer.error.description)
            return None
        return answer.seq or None

    async def _ask(self, subject: str, body: bytes, headers: dict[str, str] | None) -> _Answer | None:
        if not self._nc.is_connected:
            return None
        try:
            reply = await self._nc.request(subject, body, timeout=TIMEOUT_S, headers=headers)
            return _decode(reply.data)
        except (NatsError, TimeoutError, msgspec.DecodeError) as error:
            log.debug("asking %s: %r", subject, error)
            return None

    def _subject(self, key: int | str) -> str:
        return f"$KV.{subjects.LEASE_BUCKET}.{self._kind}.{key}"
