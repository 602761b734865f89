"""Cross-origin requests, by the origins that the engine's resource allows at the moment of the request.

No credentials are ever allowed across origins: a page elsewhere authenticates with a token.
"""

from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from touchline.gateway.service import Service

_METHODS = b"GET, POST, OPTIONS"
_HEADERS = b"Authorization, Content-Type, Last-Event-ID"


class Cors:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        origin = dict(scope.get("headers") or ()).get(b"origin", b"").decode("latin-1")
        allowed = self._service.engine.spec.gateway.allowed_origins
        if scope["type"] != "http" or not origin or not ("*" in allowed or origin in allowed):
            await self._app(scope, receive, send)
            return
        headers = [(b"access-control-allow-origin", b"*" if "*" in allowed else origin.encode("latin-1"))]
        if "*" not in allowed:
            headers.append((b"vary", b"Origin"))
        if scope["method"] == "OPTIONS":
            preflight: list[Any] = [
                *headers,
                (b"access-control-allow-methods", _METHODS),
                (b"access-control-allow-headers", _HEADERS),
                (b"access-control-max-age", b"600"),
            ]
            await send({"type": "http.response.start", "status": 204, "headers": preflight})
            await send({"type": "http.response.body", "body": b""})
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *headers]
            await send(message)

        await self._app(scope, receive, with_headers)
