"""Touchline's image in pods of a real cluster, as strict as the operator makes them: it starts, writes nothing where it may
not, and its broker and its components find each other by name. And the image as a file, which needs no cluster: small.
"""

import json
import os
import struct
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from scenarios.pods import pod, service
from support.waiting import until_found
from touchline.bus.connection import connect
from touchline.bus.provision import provision
from touchline.bus.settings import Settings
from touchline.bus.status import read_status
from touchline.version import __version__
from touchline_e2e import application_image
from touchline_e2e.deployment import AnyCluster

NATS_PORT = 4222
MOST_BYTES = 200_000_000
"""Uncompressed, as a node keeps it."""
_SYMBOL_TABLE = 2


@pytest.fixture(scope="module")
def archive() -> Path:
    if os.environ.get("KUBECONFIG") or os.environ.get("TOUCHLINE_E2E_CLUSTER"):
        pytest.skip("that cluster's image was not built here")
    return application_image.without_a_registry(print)


def _layers(archive: Path) -> Iterator[tuple[str, int, tarfile.TarFile]]:
    """Each layer's name, its size in bytes, and what is in it."""
    with tarfile.open(archive) as tar:
        manifest = tar.extractfile("manifest.json")
        assert manifest is not None
        for name in json.load(manifest)[0]["Layers"]:
            content = tar.extractfile(name)
            assert content is not None
            with tarfile.open(fileobj=content) as layer:
                yield name, tar.getmember(name).size, layer


def _section_types(elf: bytes) -> set[int]:
    """The types of an ELF file's sections (64 bits, little-endian)."""
    table, size, count = *struct.unpack_from("<Q", elf, 0x28), *struct.unpack_from("<HH", elf, 0x3A)
    return {struct.unpack_from("<I", elf, table + size * index + 4)[0] for index in range(count)}


def test_the_image_is_no_larger_than_200_megabytes(archive: Path) -> None:
    sizes = {name[:12]: f"{size / 1_000_000:.0f} MB" for name, size, _ in _layers(archive)}
    size = archive.stat().st_size
    assert size <= MOST_BYTES, f"the image has grown to {size / 1_000_000:.0f} MB uncompressed; its layers: {sizes}"


def test_no_compiled_module_of_the_image_has_symbols_for_debuggers(archive: Path) -> None:
    files = (
        (member.name, content.read())
        for _, _, layer in _layers(archive)
        for member in layer
        if member.isfile() and ".so" in Path(member.name).suffixes and (content := layer.extractfile(member))
    )
    modules = {name: _section_types(content) for name, content in files if content.startswith(b"\x7fELF")}
    assert len(modules) > 50
    assert sorted(name for name, types in modules.items() if _SYMBOL_TABLE in types) == []


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


def test_every_compiled_module_of_the_image_can_be_imported(cluster: AnyCluster, namespace: str, image: str) -> None:
    """Those of the wheels, which were stripped, and those of the standard library, whose libraries the base must have."""
    source = """
import importlib, pathlib, sys
count = 0
for folder in map(pathlib.Path, sys.path[1:]):
    for path in folder.rglob("*.so") if folder.is_dir() else ():
        parts = path.relative_to(folder).parts
        if not {"lib-dynload", "site-packages", "dist-packages"} & {*parts}:
            importlib.import_module(".".join((*parts[:-1], path.name.partition(".")[0])))
            count += 1
print(count)
"""
    _apply(cluster, namespace, pod("modules", image, ["python", "-c", source]))
    assert int(_finished(cluster, namespace, "modules")) > 50


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
