"""Reading a stream by sequence, many records a request (JetStream direct get with `batch`).

It needs no consumer, so nothing has to be made anew when the broker restarts, and it costs one request to learn that there is
nothing new. A replica may lag: what is read is true, but need not be everything; appends are fenced by the stream's leader.
"""

import asyncio
import json
from typing import NamedTuple

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import Error as NatsError

TIMEOUT_S = 0.5
MAX_BYTES = 2 << 20


class Unreadable(Exception):
    """The broker did not answer, or not with records. Transient: try again."""


class Record(NamedTuple):
    """One record of a stream."""

    seq: int
    subject: str
    payload: bytes
    msg_id: str
    at: str = ""
    """When the broker stored it, RFC 3339 with nanoseconds."""


class _Read:
    """One request's answer, message by message."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.more: asyncio.Future[bool] = asyncio.get_running_loop().create_future()


class StreamReader:
    """Requests of one connection. `read` may be called by several tasks at once."""

    def __init__(self, nc: Client, *, timeout_s: float = TIMEOUT_S) -> None:
        self._nc = nc
        self._timeout_s = timeout_s
        self._inbox = ""
        self._sub: Subscription | None = None
        self._reads: dict[str, _Read] = {}
        self._count = 0

    async def start(self) -> None:
        self._inbox = self._nc.new_inbox()
        self._sub = await self._nc.subscribe(f"{self._inbox}.*", cb=self._arrived)

    async def read(
        self, stream: str, first: int, batch: int, *, max_bytes: int = MAX_BYTES
    ) -> tuple[list[Record], bool]:
        """Up to `batch` records (about `max_bytes` of them) from sequence `first` on, in order, and whether there are more.

        Raises:
            Unreadable: no whole answer in time.
        """
        if not self._nc.is_connected:
            raise Unreadable("the broker is away")
        self._count += 1
        token = str(self._count)
        read = self._reads[token] = _Read()
        try:
            await self._request(stream, first, batch, max_bytes, f"{self._inbox}.{token}")
            async with asyncio.timeout(self._timeout_s):
                more = await read.more
        except (NatsError, TimeoutError) as error:
            raise Unreadable(f"reading {stream} from {first}: {error!r}") from error
        finally:
            del self._reads[token]
        return read.records, more

    async def _request(self, stream: str, first: int, batch: int, max_bytes: int, reply: str) -> None:
        body = json.dumps({"seq": first, "batch": batch, "max_bytes": max_bytes}).encode()
        await self._nc.publish(f"$JS.API.DIRECT.GET.{stream}", body, reply=reply)

    async def _arrived(self, msg: Msg) -> None:
        read = self._reads.get(msg.subject.rpartition(".")[2])
        if read is None or read.more.done():
            return
        headers = msg.headers or {}
        status = headers.get("Status")
        if status is None:
            seq, subject = int(headers["Nats-Sequence"]), headers["Nats-Subject"]
            at = headers.get("Nats-Time-Stamp", "")
            read.records.append(Record(seq, subject, msg.data, headers.get("Nats-Msg-Id", ""), at))
        elif status == "204":  # end of the batch, which a limit of bytes may have cut short
            read.more.set_result(headers.get("Nats-Num-Pending", "0") != "0")
        elif status == "404":  # nothing from there on
            read.more.set_result(False)
        else:
            what = headers.get("Description", "")
            read.more.set_exception(Unreadable(f"the broker answered {status} {what}"))
