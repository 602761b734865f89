"""Who makes a request, and the service that answers it: FastAPI dependencies."""

from typing import Annotated

from fastapi import Depends, Request, Response

from touchline.gateway.auth import COOKIE, cookie_of, unauthenticated
from touchline.gateway.identity import Identity
from touchline.gateway.service import Service

COOKIE_AGE_S = 30 * 24 * 3600


def service_of(request: Request) -> Service:
    """The service that this application belongs to."""
    service = request.app.state.service
    assert isinstance(service, Service)
    return service


def identity_of(request: Request, response: Response) -> Identity:
    """By token; in anonymous mode by cookie, which is given to those who have none.

    Raises:
        Problem: 401, no token or a bad one.
    """
    service = service_of(request)
    cookie = request.headers.get("cookie", "")
    identity = service.identify(request.headers.get("authorization", ""), cookie)
    if identity is None:
        raise unauthenticated("write Authorization: Bearer <token>")
    if service.auth.anonymous and identity.customer != cookie_of(cookie):
        remember(response, identity)
    return identity


def remember(response: Response, identity: Identity) -> None:
    """Give an anonymous customer its cookie, so that its bets stay its own over calls and sockets."""
    response.set_cookie(COOKIE, identity.customer, max_age=COOKIE_AGE_S, httponly=True, samesite="strict")


TheService = Annotated[Service, Depends(service_of)]
Customer = Annotated[Identity, Depends(identity_of)]
