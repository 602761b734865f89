"""What the planner writes for brokers, given to a real nats-server: it starts, keeps strangers out, and takes new users while it runs."""

import base64
import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nats
import pytest
import redis
from nats.aio.client import Client
from nats.errors import Error as NatsError

from support.observed_world import NOW, engine, observe, provider, world_of
from support.waiting import until, wait_until
from touchline.api.v1alpha1.odds_engine import ManagedRedis
from touchline.bus.connection import inbox_prefix
from touchline.local.servers import free_port, nats_binary
from touchline_operator.plan.broker_config import broker_config
from touchline_operator.plan.engine import wiring_of
from touchline_operator.plan.valkey import valkey
from touchline_operator.plan.wants import providers_of, wants
from touchline_operator.plan.wiring import Wiring
from touchline_operator.run.mint import minted
from touchline_operator.servers.valkey import configuration
from touchline_operator.world.material import Material

NAME = {"POD_NAME": "main-nats-0"}

pytestmark = pytest.mark.servers


def planned(
    folder: Path, *providers: str, replicas: int = 1, material: Material | None = None
) -> tuple[Wiring, list[str]]:
    """An engine's wiring with real material."""
    managed = engine(nats={"managed": {"replicas": replicas, "storage": {"size": "1Gi"}}})
    observed = observe(
        world_of([managed, *(provider(name) for name in providers)]),
        "OddsEngine",
        "main",
        material=material or Material(),
    )
    wiring = wiring_of(observed)
    assert wiring is not None
    made = minted(observed.material, wants(observed, wiring), name="main", now=NOW)
    return Wiring(wiring.engine, wiring.spec, made), providers_of(observed)


def write(folder: Path, wiring: Wiring, providers: list[str], ports: dict[str, int]) -> Path:
    """nats.conf as it is mounted, with this machine's paths and ports."""
    assert wiring.spec.spec.nats.managed is not None
    text = broker_config(wiring, wiring.spec.spec.nats.managed, providers)
    for there, here in {
        "/etc/nats/tls": str(folder),
        "/run/nats": str(folder),
        "/data/jetstream": str(folder / "store"),
        "\nport: 4222\n": f"\nport: {ports['port']}\n",
        "\nhttp_port: 8222\n": f"\nhttp_port: {ports['http_port']}\n",
    }.items():
        assert there in text
        text = text.replace(there, here)
    assert wiring.material.server is not None
    assert wiring.material.authority is not None
    (folder / "tls.crt").write_text(wiring.material.server.certificate)
    (folder / "tls.key").write_text(wiring.material.server.key)
    (folder / "ca.crt").write_text(wiring.material.authority.certificate)
    config = folder / "config"
    config.mkdir(exist_ok=True)
    # Swapped as a whole, as the kubelet does.
    (folder / "new.conf").write_text(text)
    (folder / "new.conf").rename(config / "nats.conf")
    return config / "nats.conf"


@pytest.fixture
def ports() -> dict[str, int]:
    return {"port": free_port(), "http_port": free_port()}


@pytest.fixture
def running(tmp_path: Path, ports: dict[str, int]) -> Iterator[Wiring]:
    """A server with the planned configuration of one provider."""
    wiring, providers = planned(tmp_path, "one")
    config = write(tmp_path, wiring, providers, ports)
    with (tmp_path / "nats.log").open("wb") as log:
        process = subprocess.Popen([nats_binary(), "-c", config], stderr=log, env=os.environ | NAME)
    try:
        wait_until(lambda: _listens(ports["port"]) or process.poll() is not None, within=15)
        assert process.poll() is None, (tmp_path / "nats.log").read_text()
        yield wiring
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(15)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def connect(wiring: Wiring, port: int, user: str, password: str | None = None) -> Client:
    assert wiring.material.authority is not None
    return await nats.connect(
        f"tls://localhost:{port}",
        user=user,
        password=password or wiring.material.passwords[user],
        tls=ssl.create_default_context(cadata=wiring.material.authority.certificate),
        inbox_prefix=inbox_prefix(user),
        allow_reconnect=False,
        connect_timeout=2,
    )


@pytest.mark.parametrize("replicas", [1, 3])
def test_the_planned_configuration_is_one_that_the_server_takes(
    tmp_path: Path, ports: dict[str, int], replicas: int
) -> None:
    wiring, providers = planned(tmp_path, "one", "two", replicas=replicas)
    config = write(tmp_path, wiring, providers, ports)
    checked = subprocess.run(
        [nats_binary(), "-t", "-c", config], capture_output=True, text=True, check=False, env=os.environ | NAME
    )
    assert checked.returncode == 0, checked.stderr


async def test_each_role_comes_in_over_tls_and_may_say_only_what_is_its_own(
    running: Wiring, ports: dict[str, int], tmp_path: Path
) -> None:
    for user in ("admin", "book", "gateway", "cli", "recorder", "ingest-one"):
        client = await connect(running, ports["port"], user)
        await client.close()
    refused: list[str] = []

    async def error(exc: Exception) -> None:
        refused.append(str(exc))

    gateway = await connect(running, ports["port"], "gateway")
    gateway._error_cb = error
    await gateway.publish("book.0.Football.x.y.z", b"forged")
    await gateway.flush()
    await until(lambda: any("book.0.football" in text.lower() for text in refused))
    await gateway.close()
    with pytest.raises(NatsError):
        await connect(running, ports["port"], "book", "a wrong password")
    with pytest.raises((NatsError, OSError)):
        await nats.connect(f"nats://localhost:{ports['port']}", allow_reconnect=False, connect_timeout=2)


@pytest.mark.parametrize("when", ["while it is looked at", "after the server read it and before anybody looked"])
async def test_a_new_providers_user_is_let_in_without_a_restart_once_the_mounted_file_changes(
    running: Wiring, ports: dict[str, int], tmp_path: Path, when: str
) -> None:
    before = await connect(running, ports["port"], "ingest-one")
    wiring, providers = planned(tmp_path, "one", "two", material=running.material)
    if when.startswith("after"):
        write(tmp_path, wiring, providers, ports)
    words = ("--pid-file", tmp_path / "nats.pid", tmp_path / "config")
    beside = subprocess.Popen(  # noqa: ASYNC220 - it is started at once
        [sys.executable, "-m", "touchline_operator.servers.reload", *words], stdout=subprocess.PIPE, text=True
    )
    try:
        assert beside.stdout is not None
        assert beside.stdout.readline().startswith("watching")
        assert "was told" in beside.stdout.readline()
        if when.startswith("while"):
            write(tmp_path, wiring, providers, ports)
            assert "was told" in beside.stdout.readline()
        times = 2 if when.startswith("while") else 1
        await until(lambda: (tmp_path / "nats.log").read_text().count("Reloaded server configuration") >= times)
        client = await connect(wiring, ports["port"], "ingest-two")
        await client.close()
        assert before.is_connected, "who was connected stays so"
        await before.close()
    finally:
        beside.terminate()
        assert beside.wait(15) == 0
        if beside.stdout is not None:
            beside.stdout.close()


def test_the_planned_cache_starts_wants_its_password_and_keeps_nothing(tmp_path: Path) -> None:
    wiring, _ = planned(tmp_path)
    (secret,) = [each for each in valkey(wiring, ManagedRedis(), image="touchline:test") if each["kind"] == "Secret"]
    port = free_port()
    text = base64.b64decode(secret["data"]["primary.conf"]).decode()
    assert "\nbind * -::*\n" in text
    text = (
        text.replace("port 6379", f"port {port}")
        .replace("bind * -::*", "bind 127.0.0.1")
        .replace("dir /tmp", f"dir {tmp_path}")
    )
    (tmp_path / "primary.conf").write_text(text)
    process = subprocess.Popen(
        [sys.executable, "-m", "touchline_operator.servers.valkey", tmp_path],
        env=os.environ | {"POD_NAME": "main-valkey-0"},
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: _listens(port) or process.poll() is not None, within=15)
        with redis.Redis(port=port) as stranger, pytest.raises(redis.AuthenticationError):
            stranger.ping()
        with redis.Redis(port=port, password=wiring.material.valkey_password) as client:
            assert client.set("key", "value")
    finally:
        process.terminate()
        process.wait(15)
    assert not list(tmp_path.glob("*.rdb"))


def test_the_first_pod_is_the_primary_and_the_others_its_replicas(tmp_path: Path) -> None:
    files = [configuration(tmp_path, pod).name for pod in ("main-valkey-0", "main-valkey-1", "main-valkey-10")]
    assert files == ["primary.conf", "replica.conf", "replica.conf"]
