"""Where the API server is and who we are: from the pod that we run in, or from a kubeconfig."""

from __future__ import annotations

import base64
import functools
import os
import ssl
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from touchline_operator.errors import Permanent

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
HOME_CONFIG = Path("~/.kube/config")


@dataclass(frozen=True)
class Access:
    """A server's URL, TLS with our certificate where there is one, and where our token stands. `*_file` are paths of PEM files."""

    server: str
    tls: ssl.SSLContext | None
    token: str = ""
    token_file: Path | None = None
    authority_file: str | None = None
    certificate_file: str | None = None
    key_file: str | None = None
    insecure: bool = False

    def headers(self) -> dict[str, str]:
        """What a request shows. A pod's token is renewed on disk by the kubelet: it is read each time."""
        token = self.token_file.read_text(encoding="utf-8").strip() if self.token_file is not None else self.token
        return {"Authorization": f"Bearer {token}"} if token else {}


def find_access(kubeconfig: str | None, env: Mapping[str, str] | None = None) -> Access:
    """The access that a kubeconfig gives if one is named, else that of the pod, else that of the user's own kubeconfig.

    Raises:
        Permanent: there is none, or it cannot be used; the message says why.
    """
    env = os.environ if env is None else env
    if kubeconfig is None and (ACCOUNT / "token").exists() and "KUBERNETES_SERVICE_HOST" in env:
        return of_pod(env)
    path = Path(kubeconfig) if kubeconfig is not None else HOME_CONFIG.expanduser()
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise Permanent(f"no access to an API server: {error}; name a kubeconfig with --kubeconfig") from error
    try:
        return of_kubeconfig(document, path.parent)
    except (KeyError, TypeError, ValueError, OSError, StopIteration) as error:
        raise Permanent(f"the kubeconfig {path} cannot be used: {error!r}") from error


def of_pod(env: Mapping[str, str]) -> Access:
    """The service account's own access."""
    host, port = env["KUBERNETES_SERVICE_HOST"], env.get("KUBERNETES_SERVICE_PORT", "443")
    authority = str(ACCOUNT / "ca.crt")
    return Access(
        f"https://{f'[{host}]' if ':' in host else host}:{port}",
        ssl.create_default_context(cafile=authority),
        token_file=ACCOUNT / "token",
        authority_file=authority,
    )


def of_kubeconfig(document: Mapping[str, Any], folder: Path) -> Access:
    """The access of a kubeconfig's current context; relative paths in it begin in `folder`.

    Raises:
        KeyError, StopIteration: something that it names is not in it.
        ValueError: it logs in by a plugin.
        OSError: a file is missing or is no certificate.
    """
    context = _named(document["contexts"], document["current-context"])["context"]
    cluster = _named(document["clusters"], context["cluster"])["cluster"]
    user = _named(document["users"], context["user"])["user"] if context.get("user") else {}
    if "exec" in user or "auth-provider" in user:
        raise ValueError(f"the user {context['user']!r} logs in by a plugin; use one with a token or a certificate")
    server = str(cluster["server"]).rstrip("/")
    if not server.startswith("https:"):
        return Access(server, None)
    authority = _file(cluster, "certificate-authority", folder)
    certificate, key = _file(user, "client-certificate", folder), _file(user, "client-key", folder)
    insecure = bool(cluster.get("insecure-skip-tls-verify"))
    tls = ssl.create_default_context(cafile=authority)
    if insecure:
        tls.check_hostname = False
        tls.verify_mode = ssl.CERT_NONE
    if certificate is not None:
        tls.load_cert_chain(certificate, key)
    token_file = user.get("tokenFile")
    return Access(
        server,
        tls,
        token=str(user.get("token") or ""),
        token_file=folder / token_file if token_file else None,
        authority_file=authority,
        certificate_file=certificate,
        key_file=key,
        insecure=insecure,
    )


def _named(entries: list[Any], name: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = next(entry for entry in entries if entry["name"] == name)
    return found


def _file(block: Mapping[str, Any], name: str, folder: Path) -> str | None:
    """The path of a PEM file; what stands in the kubeconfig itself is written into one that only we can read."""
    text = block.get(f"{name}-data")
    if text:
        handle, path = tempfile.mkstemp(dir=_kept().name, suffix=".pem")
        with os.fdopen(handle, "wb") as file:
            file.write(base64.b64decode(text))
        return path
    named = block.get(name)
    return str(folder / named) if named else None


@functools.cache
def _kept() -> tempfile.TemporaryDirectory[str]:
    """A folder that goes when this process ends: a key must not outlive who uses it."""
    return tempfile.TemporaryDirectory(prefix="touchline-access-")
