"""Touchline's image in pods of a real cluster, as strict as the operator makes them: it starts, writes nothing where it may
not, and its broker and its components find each other by name.
"""

import json

from scenarios.pods import pod, service
from support.waiting import until_found
from touchline.bus.connection import connect
from touchline.bus.provision import provision
from touchline.bus.settings import Settings
from touchline.bus.status import read_status
from touchline.version import __version__
from touchline_e2e.deployment import AnyCluster

NATS_PORT = 4222


def _apply(cluster: AnyCluster, namespace: str, *objects: object) -> None:
    document = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    cluster.kubectl("apply", "--server-side", "--namespace", namespace, "-f", "-", stdin=document)


def _finished(cluster: AnyCluster, namespace: str, name: str) -> str:
    """What a pod printed until it ended well."""
    cluster.kubectl(
        *("wait", f"pod/{name}", "--namespace", namespace, "--timeout=90s"),
        "--for=jsonpath={.status.phase}=Succeeded",
    )
    return cluster.kubectl("logs", name, "--namespace", namespace)


def test_a_pod_of_the_image_tells_its_version(cluster: AnyCluster, namespace: str, image: str) -> None:
    _apply(cluster, namespace, pod("version", image, ["touchline", "version", "--json"]))
    said = json.loads(_finished(cluster, namespace, "version"))
    assert said["touchline"] == __version__
    assert "not installed" not in said.values()


def test_the_image_holds_the_operator(cluster: AnyCluster, namespace: str, image: str) -> None:
    source = "import kopf, touchline_operator.run.operator as operator; print(operator.__name__)"
    _apply(cluster, namespace, pod("imports", image, ["python", "-c", source]))
    assert _finished(cluster, namespace, "imports").strip() == "touchline_operator.run.operator"


def test_a_pod_may_write_to_its_volume_and_nowhere_else(cluster: AnyCluster, namespace: str, image: str) -> None:
    source = """
import os, pathlib
refused = []
for folder in ("/", "/opt/touchline", "/etc", "/tmp"):
    try:
        pathlib.Path(folder, "mark").write_text("x")
    except OSError:
        refused.append(folder)
print(os.getuid(), *refused)
"""
    _apply(cluster, namespace, pod("writes", image, ["python", "-c", source]))
    assert _finished(cluster, namespace, "writes").split() == ["65532", "/", "/opt/touchline", "/etc"]


def test_a_pod_finds_services_by_name(cluster: AnyCluster, namespace: str, image: str) -> None:
    source = "import socket; print(socket.gethostbyname('kubernetes.default.svc.cluster.local'))"
    _apply(cluster, namespace, pod("names", image, ["python", "-c", source]))
    address = cluster.kubectl("get", "service", "kubernetes", "-o", "jsonpath={.spec.clusterIP}")
    assert _finished(cluster, namespace, "names").strip() == address


async def test_an_ingest_pod_finds_its_broker_and_tells_of_itself(
    cluster: AnyCluster, namespace: str, image: str
) -> None:
    """Two pods of one image: a broker, and the ingest of a provider that nobody has declared yet."""
    provider = "betfair-a"
    broker = ["nats-server", "--jetstream", "--store_dir", "/tmp/store", "--port", str(NATS_PORT)]
    ready = {"tcpSocket": {"port": NATS_PORT}, "periodSeconds": 1}
    _apply(cluster, namespace, pod("nats", image, broker, readinessProbe=ready), service("nats", NATS_PORT))
    cluster.kubectl("wait", "pod/nats", "--namespace", namespace, "--for=condition=Ready", "--timeout=90s")
    door = cluster.open_service(namespace, "nats", NATS_PORT)
    nats = await connect(Settings(nats_url=f"nats://127.0.0.1:{door}"), name="e2e")
    try:
        await provision(nats, shards=1, providers=[provider])
        settings = {"TOUCHLINE_NATS_URL": f"nats://nats:{NATS_PORT}", "TOUCHLINE_NODE": "ingest-0"}
        command = ["python", "-m", "touchline.ingest", "--provider", provider]
        _apply(cluster, namespace, pod("ingest", image, command, env=settings))
        cluster.kubectl("wait", "pod/ingest", "--namespace", namespace, "--for=condition=Ready", "--timeout=90s")
        key = f"ingest.{provider}"

        async def told() -> bool:
            return key in await read_status(nats)

        await until_found(told, within=60)
        said = (await read_status(nats))[key]
        assert (said["node"], said["state"]) == ("ingest-0", "Waiting")
    finally:
        await nats.close()
