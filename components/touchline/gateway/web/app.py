"""The application: its routes, its errors as problem documents, its headers."""

from typing import Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException as StarletteHTTPException

from touchline.gateway.problems import Fault, Problem, malformed, pointer
from touchline.gateway.service import Service
from touchline.gateway.web import betting, description, operations, page, queries, stream
from touchline.gateway.web.cors import Cors
from touchline.version import __version__

PROBLEM_JSON = "application/problem+json"

_DESCRIPTION = """Touchline's gateway over HTTP. Prices live move on the WebSocket `/v1/ws` (described by `/asyncapi.json`) and on
`/v1/stream`; these calls are for a page's first paint, for bets, and for scripts. Every error is a problem document (RFC 9457).
"""


def create_app(service: Service) -> FastAPI:
    """The application of one gateway."""
    app = FastAPI(
        title="Touchline gateway",
        version=__version__,
        summary="Odds out, bets in.",
        description=_DESCRIPTION,
        license_info=None,
        docs_url=None,  # FastAPI's page loads scripts from elsewhere: ours is `page.reference`
        redoc_url=None,
        responses={
            422: {"description": "Malformed request", "content": {PROBLEM_JSON: {"schema": description.PROBLEM_SCHEMA}}}
        },
    )
    app.state.service = service
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(StarletteHTTPException, _on_http)
    app.add_middleware(Cors, service=service)
    for router in (queries.router, betting.router, stream.router, operations.router, description.router, page.router):
        app.include_router(router)
    return app


def problem_response(problem: Problem) -> JSONResponse:
    """A problem as an HTTP answer."""
    return JSONResponse(problem.document(), problem.status, problem.headers, media_type=PROBLEM_JSON)


async def _on_problem(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Problem)
    return problem_response(error)


async def _on_invalid(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    if any(item["type"] == "json_invalid" for item in error.errors()):
        return problem_response(Problem(400, "not-json", "The body is not JSON", str(error.errors()[0].get("ctx", ""))))
    faults = [Fault(_place(item["loc"]), item["msg"]) for item in error.errors()]
    return problem_response(malformed("the request is malformed", faults))


async def _on_http(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException | StarletteHTTPException)
    slug = {404: "not-found", 405: "method-not-allowed"}.get(error.status_code, "http")
    problem = Problem(error.status_code, slug, str(error.detail), headers=dict(error.headers or {}))
    return problem_response(problem)


def _place(location: tuple[Any, ...]) -> str:
    """`("query", "limit")` is told as `/query/limit`; of a body, the pointer into it."""
    return pointer(location[1:] if location and location[0] == "body" else location)
