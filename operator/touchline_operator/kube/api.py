"""Requests to the API server, by key, with errors of our own kind. Nothing is retried here: the queue does that.

Only what the operator needs: get, list (in pages, whole or metadata only), server-side apply, create, replace, merge-patch, delete.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from types import TracebackType
from typing import Any, Self

import aiohttp

from touchline_operator.errors import Forbidden, Gone, Leaving, Rejected, Transient
from touchline_operator.kube.access import Access
from touchline_operator.kube.authority import Authority, Unlimited
from touchline_operator.world.keys import MANAGER, PLACES, Key, Manifest, Place

REQUEST_S = 10.0
PAGE = 500
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


class Api:
    """An open client. `wrote` is called with verb and kind for each write that was sent."""

    def __init__(self, access: Access, *, wrote: Callable[[str, str], None] | None = None) -> None:
        self._access = access
        self._wrote = wrote or _unheard
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(ssl=self._access.tls if self._access.tls is not None else True, limit=64)
        self._session = aiohttp.ClientSession(connector=connector, json_serialize=json.dumps)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    # Reading

    async def get(self, place: Place, namespace: str, name: str, *, timeout_s: float = REQUEST_S) -> Manifest | None:
        """One object; None where there is none. Raises Transient, Forbidden."""
        path = f"{path_of(place, namespace)}/{name}"
        status, answer = await self._request("GET", path, Unlimited(), timeout_s=timeout_s)
        return None if status == 404 else _checked(status, answer, f"get {place.plural} {namespace}/{name}")

    async def list(
        self, place: Place, namespace: str | None, *, labels: str = "", metadata_only: bool = False
    ) -> AsyncIterator[Manifest]:
        """Every object of a kind, in pages; with `metadata_only` without spec and status. Raises Transient, Forbidden."""
        parameters = {"limit": str(PAGE)} | ({"labelSelector": labels} if labels else {})
        while True:
            status, answer = await self._request(
                "GET",
                path_of(place, namespace),
                Unlimited(),
                parameters=parameters,
                accept=METADATA_ONLY if metadata_only else "application/json",
            )
            page = _checked(status, answer, f"list {place.plural}")
            for item in page.get("items") or ():
                yield item
            more = (page.get("metadata") or {}).get("continue")
            if not more:
                return
            parameters["continue"] = more

    async def served(self, group: str, version: str) -> bool:
        """Whether the server has a version of an API group."""
        status, answer = await self._request("GET", f"/apis/{group}/{version}", Unlimited())
        if status == 404:
            return False
        _checked(status, answer, f"discover {group}/{version}")
        return True

    # Writing

    async def apply(self, manifest: Manifest, authority: Authority, *, subresource: str = "") -> Manifest:
        """Server-side apply under our field manager; returns the object as it now is. Raises OperatorError."""
        place = PLACES[manifest["kind"]]
        metadata = manifest["metadata"]
        path = f"{path_of(place, metadata['namespace'])}/{metadata['name']}"
        what = f"{place.plural}{f'/{subresource}' if subresource else ''}"
        status, answer = await self._request(
            "PATCH",
            f"{path}/{subresource}" if subresource else path,
            authority,
            parameters={"fieldManager": MANAGER, "force": "true"},
            body=manifest,
            content=APPLY,
        )
        self._wrote("apply", what)
        return _checked(status, answer, f"apply {what} {metadata['namespace']}/{metadata['name']}")

    async def send(
        self,
        verb: str,
        place: Place,
        namespace: str,
        name: str,
        body: Mapping[str, Any],
        authority: Authority,
        *,
        timeout_s: float = REQUEST_S,
    ) -> tuple[int, Manifest]:
        """POST, PUT or (merge) PATCH; returns the HTTP status, since for these it means something. Raises Transient, Forbidden."""
        path = path_of(place, namespace) + (f"/{name}" if verb != "POST" else "")
        content = MERGE if verb == "PATCH" else "application/json"
        status, answer = await self._request(
            verb, path, authority, parameters={"fieldManager": MANAGER}, body=body, content=content, timeout_s=timeout_s
        )
        self._wrote(verb.lower(), place.plural)
        if status in {403, 429} or status >= 500:
            _checked(status, answer, f"{verb.lower()} {place.plural} {namespace}/{name}")
        return status, answer

    async def delete(self, key: Key, uid: str, authority: Authority) -> None:
        """Delete one object, and only if it is still the one with that uid. Raises OperatorError."""
        place = PLACES[key.kind]
        body = {
            "kind": "DeleteOptions",
            "apiVersion": "v1",
            "preconditions": {"uid": uid},
            "propagationPolicy": "Background",
        }
        status, answer = await self._request(
            "DELETE", f"{path_of(place, key.namespace)}/{key.name}", authority, body=body
        )
        self._wrote("delete", place.plural)
        if status not in (404, 409):
            _checked(status, answer, f"delete {key}")

    async def _request(
        self,
        verb: str,
        path: str,
        authority: Authority,
        *,
        parameters: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        content: str = "application/json",
        accept: str = "application/json",
        timeout_s: float = REQUEST_S,
    ) -> tuple[int, Manifest]:
        """Status and answer. A write ends before our authority to write does."""
        assert self._session is not None, "the client is not open"
        seconds = min(timeout_s, authority.remaining_s())
        headers = {**self._access.headers(), "Accept": accept, "User-Agent": MANAGER}
        if body is not None:
            headers["Content-Type"] = content
        try:
            async with self._session.request(
                verb,
                f"{self._access.server}{path}",
                params=parameters,
                data=json.dumps(body).encode() if body is not None else None,
                headers=headers,
                timeout=aiohttp.ClientTimeout(total=seconds),
            ) as response:
                text = await response.text()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Transient(f"the API server does not answer {verb} {path}: {error!r}") from error
        try:
            answer = json.loads(text) if text else {}
        except ValueError:
            answer = {"message": text[:500]}
        return response.status, answer if isinstance(answer, dict) else {}


def _unheard(_verb: str, _kind: str) -> None:
    pass


def path_of(place: Place, namespace: str | None) -> str:
    """The path of a kind's objects."""
    root = f"/apis/{place.group}/{place.version}" if place.group else f"/api/{place.version}"
    return f"{root}/namespaces/{namespace}/{place.plural}" if namespace else f"{root}/{place.plural}"


def _checked(status: int, answer: Manifest, what: str) -> Manifest:
    if status < 300:
        return answer
    message = str(answer.get("message") or f"HTTP {status}")
    if status == 403:
        causes = (answer.get("details") or {}).get("causes") or ()
        if any(cause.get("reason") == "NamespaceTerminating" for cause in causes):
            raise Leaving(f"{what}: {message}")
        raise Forbidden(message)
    if status in (400, 405, 413, 415, 422):
        raise Rejected(message)
    if status == 404:
        # A namespace that is going, or a kind that is not installed (yet).
        raise Gone(f"{what}: {message}")
    raise Transient(f"{what}: HTTP {status}: {message}")
