"""The protocol described for machines: `/asyncapi.json` beside FastAPI's `/openapi.json`."""

from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from touchline.gateway.asyncapi import asyncapi_document
from touchline.gateway.problems import Problem
from touchline.gateway.web.documents import ProblemDocument

router = APIRouter(tags=["descriptions"])

PROBLEM_SCHEMA = ProblemDocument.model_json_schema()


@router.get("/asyncapi.json", include_in_schema=False)
async def asyncapi() -> JSONResponse:
    """The WebSocket's AsyncAPI document."""
    return JSONResponse(asyncapi_document())


@router.get("/v1/ws", include_in_schema=False)
async def not_a_websocket() -> dict[str, Any]:
    """The WebSocket's address asked without an upgrade."""
    raise Problem(
        426,
        "upgrade-required",
        "Upgrade Required",
        "this address speaks WebSocket, subprotocol touchline.v1",
        headers={"Upgrade": "websocket", "Connection": "Upgrade"},
    )
