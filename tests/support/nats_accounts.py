"""A broker as somebody else runs it: users of an account of theirs, who come with credentials files (JWTs in place of passwords).

What `nsc` makes, made here: keys, JWTs signed by the account's key, files, and a server that trusts the operator's key.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from touchline.local.servers import NatsServer

OPERATOR, ACCOUNT, USER, SEED = 14 << 3, 0, 20 << 3, 18 << 3
CLIENTS = ("subs", "data", "payload", "imports", "exports", "conn", "leaf")
STORES = ("mem_storage", "disk_storage", "streams", "consumer")
ISSUED = 1_760_000_000


class Nkey:
    """A key of one kind."""

    def __init__(self, kind: int) -> None:
        self._kind = kind
        self._key = Ed25519PrivateKey.generate()
        self.public = _base32(bytes([kind]) + self._key.public_key().public_bytes_raw())
        self.seed = _base32(bytes([SEED | kind >> 5, (kind & 31) << 3]) + self._key.private_bytes_raw())

    def jwt(self, subject: str, name: str, claims: dict[str, Any]) -> str:
        """A JWT about `subject`, signed by this key."""
        body: dict[str, Any] = {
            "iat": ISSUED,
            "iss": self.public,
            "sub": subject,
            "name": name,
            "nats": {**claims, "version": 2},
        }
        body["jti"] = base64.b32encode(hashlib.sha256(json.dumps(body).encode()).digest()).decode().rstrip("=")
        text = f"{_base64({'typ': 'JWT', 'alg': 'ed25519-nkey'})}.{_base64(body)}"
        return f"{text}.{base64.urlsafe_b64encode(self._key.sign(text.encode())).decode().rstrip('=')}"


class TheirNats(NatsServer):
    """A server with one account. `credentials` writes the file of a new user."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "nats")
        self._files = folder
        self._operator, self._account, self._system = Nkey(OPERATOR), Nkey(ACCOUNT), Nkey(ACCOUNT)

    def config_text(self) -> str:
        limits: dict[str, Any] = dict.fromkeys(CLIENTS, -1) | {"wildcards": True}
        odds = {"type": "account", "limits": limits | dict.fromkeys(STORES, -1)}
        system = {"type": "account", "limits": limits}
        trust = {
            "operator": self._operator.jwt(self._operator.public, "theirs", {"type": "operator"}),
            "system_account": self._system.public,
            "resolver": "MEMORY",
            "resolver_preload": {
                self._account.public: self._operator.jwt(self._account.public, "odds", odds),
                self._system.public: self._operator.jwt(self._system.public, "SYS", system),
            },
        }
        return json.dumps(json.loads(super().config_text()) | trust, indent=1)

    def credentials(self, name: str, *, publish: Sequence[str] = (), subscribe: Sequence[str] = ()) -> Path:
        """The credentials file of a user with these permissions; with none given it may do everything."""
        user = Nkey(USER)
        claims: dict[str, Any] = {"type": "user", "subs": -1, "data": -1, "payload": -1}
        if publish or subscribe:
            claims |= {"pub": {"allow": list(publish)}, "sub": {"allow": list(subscribe)}}
        jwt = self._account.jwt(user.public, name, claims)
        file = self._files / f"{name}.creds"
        file.write_text(
            f"-----BEGIN NATS USER JWT-----\n{jwt}\n------END NATS USER JWT------\n\n"
            f"-----BEGIN USER NKEY SEED-----\n{user.seed}\n------END USER NKEY SEED------\n"
        )
        return file


def _base32(raw: bytes) -> str:
    return base64.b32encode(raw + binascii.crc_hqx(raw, 0).to_bytes(2, "little")).decode().rstrip("=")


def _base64(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
