"""How a client of ours judges a gateway's certificate.

A gateway elsewhere is judged like any other server: by this machine's authorities, and its name. `SSL_CERT_FILE` names others,
for both HTTP and WebSocket. The engine that runs here is known better than that: its certificate is in the state directory, so
exactly this one is accepted, whatever name it was made for and whoever signed it.
"""

import ssl
from pathlib import Path

_END = "-----END CERTIFICATE-----"


def public_trust() -> ssl.SSLContext:
    """This machine's authorities, and the name must fit."""
    return ssl.create_default_context()


def trust_in(certificate: Path) -> ssl.SSLContext:
    """The first certificate of a PEM chain and no other.

    Raises:
        OSError: the file is gone, or holds no certificate (ssl.SSLError).
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False  # a name proves less than the certificate itself
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # it need not be an authority, or signed by one known here
    leaf, end, _ = certificate.read_text(encoding="ascii").partition(_END)
    context.load_verify_locations(cadata=leaf + end + "\n")
    return context
