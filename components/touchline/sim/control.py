"""The simulator's control port: a tiny HTTP server on the loopback interface, for tests and for people with curl.

    GET    /state                                  what every provider really says now
    GET    /faults                                 the faults in force
    POST   /faults  {"kind": "Delay", "provider": "betfair-a", "for": "5s", "by": "800ms", "count": 1}
    DELETE /faults[?provider=NAME]                 end them
    PUT    /session {"token": "new"}               every other session token has expired, and connections made with one end

Durations are written as everywhere ("500ms"). Without "for" a fault lasts until it is deleted. A wrong request is answered with
400 and one sentence. One request a connection; nothing here is meant for a network.
"""

import asyncio
import contextlib
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qs, urlsplit

import msgspec

from touchline.api.types.durations import Duration
from touchline.sim.faults import FOREVER, Fault, FaultKind
from touchline.sim.server import Simulator

HEAD_BYTES, BODY_BYTES = 16 * 1024, 64 * 1024
READ_SECONDS = 5.0


class BadRequest(Exception):
    """What is wrong with a request, in one sentence."""


class FaultRequest(msgspec.Struct, forbid_unknown_fields=True):
    kind: FaultKind
    provider: str = ""
    lasts: str | None = msgspec.field(default=None, name="for")
    by: str = "0s"
    behind: bool = False
    """With ClockSkew: the provider's clock is behind instead of ahead."""
    count: int = 1


class SessionRequest(msgspec.Struct, forbid_unknown_fields=True):
    """`{"token": "new"}`: the old session token has expired, this one is valid."""

    token: str


class Request(NamedTuple):
    method: str
    path: str
    query: dict[str, list[str]]
    body: bytes


class Control:
    """Serves one simulator's control port; start it with `async with`, `port` is known then."""

    def __init__(self, simulator: Simulator, port: int, host: str = "127.0.0.1") -> None:
        self.port = port
        self._host = host
        self._simulator = simulator
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._answer, self._host, self.port, limit=HEAD_BYTES)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(READ_SECONDS):
                request = await _read(reader)
            status, document = 200, self._act(request)
        except BadRequest as error:
            status, document = 400, {"error": str(error)}
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            status, document = 400, {"error": "the request did not come whole"}
        body = msgspec.json.encode(document)
        reason = "OK" if status == 200 else "Bad Request"
        head = f"HTTP/1.1 {status} {reason}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        with contextlib.suppress(OSError):  # the client may have gone; nobody is left to be told
            writer.write(head.encode() + body)
            await writer.drain()
            writer.close()
            await writer.wait_closed()

    def _act(self, request: Request) -> dict[str, Any]:
        match request.method, request.path:
            case "GET", "/state":
                return self._simulator.state()
            case "GET", "/faults":
                return self._faults()
            case "POST", "/faults":
                self._inject(request.body)
                return self._faults()
            case "DELETE", "/faults":
                self._simulator.faults.clear(request.query.get("provider", [""])[0])
                return self._faults()
            case "PUT", "/session":
                return {"ended": self._simulator.end_session(_token(request.body))}
            case method, path:
                raise BadRequest(
                    f"{method} {path} is not known; there are GET /state, GET, POST and DELETE /faults, and PUT /session"
                )

    def _inject(self, body: bytes) -> None:
        try:
            wanted = msgspec.json.decode(body, type=FaultRequest)
            lasts = None if wanted.lasts is None else Duration(wanted.lasts).micros
            by = Duration(wanted.by).micros
        except (msgspec.DecodeError, ValueError) as error:
            raise BadRequest(f"{error}; kinds are {', '.join(kind.value for kind in FaultKind)}") from error
        try:
            self._simulator.inject(
                wanted.kind,
                provider=wanted.provider,
                for_us=lasts,
                by_us=-by if wanted.behind else by,
                count=wanted.count,
            )
        except KeyError:
            known = ", ".join(self._simulator.providers)
            raise BadRequest(f"provider {wanted.provider!r} is not simulated; there are {known}") from None

    def _faults(self) -> dict[str, Any]:
        now = self._simulator.now()
        return {"faults": [_describe(fault, now) for fault in self._simulator.faults.all(now)]}


def _token(body: bytes) -> str:
    try:
        wanted = msgspec.json.decode(body, type=SessionRequest)
    except msgspec.DecodeError as error:
        raise BadRequest(str(error)) from error
    if not wanted.token:
        raise BadRequest("token is empty: write the one that is a session from now on")
    return wanted.token


def _describe(fault: Fault, now: int) -> dict[str, Any]:
    left = None if fault.until >= FOREVER else Duration.of(max(0, fault.until - now)).text
    return {
        "kind": fault.kind.value,
        "provider": fault.provider or "*",
        "left": left,
        "by_us": fault.by_us,
        "count": fault.count,
        "hits": fault.hits,
    }


async def _read(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *fields = head.split("\r\n")
    parts = first.split(" ")
    if len(parts) != 3:
        raise BadRequest("not an HTTP request")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in fields)}
    length = headers.get("content-length", "0")
    if not length.isdigit() or int(length) > BODY_BYTES:
        raise BadRequest(f"a body has at most {BODY_BYTES} bytes")
    url = urlsplit(parts[1])
    return Request(parts[0], url.path, parse_qs(url.query), await reader.readexactly(int(length)))
