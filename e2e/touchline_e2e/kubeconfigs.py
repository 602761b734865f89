"""Kubeconfig files: where an API server is, whom to trust and who one is. Complete in themselves, so that they can be moved."""

import base64
from pathlib import Path
from typing import Any

import yaml

from touchline_e2e.certificates import Pair


def render(*, server: str, authority: bytes, certificate: bytes, key: bytes, name: str = "touchline-e2e") -> str:
    """A kubeconfig for one user of one cluster; the arguments are PEM texts and the server's URL."""

    def inline(text: bytes) -> str:
        return base64.b64encode(text).decode()

    document: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": {"server": server, "certificate-authority-data": inline(authority)}}],
        "users": [
            {"name": name, "user": {"client-certificate-data": inline(certificate), "client-key-data": inline(key)}}
        ],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
    }
    return yaml.safe_dump(document, sort_keys=False)


def write(path: Path, *, server: str, authority: Path, pair: Pair) -> Path:
    """Write a kubeconfig that only its owner may read; returns its path."""
    text = render(
        server=server,
        authority=authority.read_bytes(),
        certificate=pair.certificate.read_bytes(),
        key=pair.key.read_bytes(),
    )
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")
    return path
