"""Touchline in a cluster: its chart, the quickstart's resources, and a door to the gateway."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from touchline_e2e import access, programs
from touchline_e2e.application_image import REFERENCE

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "touchline"
QUICKSTART = ROOT / "examples" / "quickstart"
NAMESPACE = "touchline"
RELEASE = "touchline"
KINDS = "failoverdrills,insightmodels,markets,feedproviders,suspensionpolicies,entitymaps,oddsengines,regions"
"""Every kind of ours, in an order in which they can be deleted."""
GATEWAY = "app.kubernetes.io/component=gateway"
"""The label by which a gateway's Service is found."""


class AnyCluster(Protocol):
    """What the harness's own cluster and a foreign one have in common."""

    kubeconfig: Path

    def kubectl(self, *words: str | Path, stdin: str | None = None, kubeconfig: Path | None = None) -> str:
        """What kubectl prints."""
        ...

    def open_service(self, namespace: str, name: str, port: int) -> int:
        """A door on loopback to a Service's port."""
        ...

    def open_pod(self, namespace: str, name: str, port: int) -> int:
        """A door on loopback to one pod's port."""
        ...


def deploy(cluster: AnyCluster, say: Callable[[str], None], *, image: str = REFERENCE) -> str:
    """Install the chart with an image, apply the quickstart, and return the gateway's URL once its pods serve.

    Raises:
        CommandFailed: helm or kubectl says no, or the engine is not Ready within five minutes.
    """
    say("installing the chart")
    install(cluster, image=image)
    say("applying examples/quickstart")
    apply_quickstart(cluster)
    cluster.kubectl(
        *("wait", "oddsengines,feedproviders", "--all", "--for=condition=Ready"),
        *("--timeout=300s", "--namespace", NAMESPACE),
    )
    return gateway_url(cluster)


def install(cluster: AnyCluster, *words: str | Path, image: str = REFERENCE, namespace: str = NAMESPACE) -> None:
    """Install the chart, or bring what is installed to this state; `words` go to helm (`--set`, `--values`)."""
    repository, _, tag = image.rpartition(":")
    helm(
        cluster,
        *("upgrade", "--install", RELEASE, CHART, "--namespace", namespace, "--create-namespace", "--wait"),
        *("--timeout", "180s", "--set", f"image.repository={repository}", "--set", f"image.tag={tag}", *words),
    )
    # Touchline's pods are as strict as Kubernetes knows: nothing else may run beside them here.
    label = "pod-security.kubernetes.io/enforce=restricted"
    cluster.kubectl("label", "namespace", namespace, "--overwrite", label)


def apply_quickstart(cluster: AnyCluster, namespace: str = NAMESPACE) -> None:
    """`kubectl apply` of examples/quickstart."""
    cluster.kubectl("apply", "--server-side", "--namespace", namespace, "-f", QUICKSTART)


def let_in(cluster: AnyCluster, namespace: str) -> None:
    """Let the operator work with the Secrets of one more namespace, as docs/install.md says."""
    cluster.kubectl(
        *("create", "rolebinding", "touchline-operator-secrets", "--namespace", namespace),
        *("--clusterrole=touchline-operator-secrets", f"--serviceaccount={NAMESPACE}:touchline-operator"),
    )


def gateway_url(cluster: AnyCluster) -> str:
    """Where this machine reaches the first gateway; empty where there is none."""
    services = json.loads(cluster.kubectl("get", "services", "--all-namespaces", "-l", GATEWAY, "-o", "json"))["items"]
    for service in services:
        about, spec = service["metadata"], service["spec"]
        if spec.get("clusterIP") != "None":
            port = cluster.open_service(about["namespace"], about["name"], spec["ports"][0]["port"])
            return f"http://127.0.0.1:{port}"
    return ""


def helm(cluster: AnyCluster, *words: str | Path) -> str:
    """What helm prints.

    Raises:
        CommandFailed: it ended with an error.
        ToolsMissing: helm is not built.
    """
    return access.run([programs.find("helm"), *words], kubeconfig=cluster.kubeconfig)
