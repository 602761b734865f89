"""A certificate authority of the simulator's own, and a certificate for 127.0.0.1 and localhost.

Made anew for each run, or kept in a folder, so that clients that trust the one before still do after a restart.
"""

import ipaddress
import ssl
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CA_FILE, SERVER_FILE = "ca.crt", "server.pem"


class Certificates(NamedTuple):
    """PEM texts: the authority's certificate, and the server's with its key."""

    ca_pem: str
    server_pem: str
    key_pem: str


def make_certificates(now: datetime, *, valid: timedelta = timedelta(days=30)) -> Certificates:
    """A new authority and server certificate, valid from a day before `now` (aware) on."""
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Touchline simulator CA")])
    start, end = now - timedelta(days=1), now + valid
    ca = (
        x509.CertificateBuilder(authority, authority, ca_key.public_key(), x509.random_serial_number(), start, end)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key()), critical=False)
        .add_extension(_usage(authority=True), critical=True)
        .sign(ca_key, hashes.SHA256())
    )
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    names = [x509.DNSName("localhost"), *(x509.IPAddress(ipaddress.ip_address(text)) for text in ("127.0.0.1", "::1"))]
    server = (
        x509.CertificateBuilder(authority, subject, key.public_key(), x509.random_serial_number(), start, end)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
        .add_extension(_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    return Certificates(
        ca.public_bytes(serialization.Encoding.PEM).decode(),
        server.public_bytes(serialization.Encoding.PEM).decode(),
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode(),
    )


def keep_certificates(folder: Path, now: datetime) -> Certificates:
    """The certificates of a folder; new ones, written there, if it has none or they end within a day.

    Raises:
        OSError: the folder cannot be written.
    """
    ca, server = folder / CA_FILE, folder / SERVER_FILE
    try:
        kept = Certificates(ca.read_text(), *_split(server.read_text()))
        x509.load_pem_x509_certificate(kept.ca_pem.encode())
        if x509.load_pem_x509_certificate(kept.server_pem.encode()).not_valid_after_utc > now + timedelta(days=1):
            return kept
    except (FileNotFoundError, ValueError):
        pass  # none, or not ours: they are made below
    made = make_certificates(now)
    folder.mkdir(parents=True, exist_ok=True)
    server.touch(mode=0o600)
    server.write_text(made.server_pem + made.key_pem)
    ca.write_text(made.ca_pem)
    return made


def server_context(certificates: Certificates) -> ssl.SSLContext:
    """A context that serves with the server's certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # The ssl module reads certificates from files only.
    with tempfile.TemporaryDirectory() as folder:
        chain = Path(folder) / SERVER_FILE
        chain.touch(mode=0o600)
        chain.write_text(certificates.server_pem + certificates.key_pem)
        context.load_cert_chain(chain)
    return context


def _split(text: str) -> tuple[str, str]:
    """Certificate and key of one PEM text."""
    end = "-----END CERTIFICATE-----\n"
    certificate, found, key = text.partition(end)
    return certificate + found, key


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )
