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


def deploy(cluster: AnyCluster, say: Callable[[str], None], *, image: str = REFERENCE) -> str:
    """Install the chart with an image, apply the quickstart, and return the gateway's URL.

    Where the tree has no chart nothing is deployed, and the URL is empty.
    """
    if not (CHART / "Chart.yaml").exists():
        say("the tree has no chart: the cluster stays empty")
        return ""
    say("installing the chart")
    repository, _, tag = image.rpartition(":")
    helm(
        cluster,
        *("upgrade", "--install", "touchline", CHART, "--namespace", NAMESPACE, "--create-namespace", "--wait"),
        *("--set", f"image.repository={repository}", "--set", f"image.tag={tag}"),
    )
    say("applying examples/quickstart")
    cluster.kubectl("apply", "--server-side", "--namespace", NAMESPACE, "-f", QUICKSTART)
    cluster.kubectl("wait", "oddsengines", "--all", "--for=condition=Ready", "--timeout=300s", "--namespace", NAMESPACE)
    return gateway_url(cluster)


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
