"""What GitOps tools make of objects, asked of their own code: kstatus (Flux, kpt) and Argo CD.

Objects are plain manifests or what `kubectl get -o json` gives; the programs are built by `make e2e-tools`.
"""

import json
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from touchline_e2e import programs
from touchline_e2e.errors import CommandFailed

SETTINGS = Path(__file__).parents[2] / "docs" / "gitops" / "argocd" / "argocd-cm.yaml"
"""The health scripts as an argocd-cm, the way a user gives them to Argo CD."""
AGREE = {
    "Current": {"Healthy", "Suspended"},
    "InProgress": {"Progressing", "Degraded", "Suspended"},
    "Failed": {"Degraded"},
    "Terminating": {"Progressing"},
}
"""By kstatus's word, what Argo CD may say. kstatus has one word for what is under way and for what waits until somebody mends it, and
none for what is paused: it judges that by what it was before."""


class Mode(StrEnum):
    """How Argo CD applies and compares, by the options of an Application."""

    SERVER_SIDE = "server-side"
    SERVER_SIDE_DIFF = "server-side-diff"
    CLIENT_SIDE = "client-side"


@dataclass(frozen=True)
class Verdict:
    """What one of them says of one object.

    Attributes:
        status: kstatus: Current, InProgress, Failed, Terminating; Argo CD's health: Healthy, Progressing, Degraded, Suspended, or None for
            a kind without a script; Argo CD's comparison: Synced, OutOfSync.
        message: why.
    """

    kind: str
    name: str
    status: str
    message: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}: {self.status} ({self.message})"


def kstatus(objects: Iterable[Mapping[str, Any]]) -> list[Verdict]:
    """How far objects are, in kstatus's words, in their order.

    Raises:
        CommandFailed: something is no object.
        ToolsMissing: kstatus is not built.
    """
    return _ask("kstatus", [], objects)


def argocd_health(objects: Iterable[Mapping[str, Any]], *, settings: Path = SETTINGS) -> list[Verdict]:
    """The health of objects in Argo CD's words, by the scripts in an argocd-cm, in their order.

    Raises:
        CommandFailed: something is no object, or a script fails.
        ToolsMissing: argocd-judge is not built.
    """
    return _ask("argocd-judge", ["health", settings], objects)


def argocd_compare(
    manifests: Iterable[Mapping[str, Any]], kubeconfig: Path, mode: Mode, *, settings: Path = SETTINGS
) -> list[Verdict]:
    """Whether Argo CD finds manifests (with their namespace) Synced with a cluster, or OutOfSync and why.

    Raises:
        CommandFailed: the cluster refuses.
        ToolsMissing: argocd-judge is not built.
    """
    return _ask("argocd-judge", ["compare", settings, kubeconfig, mode], manifests)


def argocd_sync(manifests: Iterable[Mapping[str, Any]], kubeconfig: Path, mode: Mode) -> list[Verdict]:
    """Apply manifests (with their namespace) as a sync of Argo CD does.

    Raises:
        CommandFailed: the cluster refuses one; those before it are applied.
        ToolsMissing: argocd-judge is not built.
    """
    return _ask("argocd-judge", ["sync", kubeconfig, mode], manifests)


def disagreements(objects: Iterable[Mapping[str, Any]]) -> list[str]:
    """Where kstatus and Argo CD's health scripts say what does not go together (`AGREE`); empty where they agree."""
    given = list(objects)
    pairs = zip(kstatus(given), argocd_health(given), strict=True)
    return [
        f"{one} by kstatus, {other} by Argo CD" for one, other in pairs if other.status not in AGREE.get(one.status, ())
    ]


def _ask(program: str, words: Iterable[str | Path], objects: Iterable[Mapping[str, Any]]) -> list[Verdict]:
    done = subprocess.run(
        [programs.find(program), *words],
        input="\n".join(json.dumps(each) for each in objects),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise CommandFailed(f"{program} ended with {done.returncode}: {done.stderr.strip()}")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    return [Verdict(each["kind"], each["name"], each["status"], each.get("message", "")) for each in answers]
