"""The gateway's certificate: from a mounted Secret of type kubernetes.io/tls, and taken up again when it is renewed.

Certificates live for weeks, connections and gateways for longer: whoever renews the Secret (cert-manager, a person) must not have
to restart anything. New handshakes use the new certificate; connections that there are keep theirs. A renewed pair that cannot be
used changes nothing: the old one goes on serving, and the log says what is wrong.
"""

import asyncio
import hashlib
import logging
import ssl
from pathlib import Path

from cryptography import x509

from touchline.bus.process import Fatal

log = logging.getLogger(__name__)

CHAIN = "tls.crt"
KEY = "tls.key"
LOOK_S = 1.0
"""Between two looks at the files. A mounted Secret is changed by renaming links, which file events do not tell reliably."""


class Unusable(Exception):
    """The files are no certificate with its key; says which, where, and what to do."""


class Certificate:
    """`context` serves what the folder holds, as of the last look.

    Raises:
        Fatal: there is nothing usable to start with.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._told = b""
        """Fingerprint of what was last taken up or complained of."""
        self.context = _server_context()
        try:
            self._take_up(_fingerprint(folder))
        except Unusable as error:
            raise Fatal(f"TLS: {error}") from error

    def look(self) -> bool:
        """Take up what the folder holds if that has changed; whether it was."""
        try:
            found = _fingerprint(self._folder)
            if found == self._told:
                return False
            self._take_up(found)
        except Unusable as error:
            complaint = hashlib.sha256(str(error).encode()).digest()
            if complaint != self._told:
                self._told = complaint
                log.error("TLS: %s; the certificate of before goes on serving", error)
            return False
        return True

    async def follow(self) -> None:
        """Keep looking, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            self.look()

    def _take_up(self, fingerprint: bytes) -> None:
        # On a context of its own first: a pair that does not fit would leave the serving one without a key.
        _load(_server_context(), self._folder)
        _load(self.context, self._folder)
        self._told = fingerprint
        leaf = x509.load_pem_x509_certificate((self._folder / CHAIN).read_bytes())
        log.info("TLS: serving a certificate for %s, valid until %s", _names(leaf), leaf.not_valid_after_utc)


def _server_context() -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _fingerprint(folder: Path) -> bytes:
    """A digest of both files.

    Raises:
        Unusable: one is not there or cannot be read.
    """
    if not folder.is_dir():
        raise Unusable(
            f"Secret {folder.name!r} is not mounted at {folder}: create it (type kubernetes.io/tls) or correct "
            f"spec.gateway.tls.secretRef"
        )
    digest = hashlib.sha256()
    for name in (CHAIN, KEY):
        try:
            digest.update((folder / name).read_bytes())
        except FileNotFoundError as error:
            there = ", ".join(sorted(entry.name for entry in folder.iterdir() if not entry.name.startswith(".")))
            raise Unusable(
                f"Secret {folder.name!r} at {folder} has no key {name} (it has: {there or 'nothing'}): it wants "
                f"{CHAIN}, the certificate chain, and {KEY}, its private key, both PEM"
            ) from error
        except OSError as error:
            raise Unusable(f"{folder / name} cannot be read: {error.strerror}") from error
    return digest.digest()


def _load(context: ssl.SSLContext, folder: Path) -> None:
    """Load both files into a context.

    Raises:
        Unusable: they are no certificate with its key.
    """
    try:
        context.load_cert_chain(folder / CHAIN, folder / KEY, password=_no_password)
    except (OSError, ValueError) as error:  # an SSLError is an OSError
        said = getattr(error, "reason", None) or str(error)
        raise Unusable(
            f"{CHAIN} and {KEY} in {folder} cannot be used ({said}): put in a PEM certificate chain and the private "
            f"key that belongs to it, without a passphrase"
        ) from error


def _no_password() -> str:
    """Without it OpenSSL would ask at the terminal."""
    raise ValueError("the private key has a passphrase")


def _names(leaf: x509.Certificate) -> str:
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return leaf.subject.rfc4514_string()
    return ", ".join(str(name.value) for name in names)
