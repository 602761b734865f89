"""Reaching an API server as somebody: kubeconfigs, kubectl, whether it is ready."""

import contextlib
import http.client
import os
import ssl
import subprocess
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from touchline_e2e import kubeconfigs, programs
from touchline_e2e.certificates import Authority
from touchline_e2e.errors import CommandFailed

ADMIN = "e2e-admin"
"""The user of `kubeconfig`; in the group system:masters, so that it may do everything."""


class Access:
    """An API server whose authority is ours.

    Attributes:
        url: where it answers, for whoever is on this machine.
        kubeconfig: a file for `ADMIN`.
    """

    def __init__(self, *, folder: Path, authority: Authority, url: str) -> None:
        self._kubectl = programs.find("kubectl")
        self._folder = folder
        self._authority = authority
        self.url = url
        self.kubeconfig = self.kubeconfig_for(ADMIN, groups=("system:masters",))

    def kubeconfig_for(self, user: str, groups: Sequence[str] = (), *, url: str | None = None) -> Path:
        """A kubeconfig by which one is `user` of `groups`: without RBAC rules for them it may do almost nothing.

        Args:
            url: where the API server is, for a program that does not see our loopback.
        """
        name = user.replace(":", "-").replace("/", "-")
        return kubeconfigs.write(
            self._folder / f"{name}.kubeconfig",
            server=url or self.url,
            authority=self._authority.pair.certificate,
            pair=self._authority.client(f"client-{name}", user=user, groups=groups),
        )

    def is_ready(self) -> bool:
        """Whether `/readyz` says so."""
        pki = self._authority.folder
        context = ssl.create_default_context(cafile=pki / "ca.crt")
        context.load_cert_chain(pki / f"client-{ADMIN}.crt", pki / f"client-{ADMIN}.key")
        with (
            contextlib.suppress(urllib.error.URLError, http.client.HTTPException, OSError),
            urllib.request.urlopen(f"{self.url}/readyz", context=context, timeout=2) as answer,
        ):
            return bool(answer.status == http.client.OK)
        return False

    def kubectl(self, *words: str | Path, stdin: str | None = None, kubeconfig: Path | None = None) -> str:
        """What kubectl prints.

        Raises:
            CommandFailed: it ended with an error; the message holds what it said.
        """
        return run([self._kubectl, *words], stdin=stdin, kubeconfig=kubeconfig or self.kubeconfig)


def run(words: Sequence[str | Path], *, kubeconfig: Path, stdin: str | None = None) -> str:
    """What a client program (kubectl, helm) prints, when it is told of a cluster by its environment.

    Raises:
        CommandFailed: it ended with an error; the message holds what it said.
    """
    done = subprocess.run(
        words,
        input=stdin,
        env=os.environ | {"KUBECONFIG": str(kubeconfig)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        command = " ".join([Path(words[0]).name, *map(str, words[1:])])
        raise CommandFailed(f"{command} ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout
