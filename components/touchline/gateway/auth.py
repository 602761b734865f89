"""Who a token says its bearer is. Tokens are JWTs signed with an asymmetric key of the issuer's published set (JWKS).

The key set is a Secret's file and is read again when a token names a key that it does not have: issuers rotate keys.
"""

import logging
import re
import secrets
import time
from collections.abc import Callable
from typing import Any

import jwt

from touchline.api import OddsEngine
from touchline.api.v1alpha1.gateway import JwtAuth
from touchline.bus.settings import Settings, SettingsError, read_secret
from touchline.gateway.identity import ANY_JURISDICTION, Identity
from touchline.gateway.problems import Problem

log = logging.getLogger(__name__)

JWKS_KEY = "jwks.json"
REREAD_S = 5.0
MAX_TOKEN = 8 * 1024
COOKIE = "touchline_customer"
_CUSTOMER = re.compile(r"[A-Za-z0-9_-]{8,64}")
_SUBJECT = re.compile(r"[!-~]{1,128}")


def unauthenticated(detail: str) -> Problem:
    """The answer to a missing or bad token."""
    return Problem(
        401, "unauthenticated", "Not authenticated", detail, headers={"WWW-Authenticate": 'Bearer realm="touchline"'}
    )


class Authenticator:
    """What `spec.gateway.auth` declares. With `anonymous`, everybody gets a customer id of their own."""

    def __init__(self, engine: OddsEngine, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        auth = engine.spec.gateway.auth
        self.jwt: JwtAuth | None = auth.jwt
        self._settings = settings
        self._clock = clock
        self._keys: dict[str, jwt.PyJWK] = {}
        self._read_at: float | None = None
        anonymous = auth.anonymous
        self._jurisdiction = (anonymous.jurisdiction if anonymous is not None else None) or ANY_JURISDICTION

    @property
    def anonymous(self) -> bool:
        return self.jwt is None

    def anyone(self, cookie: str = "") -> Identity:
        """An anonymous customer: the one that the cookie names, or a new one."""
        customer = cookie if _CUSTOMER.fullmatch(cookie) else secrets.token_urlsafe(16)
        return Identity(customer, self._jurisdiction)

    def verify(self, token: str) -> Identity:
        """Who a token's bearer is.

        Raises:
            Problem: 401, saying what is wrong with the token; 403 where it lacks the jurisdiction.
        """
        rules = self.jwt
        if rules is None:
            raise Problem(400, "anonymous", "Tokens are not used here", "this engine's gateway is anonymous")
        if len(token) > MAX_TOKEN:
            raise unauthenticated("the token is too long")
        try:
            key = self._key(token)
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[str(algorithm) for algorithm in rules.algorithms],
                issuer=rules.issuer,
                audience=rules.audience,
                leeway=rules.leeway.micros / 1e6,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except jwt.PyJWTError as error:
            raise unauthenticated(f"the token is not accepted: {error}") from error
        jurisdiction = claims.get(rules.jurisdiction_claim)
        if not isinstance(jurisdiction, str) or not jurisdiction:
            raise Problem(
                403, "no-jurisdiction", "No jurisdiction", f"the token has no claim {rules.jurisdiction_claim!r}"
            )
        if not _SUBJECT.fullmatch(claims["sub"]):
            raise unauthenticated("the token's sub must be 1-128 printable characters without spaces")
        return Identity(claims["sub"], jurisdiction, int(claims["exp"]) * 1_000_000 + rules.leeway.micros)

    def _key(self, token: str) -> jwt.PyJWK:
        name = jwt.get_unverified_header(token).get("kid", "")
        self._read_keys(force=name not in self._keys)
        if name in self._keys:
            return self._keys[name]
        if not name and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        raise jwt.InvalidKeyError(f"no key {name!r} is published")

    def _read_keys(self, *, force: bool) -> None:
        now = self._clock()
        if self._read_at is not None and (not force or now - self._read_at < REREAD_S):
            return
        assert self.jwt is not None
        self._read_at = now
        reference = self.jwt.jwks_secret_ref
        try:
            text = read_secret(self._settings, reference.name)[reference.key or JWKS_KEY]
            keys = jwt.PyJWKSet.from_json(text).keys
        except (SettingsError, KeyError, ValueError, jwt.PyJWTError) as error:
            log.error("the key set %r cannot be read (%r): no token is accepted until it can", reference.name, error)
            return
        self._keys = {key.key_id or "": key for key in keys}


def bearer(header: str) -> str:
    """The token of an `Authorization` header; empty where there is none.

    Raises:
        Problem: 401, another scheme.
    """
    if not header:
        return ""
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise unauthenticated("write Authorization: Bearer <token>")
    return token.strip()


def cookie_of(header: str) -> str:
    """Our cookie in a `Cookie` header; empty where there is none."""
    for part in header.split(";"):
        name, _, value = part.strip().partition("=")
        if name == COOKIE:
            return value
    return ""
