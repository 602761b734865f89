"""Bets over HTTP."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Request, Response

from touchline.bus.messages import BetLookup, BetReply
from touchline.gateway.bet_shape import KEY_PATTERN, bet_schema, read_bet
from touchline.gateway.bets import refusal
from touchline.gateway.problems import Problem
from touchline.gateway.web.access import Customer, TheService
from touchline.gateway.web.documents import DecisionDocument, ProblemDocument

router = APIRouter(prefix="/v1", tags=["bets"])

MAX_BODY = 64 * 1024

_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": bet_schema()}},
    }
}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"model": DecisionDocument, "description": "The key was used before: its first decision"},
    202: {"model": DecisionDocument, "description": "Pending: in-play delay; the final decision is pushed"},
    404: {"model": ProblemDocument, "description": "No decision is stored for this key"},
    409: {"model": ProblemDocument, "description": "The key belongs to another bet"},
    503: {"model": ProblemDocument, "description": "Not looked at now; ask again with the same key"},
    504: {"model": ProblemDocument, "description": "No decision in time; ask again with the same key"},
}
"""By status; `Retry-After` comes with 503 and 504."""


def _but(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {status: answer for status, answer in _ANSWERS.items() if status not in statuses}


@router.post("/bets", status_code=201, response_model=DecisionDocument, responses=_but(404), openapi_extra=_BODY)
async def place_bet(request: Request, service: TheService, customer: Customer, response: Response) -> Response:
    """Have a bet decided by the leader of its event's shard; the same key always gets the first decision."""
    bet = read_bet(await _json(request), customer, service.engine.spec.currency)
    return _answer(await service.bets.place(bet), response)


async def _json(request: Request) -> Any:
    """The body, read by ourselves: bounded, exact about what is no JSON, whatever its Content-Type says."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY:
            raise Problem(413, "too-large", "The body is too large", f"a bet has at most {MAX_BODY} bytes")
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem(400, "not-json", "The body is not JSON", str(error)) from error


@router.get("/bets/{key}", response_model=DecisionDocument, responses=_but(409, 503))
async def get_decision(
    key: Annotated[str, Path(pattern=KEY_PATTERN, description="Idempotency key of the bet.")],
    service: TheService,
    customer: Customer,
    response: Response,
) -> Response:
    """The decision of a key; only for the customer who placed the bet."""
    reply = await service.bets.look_up(BetLookup(key=key, customer=customer.customer))
    return _answer(reply, response)


def _answer(reply: BetReply, given: Response) -> Response:
    refused: Problem | None = refusal(reply)
    if refused is not None:
        raise refused
    answer = Response(bytes(reply.decision), reply.status, media_type="application/json")
    for name, value in given.headers.items():
        if name == "set-cookie":
            answer.headers.append(name, value)
    return answer
