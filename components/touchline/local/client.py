"""A client of the gateway's public protocol: the stream over WebSocket with resume, the calls over HTTP.

It is what `touchline watch` and `touchline bet` use, and what tests and benchmarks measure with. It keeps a `Replica`, which
verifies the version rules, and reconnects by itself: with `resume`, so that nothing is missed and little is sent again.

    async with TouchlineClient("http://127.0.0.1:8080") as client:
        await client.subscribe("sport:Football")
        async for change in client.changes():
            print(change.view.id, change.moved)
"""

import asyncio
import itertools
import logging
import random
import ssl
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, WebSocketException
from websockets.typing import Subprotocol

from touchline.bus.ending import end
from touchline.local.errors import GatewayError
from touchline.local.gateway_http import GatewayHttp, identity_headers
from touchline.local.replica import Change, ProtocolViolation, Replica
from touchline.local.trust import public_trust

log = logging.getLogger(__name__)

SUBPROTOCOL = Subprotocol("touchline.v1")
FIRST_PAUSE = 0.05
LONGEST_PAUSE = 2.0
LARGEST_FRAME = 64 * 1024 * 1024

Json = dict[str, Any]


def socket_url(url: str) -> str:
    """The WebSocket's URL of a gateway's HTTP URL."""
    parts = urlsplit(url)
    scheme = {"http": "ws", "https": "wss"}.get(parts.scheme, parts.scheme)
    return urlunsplit((scheme, parts.netloc, parts.path.rstrip("/") + "/v1/ws", "", ""))


class TouchlineClient:
    """One connection, kept alive until the `async with` block ends.

    `on_frame` sees every frame's text first (benchmarks stamp it there). `bound` limits the changes that wait for
    `changes()`; a reader that is slower loses the oldest and `skipped` counts them: the replica stays right.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8080",
        *,
        token: str = "",
        customer: str = "",
        strict: bool = True,
        on_frame: Callable[[str], None] | None = None,
        bound: int = 100_000,
        rng: random.Random | None = None,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self.url = url.rstrip("/")
        self.replica = Replica(strict=strict)
        self.http = GatewayHttp(self.url, token=token, customer=customer, trust=trust)
        self.connections = 0
        """How often the stream was connected."""
        self.drains = 0
        self.skipped = 0
        self.decisions: dict[str, Json] = {}
        """The last decision that was pushed, by key."""
        self.connected = asyncio.Event()
        self.last_error = ""
        self._headers = identity_headers(token, customer)
        self._trust = (trust or public_trust()) if self.url.startswith("https:") else None
        self._on_frame = on_frame
        self._bound = bound
        self._rng = rng or random.Random()
        self._topics: dict[str, None] = {}
        self._ids = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Json]] = {}
        self._synced: dict[int, asyncio.Future[Json]] = {}
        self._socket: ClientConnection | None = None
        self._queue: asyncio.Queue[Change | None] = asyncio.Queue()
        self._changed = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._stay_connected(), name="touchline client")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            await end([self._task])
        await self.http.close()

    # The stream

    async def subscribe(self, *topics: str, within: float = 10.0) -> int:
        """Add topics; returns how many markets match now, once their states are here.

        Raises:
            GatewayError: the gateway refused the topics, or did not answer in time.
        """
        number, reply = await self._command({"op": "subscribe", "topics": list(topics)}, within)
        self._topics.update(dict.fromkeys(topics))
        synced = self._synced.get(number)
        try:
            async with asyncio.timeout(within):
                if synced is not None:
                    try:
                        await synced
                    except ConnectionError:
                        await self._alive()  # the next connection subscribes to all topics by itself
        except TimeoutError as error:
            raise GatewayError(f"{self.url} did not send `synced` within {within:.0f} s") from error
        return int(reply.get("markets", 0))

    async def unsubscribe(self, *topics: str, within: float = 10.0) -> None:
        """Take topics away.

        Raises:
            GatewayError: the gateway refused, or did not answer in time.
        """
        await self._command({"op": "unsubscribe", "topics": list(topics)}, within)
        for topic in topics:
            self._topics.pop(topic, None)

    async def ping(self, *, within: float = 10.0) -> None:
        """Ask and wait for the answer: whatever was sent before is here then.

        Raises:
            GatewayError: no answer in time.
        """
        await self._command({"op": "ping"}, within)

    async def socket_bet(self, bet: Json, *, within: float = 10.0) -> Json:
        """Place a bet over the stream; returns the decision (perhaps `Pending`: the final one comes into `decisions`).

        Raises:
            GatewayError: refused as malformed, or no answer in time.
        """
        _, reply = await self._command({"op": "bet", **bet}, within)
        return reply

    async def changes(self) -> AsyncIterator[Change]:
        """Every change from now on, until the client is closed.

        Raises:
            ProtocolViolation: the server broke a rule (when strict).
        """
        while (change := await self._queue.get()) is not None:
            yield change
        if self._task is not None and self._task.done() and not self._task.cancelled():
            self._task.result()

    async def wait_for(self, condition: Callable[[Replica], bool], *, within: float = 10.0) -> None:
        """Wait until the replica fulfils a condition; it is looked at after every frame.

        Raises:
            TimeoutError: it did not in time.
            ProtocolViolation: the server broke a rule meanwhile (when strict).
        """

        def met() -> bool:
            if self._task is not None and self._task.done() and not self._task.cancelled():
                self._task.result()
            return condition(self.replica)

        async with asyncio.timeout(within), self._changed:
            await self._changed.wait_for(met)

    # Underneath

    async def _command(self, command: Json, within: float) -> tuple[int, Json]:
        """Send a command and wait for its answer; a lost connection means to send it again on the next one."""
        loop = asyncio.get_running_loop()
        end = loop.time() + within
        while True:
            number = next(self._ids)
            answer: asyncio.Future[Json] = loop.create_future()
            try:
                async with asyncio.timeout_at(end):
                    await self._alive()
                assert self._socket is not None
                self._answers[number] = answer
                if command["op"] == "subscribe":
                    self._synced[number] = loop.create_future()
                await self._socket.send(msgspec.json.encode({"id": number, **command}).decode())
                async with asyncio.timeout_at(end):
                    reply = await answer
            except TimeoutError as error:
                why = self.last_error or "no answer"
                raise GatewayError(
                    f"{self.url} did not answer `{command['op']}` within {within:.0f} s: {why}",
                    fix="is the engine running? `touchline status` looks",
                ) from error
            except (ConnectionError, WebSocketException):
                continue
            finally:
                self._answers.pop(number, None)
            if reply.get("op") == "error":
                self._synced.pop(number, None)
                raise GatewayError.of_problem(reply.get("problem") or {})
            return number, reply

    async def _alive(self) -> None:
        """Wait for a connection; ends early, with its error, where the client has given up."""
        while not self.connected.is_set():
            waiting = asyncio.create_task(self.connected.wait())
            tasks: list[asyncio.Task[Any]] = [waiting, *([self._task] if self._task else [])]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
            if self._task is not None and self._task.done():
                self._task.result()

    async def _stay_connected(self) -> None:
        pause = FIRST_PAUSE
        try:
            while True:
                before = self.connections
                after_ms = 0
                try:
                    after_ms = await self._session()
                    self.last_error = "the connection was closed"
                except (OSError, TimeoutError, InvalidHandshake, WebSocketException) as error:
                    self.last_error = str(error) or repr(error)
                finally:
                    self._lost()
                if after_ms:
                    await asyncio.sleep(self._rng.uniform(0, after_ms / 1000))
                pause = FIRST_PAUSE if self.connections > before else min(pause * 2, LONGEST_PAUSE)
                await asyncio.sleep(self._rng.uniform(0.5, 1.0) * pause)
        finally:
            self._queue.put_nowait(None)
            async with self._changed:
                self._changed.notify_all()

    async def _session(self) -> int:
        """One connection from open to close; returns the milliseconds of a `drain`, or 0."""
        async with connect(
            socket_url(self.url),
            subprotocols=[SUBPROTOCOL],
            additional_headers=self._headers,
            compression=None,
            max_size=LARGEST_FRAME,
            max_queue=1024,
            open_timeout=5,
            close_timeout=1,
            ping_interval=5,
            ping_timeout=10,
            ssl=self._trust,
        ) as socket:
            self._socket = socket
            self.connections += 1
            if self._topics:
                await self._resume(socket)
            else:
                self.connected.set()
            async for raw in socket:
                text = raw if isinstance(raw, str) else raw.decode()
                if self._on_frame is not None:
                    self._on_frame(text)
                after = await self._frame(text)
                if after is not None:
                    self.drains += 1
                    return max(after, 1)
        return 0

    async def _resume(self, socket: ClientConnection) -> None:
        """Subscribe again to everything, from the versions that are known here."""
        number = next(self._ids)
        done: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._synced[number] = done
        done.add_done_callback(lambda future: None if future.exception() else self.connected.set())
        command = {"id": number, "op": "subscribe", "topics": list(self._topics), "resume": self.replica.versions()}
        await socket.send(msgspec.json.encode(command).decode())

    async def _frame(self, text: str) -> int | None:
        """Apply one frame; the milliseconds of a `drain` that it holds, or None."""
        drain = None
        for item, change in self.replica.frame(text):
            if change is not None:
                self._offer(change)
                continue
            op = item.get("op")
            if op == "drain":
                drain = int(item.get("after", 0))
            elif op == "synced":
                self._resolve(self._synced.pop(item.get("id", -1), None), item)
            elif op in {"ok", "error", "pong", "bet"}:
                if op == "bet" and "key" in item:
                    self._keep_decision(item)
                number = item.get("id", -1)
                if op == "error" and number in self._synced and number not in self._answers:
                    raise GatewayError.of_problem(item.get("problem") or {})  # it no longer lets us resume
                self._resolve(self._answers.get(number), item)
        async with self._changed:
            self._changed.notify_all()
        if self.replica.doubtful and not self.replica.strict:
            await self._ask_again()
        return drain

    def _keep_decision(self, item: Json) -> None:
        while len(self.decisions) >= 10_000:
            self.decisions.pop(next(iter(self.decisions)))
        self.decisions[item["key"]] = item

    async def _ask_again(self) -> None:
        """A market in doubt gets a new state: by subscribing to it without a version to resume from."""
        if self._socket is None:
            return
        topics = [f"market:{market}" for market in sorted(self.replica.doubtful)]
        command = {"id": next(self._ids), "op": "subscribe", "topics": topics}
        await self._socket.send(msgspec.json.encode(command).decode())

    def _offer(self, change: Change) -> None:
        if self._queue.qsize() >= self._bound:
            self._queue.get_nowait()
            self.skipped += 1
        self._queue.put_nowait(change)

    @staticmethod
    def _resolve(future: asyncio.Future[Json] | None, item: Json) -> None:
        if future is not None and not future.done():
            future.set_result(item)

    def _lost(self) -> None:
        self._socket = None
        self.connected.clear()
        for future in (*self._answers.values(), *self._synced.values()):
            if not future.done():
                future.set_exception(ConnectionError("the connection was lost"))
                future.exception()  # nobody may be waiting for it
        self._synced.clear()


__all__ = ["GatewayError", "ProtocolViolation", "TouchlineClient", "socket_url"]
