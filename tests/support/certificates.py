"""Certificates for tests of TLS: an authority that clients trust, and Secrets of type kubernetes.io/tls as files."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives import serialization

from touchline.sim.certificates import Certificates, make_certificates


def certificates(valid: timedelta = timedelta(days=30)) -> Certificates:
    """A new authority, and a certificate of its for localhost and 127.0.0.1."""
    return make_certificates(datetime.now(UTC), valid=valid)


def write_secret(folder: Path, made: Certificates) -> None:
    """`tls.crt` and `tls.key`, the second one last: a reader may see them half renewed."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tls.crt").write_text(made.server_pem)
    (folder / "tls.key").write_text(made.key_pem)


def with_passphrase(key_pem: str) -> str:
    """The same private key, encrypted."""
    key = serialization.load_pem_private_key(key_pem.encode(), None)
    encrypted = serialization.BestAvailableEncryption(b"secret")
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encrypted).decode()


def trusting(*made: Certificates) -> ssl.SSLContext:
    """A client that trusts these authorities, no others, and insists on the name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for one in made:
        context.load_verify_locations(cadata=one.ca_pem)
    return context
