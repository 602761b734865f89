"""The gateway's HTTP calls (PROTOCOL, HTTP), with problem documents turned into errors that a person can read."""

import asyncio
import secrets
import ssl
from typing import Any
from urllib.parse import quote

import httpx

from touchline.local.errors import GatewayError
from touchline.local.trust import public_trust

Json = dict[str, Any]

RETRY_PAUSE = 0.1


def new_key() -> str:
    """A fresh idempotency key."""
    return f"cli-{secrets.token_hex(8)}"


def identity_headers(token: str, customer: str) -> dict[str, str]:
    """How a caller says who it is: by token, or by the cookie that a gateway without tokens gives."""
    if token:
        return {"Authorization": f"Bearer {token}"}
    return {"Cookie": f"touchline_customer={customer}"} if customer else {}


class GatewayHttp:
    """Calls of one gateway. Close it when done. `customer` is who an anonymous caller is, where tokens are not asked for.

    `trust` judges the certificate of an https gateway; without it, this machine's authorities do.
    """

    def __init__(self, url: str, *, token: str = "", customer: str = "", trust: ssl.SSLContext | None = None) -> None:
        self.url = url
        headers = identity_headers(token, customer)
        judge = (trust or public_trust()) if url.startswith("https:") else False
        self._client = httpx.AsyncClient(base_url=url, headers=headers, timeout=5.0, trust_env=False, verify=judge)

    async def close(self) -> None:
        await self._client.aclose()

    async def events(self, **filters: str) -> list[Json]:
        """Every event that matches (sport, league, phase), following the pages.

        Raises:
            GatewayError: refused, or no answer.
        """
        found: list[Json] = []
        cursor = ""
        while True:
            page = await self._get("/v1/events", {**filters, **({"cursor": cursor} if cursor else {})})
            found += page.get("events", [])
            cursor = page.get("cursor") or page.get("next") or ""
            if not cursor:
                return found

    async def event(self, event: str) -> Json:
        """One event with its markets.

        Raises:
            GatewayError: there is none, or no answer.
        """
        return await self._get(f"/v1/events/{quote(event, safe='')}")

    async def market(self, market: str) -> Json:
        """One market in full: prices, versions, holds, source, inputs.

        Raises:
            GatewayError: there is none, or no answer.
        """
        return await self._get(f"/v1/markets/{quote(market, safe=':')}")

    async def decision(self, key: str) -> Json | None:
        """The decision of a key; None where there is none.

        Raises:
            GatewayError: refused, or no answer.
        """
        try:
            return await self._get(f"/v1/bets/{quote(key, safe='')}")
        except GatewayError as error:
            if error.status == 404:
                return None
            raise

    async def bet(self, bet: Json, *, within: float = 10.0) -> Json:
        """Place a bet. The same key is sent again while no decision is known: it gets the one decision that there is.

        Raises:
            GatewayError: the bet is malformed, or no decision could be had in time.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + within
        while True:
            pause = RETRY_PAUSE
            try:
                reply = await self._client.post("/v1/bets", json=bet)
                if reply.status_code in {200, 201, 202}:
                    return _document(reply)
                if reply.status_code not in {502, 503, 504}:
                    raise GatewayError.of_problem(_document(reply), reply.status_code)
                pause = _seconds(reply.headers.get("Retry-After", ""), pause)
                why = f"answered {reply.status_code}"
            except httpx.TransportError as error:
                why = _words(error)
            if loop.time() + pause > end:
                raise GatewayError(
                    f"no decision on bet {bet.get('key')!r} within {within:.0f} s: {self.url} {why}",
                    fix=f"ask again with the same key: it gets the one decision that there is (--key {bet.get('key')})",
                )
            await asyncio.sleep(pause)

    async def ready(self) -> bool:
        """Whether the gateway says that it can serve."""
        try:
            return (await self._client.get("/readyz", timeout=1.0)).status_code == 200
        except httpx.TransportError:
            return False

    async def shards(self) -> list[Json]:
        """How far the gateway is with each shard's updates: `shard`, `epoch`, `seq`, `leader`, …

        Raises:
            GatewayError: no answer.
        """
        try:
            found: list[Json] = _document(await self._client.get("/readyz")).get("shards", [])
        except httpx.TransportError as error:
            raise GatewayError(f"{self.url} {_words(error)}") from error
        return found

    async def _get(self, path: str, query: dict[str, str] | None = None) -> Json:
        try:
            reply = await self._client.get(path, params=query)
        except httpx.TransportError as error:
            raise GatewayError(f"{self.url} {_words(error)}", fix=_fix(error)) from error
        if reply.status_code >= 400:
            raise GatewayError.of_problem(_document(reply), reply.status_code)
        return _document(reply)


def _document(reply: httpx.Response) -> Json:
    try:
        content = reply.json()
    except ValueError as error:
        raise GatewayError(f"{reply.url} answered {reply.status_code} with no JSON: {reply.text[:200]!r}") from error
    if isinstance(content, dict):
        return content
    return {"events": content}


def _seconds(text: str, default: float) -> float:
    try:
        return min(max(float(text), 0.05), 5.0)
    except ValueError:
        return default


_UNTRUSTED = "CERTIFICATE_VERIFY_FAILED"


def _fix(error: httpx.TransportError) -> str:
    if _UNTRUSTED in str(error):
        return "set SSL_CERT_FILE to the certificate of its authority, or use the name that the certificate is for"
    return "is the engine running? `touchline status` looks"


def _words(error: httpx.TransportError) -> str:
    if _UNTRUSTED in str(error):
        return f"shows a certificate that is not trusted here ({error})"
    if isinstance(error, httpx.ConnectError):
        return "cannot be reached"
    if isinstance(error, httpx.TimeoutException):
        return "did not answer in time"
    return f"broke the connection ({error})"
