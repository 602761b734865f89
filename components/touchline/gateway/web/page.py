"""The page at the root: files of the `touchline.console` package, served as they are."""

import hashlib
import re
from importlib.resources import files
from typing import Annotated

from fastapi import APIRouter, Header, Response

from touchline.gateway.problems import Problem
from touchline.gateway.web.access import TheService, remember

router = APIRouter(include_in_schema=False)

_NAME = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
_TYPES = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
    "png": "image/png",
    "ico": "image/x-icon",
    "json": "application/json",
    "webmanifest": "application/manifest+json",
    "woff2": "font/woff2",
    "txt": "text/plain; charset=utf-8",
}
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    # Names carry no hash of the content, so a browser asks each time; the ETag makes that cheap.
    "Cache-Control": "no-cache",
}


@router.get("/")
async def front_page(
    service: TheService,
    cookie: Annotated[str, Header()] = "",
    if_none_match: Annotated[str, Header()] = "",
) -> Response:
    """The page. Anonymous visitors get their customer id with it, so that socket and calls share it."""
    response = _file("index.html", if_none_match)
    if service.auth.anonymous:
        identity = service.identify("", cookie)
        assert identity is not None
        if f"={identity.customer}" not in cookie:
            remember(response, identity)
    return response


@router.get("/docs")
async def reference(if_none_match: Annotated[str, Header()] = "") -> Response:
    """The calls and the stream described for people, with forms to try them; self-contained like every page here."""
    return _file("docs.html", if_none_match)


@router.get("/assets/{name}")
async def asset(name: str, if_none_match: Annotated[str, Header()] = "") -> Response:
    """One of the page's files."""
    return _file(name, if_none_match)


def _file(name: str, if_none_match: str) -> Response:
    kind = _TYPES.get(name.rpartition(".")[2])
    if kind is None or not _NAME.fullmatch(name):
        raise Problem(404, "not-found", "Not Found")
    try:
        content = files("touchline.console").joinpath("static", name).read_bytes()
    except (FileNotFoundError, IsADirectoryError) as error:
        raise Problem(404, "not-found", "Not Found") from error
    tag = f'"{hashlib.sha256(content).hexdigest()[:24]}"'
    headers = {**_HEADERS, "ETag": tag}
    if tag in if_none_match:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=kind, headers=headers)
