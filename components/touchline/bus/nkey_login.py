"""A NATS credentials file (`nsc generate creds`): a user's JWT, and the seed of the key that signs the server's nonce.

The client library leaves signing to a package of its own, which brings a second library of cryptography. A seed is an Ed25519 key in
base32: two bytes of kind, the key, a checksum (https://docs.nats.io/running-a-nats-service/configuration/securing_nats/auth_intro/nkey_auth).
The file is read for every connection, so that a renewed one is taken up by the next.
"""

import base64
import binascii
import re
from pathlib import Path

from nats.errors import Error as NatsError

_JWT = re.compile(r"-+BEGIN NATS USER JWT-+\s+(\S+)\s+-+END NATS USER JWT-+")
_SEED = re.compile(r"-+BEGIN USER NKEY SEED-+\s+(\S+)\s+-+END USER NKEY SEED-+")
_KEY = slice(2, 34)
_SEED_SIZE = 36
_USER_SEED = "SU"


class CredentialsInvalid(NatsError):
    """The file holds no JWT or no seed of a user; the message names it and never shows what is in it."""


class NkeyLogin:
    """What a connection asks for: `jwt` and, for the server's nonce, `signature`. Both raise CredentialsInvalid and OSError."""

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)

    def jwt(self) -> bytes:
        """The user's JWT."""
        return self._part(_JWT, "JWT").encode()

    def signature(self, nonce: str) -> bytes:
        """The nonce's signature, in base64."""
        # Only here: most engines' brokers are logged into with a password.
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        key = Ed25519PrivateKey.from_private_bytes(self._seed())
        return base64.b64encode(key.sign(nonce.encode()))

    def _seed(self) -> bytes:
        text = self._part(_SEED, "seed")
        try:
            raw = base64.b32decode(text + "=" * (-len(text) % 8))
        except binascii.Error:
            raw = b""
        sound = len(raw) == _SEED_SIZE and binascii.crc_hqx(raw[:-2], 0) == int.from_bytes(raw[-2:], "little")
        if not sound or not text.startswith(_USER_SEED):
            raise CredentialsInvalid(
                f"the NATS credentials file {self._path} holds no user's seed: write it with `nsc`"
            )
        return raw[_KEY]

    def _part(self, pattern: re.Pattern[str], what: str) -> str:
        found = pattern.search(self._path.read_text(encoding="utf-8", errors="replace"))
        if found is None:
            raise CredentialsInvalid(f"the NATS credentials file {self._path} holds no {what}: write it with `nsc`")
        return found[1]
