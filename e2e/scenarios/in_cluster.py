"""An engine that runs as pods, as a test sees it: kubectl, a door to its gateway, its broker with all rights, its simulators.

It can be given to `support.audit`, as a local engine can.
"""

import base64
import json
from pathlib import Path
from typing import Any

from nats.aio.client import Client

from support.kubectl_table import table
from support.waiting import wait_until
from touchline.bus.connection import connect
from touchline.bus.settings import Settings
from touchline_e2e import deployment
from touchline_e2e.deployment import AnyCluster
from touchline_e2e.errors import CommandFailed

GATEWAY_PORT, NATS_PORT, CONTROL_PORT = 80, 4222, 7100
SETTLES_S = 120.0
"""Bound of the tests, not of the product: everything shares two cores."""
LAST_LINES = 60
"""Of each container, where a test has failed."""
NAMED = "app.kubernetes.io/component"


class InCluster:
    """The engine `name` of a namespace. `scratch` takes files that connections need."""

    def __init__(self, cluster: AnyCluster, namespace: str, scratch: Path, *, name: str = "main") -> None:
        self.cluster = cluster
        self.namespace = namespace
        self.name = name
        self._scratch = scratch
        self._doors: dict[str, int] = {}

    def kubectl(self, *words: str | Path, stdin: str | None = None) -> str:
        """What kubectl prints, in the engine's namespace."""
        return self.cluster.kubectl("--namespace", self.namespace, *words, stdin=stdin)

    def get(self, *words: str) -> dict[str, Any]:
        """One object, or a list of them."""
        found: dict[str, Any] = json.loads(self.kubectl("get", *words, "-o", "json"))
        return found

    def apply(self, *manifests: object, manager: str = "tester") -> None:
        """Server-side apply."""
        document = json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests})
        self.kubectl("apply", "--server-side", f"--field-manager={manager}", "-f", "-", stdin=document)

    @property
    def url(self) -> str:
        """Where the gateway answers for this machine: a door to its Service, which outlives its pods."""
        name = f"{self.name}-gateway"
        service = self.get("service", name)["metadata"]["uid"]
        if service not in self._doors:
            self._doors[service] = self.cluster.open_service(self.namespace, name, GATEWAY_PORT)
        return f"http://127.0.0.1:{self._doors[service]}"

    def pods(self, component: str = "") -> list[dict[str, Any]]:
        """The engine's pods that are not being deleted."""
        chosen = ("-l", f"{NAMED}={component}") if component else ("-l", "app.kubernetes.io/part-of=touchline")
        items = self.get("pods", *chosen)["items"]
        return [item for item in items if "deletionTimestamp" not in item["metadata"]]

    def pod_names(self, component: str = "") -> list[str]:
        return sorted(pod["metadata"]["name"] for pod in self.pods(component))

    def uids(self, component: str = "") -> dict[str, str]:
        """Pods by name: who is still the same."""
        return {pod["metadata"]["name"]: pod["metadata"]["uid"] for pod in self.pods(component)}

    def restarts(self) -> dict[str, int]:
        """How often containers were started again, by pod."""
        return {
            pod["metadata"]["name"]: sum(each["restartCount"] for each in pod["status"].get("containerStatuses", ()))
            for pod in self.pods()
        }

    def not_ready(self) -> list[str]:
        """Pods that are not Running and Ready, in words; that there are none at all is said too."""
        pods = self.pods()
        waiting = [
            f"{pod['metadata']['name']}: {pod['status'].get('phase')} {_condition(pod, 'Ready').get('message', '')}"
            for pod in pods
            if pod["status"].get("phase") != "Running" or _condition(pod, "Ready").get("status") != "True"
        ]
        return waiting or ([] if pods else ["there are no pods"])

    def settled(self, *, within: float = SETTLES_S) -> None:
        """Wait until every pod is Running and Ready and every OddsEngine and FeedProvider is.

        Raises:
            AssertionError: not within the bound; with what is not, and the operator's word for it.
        """
        try:
            wait_until(lambda: not self.not_ready() and not self.unready("oddsengines,feedproviders"), within=within)
        except TimeoutError:
            said = self.kubectl("get", "pods,oddsengines,feedproviders", "-o", "wide")
            raise AssertionError(
                f"not settled: {self.not_ready()} {self.unready('oddsengines,feedproviders')}\n{said}"
            ) from None

    def unready(self, kinds: str) -> list[str]:
        """Objects whose `Ready` is not True for the present generation, with the reason."""
        waiting = []
        for item in self.get(kinds)["items"]:
            ready = _condition(item, "Ready")
            current = ready.get("observedGeneration") == item["metadata"]["generation"]
            if not current or ready.get("status") != "True":
                waiting.append(
                    f"{item['kind']} {item['metadata']['name']}: {ready.get('reason')} {ready.get('message')}"
                )
        return waiting

    def condition(self, kind: str, name: str, type_: str) -> dict[str, Any]:
        """One condition; empty for none."""
        return _condition(self.get(kind, name), type_)

    def secret(self, name: str) -> dict[str, str]:
        """A Secret's keys in clear."""
        return {key: base64.b64decode(value).decode() for key, value in self.get("secret", name)["data"].items()}

    def leader(self) -> str:
        """The pod that leads most shards, as the engine's status tells."""
        led: dict[str, int] = {}
        for shard in self.get("oddsengine", self.name)["status"].get("shardLeaders", ()):
            led[shard["leader"]] = led.get(shard["leader"], 0) + 1
        return max(sorted(led), key=lambda name: led[name])

    def kill(self, pod: str) -> None:
        """End a pod without a word, as a lost node does."""
        self.kubectl("delete", "pod", pod, "--grace-period=0", "--force")

    async def admin(self) -> Client:
        """A connection to the broker with all rights, over TLS, with what the operator made for itself."""
        material = self.secret(f"{self.name}-material")
        authority = self._scratch / f"{self.namespace}-{self.name}-ca.crt"
        authority.write_text(self.get("configmap", f"{self.name}-nats-ca")["data"]["ca.crt"], encoding="utf-8")
        door = self.cluster.open_pod(self.namespace, f"{self.name}-nats-0", NATS_PORT)
        settings = Settings(
            nats_url=f"tls://localhost:{door}",
            nats_user="admin",
            nats_password=material["password.admin"],
            nats_ca=str(authority),
        )
        return await connect(settings, name="auditor", first_connect_s=20)

    async def simulated(self) -> list[dict[str, Any]]:
        """What each simulator says of itself."""
        return [self.simulator("GET", "/state", pod=pod) for pod in self.pod_names("simulator")]

    def simulator(self, method: str, path: str, body: object = None, *, pod: str = "") -> Any:
        """What a simulator's control port answers, asked from inside its pod: the port is on the pod's own loopback."""
        source = (
            "import sys, urllib.request as u; "
            f"asked = u.Request('http://127.0.0.1:{CONTROL_PORT}{path}', data=sys.stdin.buffer.read() or None, "
            f"method='{method}'); print(u.urlopen(asked).read().decode())"
        )
        words = ("exec", "--stdin", pod or self.pod_names("simulator")[0], "--", "python", "-c", source)
        said = self.kubectl(*words, stdin="" if body is None else json.dumps(body))
        return json.loads(said) if said.strip() else None

    def row(self, kind: str, name: str) -> dict[str, str]:
        """What `kubectl get KIND NAME -o wide` prints, by column."""
        (found,) = table(self.kubectl("get", kind, name, "-o", "wide"))
        return found

    def story(self) -> str:
        """What a failed test is explained by: the pods, and the last words of each."""
        told = [self.kubectl("get", "pods", "-o", "wide")]
        for pod in self.pod_names():
            try:
                said = self.kubectl("logs", pod, "--all-containers", f"--tail={LAST_LINES}", "--timestamps")
            except CommandFailed as error:  # it may just be starting, or gone
                said = str(error)
            told.append(f"--- {pod}\n{said}")
        return "\n".join(told)

    def delete(self) -> None:
        """Remove every custom resource and wait until the children are gone."""
        self.kubectl("delete", deployment.KINDS, "--all", "--wait=true", "--timeout=60s")
        wait_until(lambda: not self.get("pods", "-l", "app.kubernetes.io/part-of=touchline")["items"], within=60)


def _condition(item: dict[str, Any], type_: str) -> dict[str, Any]:
    conditions = (item.get("status") or {}).get("conditions") or ()
    return next((each for each in conditions if each["type"] == type_), {})


def is_there(cluster: AnyCluster, *words: str) -> bool:
    """Whether `kubectl get WORDS` finds something."""
    try:
        cluster.kubectl("get", *words)
    except CommandFailed as error:
        if "NotFound" in str(error) or "not found" in str(error):
            return False
        raise
    return True
