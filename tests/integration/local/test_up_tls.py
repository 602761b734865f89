"""`touchline up` with a certificate from a Secret in its files: the door speaks TLS, and the command line knows it again."""

import asyncio
import json
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.certificates import certificates, trusting
from support.engine import QUICKSTART, Engine
from touchline.local.client import TouchlineClient
from touchline.sim.certificates import Certificates

pytestmark = pytest.mark.servers

SECRET = "door-tls"


def write_secret(folder: Path, made: Certificates) -> None:
    """A Secret as `kubectl create secret tls` makes it, in clear."""
    document = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": SECRET},
        "type": "kubernetes.io/tls",
        "stringData": {"tls.crt": made.server_pem, "tls.key": made.key_pem},
    }
    (folder / "door.yaml").write_text(json.dumps(document))


def with_tls(folder: Path) -> Path:
    """The quickstart whose gateway has a certificate; the Secret is not written yet."""
    folder.mkdir()
    for source in QUICKSTART.glob("*.yaml"):
        text = source.read_text()
        if source.name == "engine.yaml":
            assert "  gateway:\n" in text
            text = text.replace("  gateway:\n", f"  gateway:\n    tls:\n      secretRef:\n        name: {SECRET}\n")
        (folder / source.name).write_text(text)
    return folder


@pytest.fixture(scope="module")
def made() -> Certificates:
    return certificates()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, made: Certificates) -> Path:
    folder = with_tls(tmp_path_factory.mktemp("tls") / "files")
    write_secret(folder, made)
    return folder


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory, files: Path) -> Iterator[Engine]:
    with Engine([files], tmp_path_factory.mktemp("engine")) as running:
        yield running.ready()


async def test_a_client_that_verifies_sees_prices(engine: Engine, made: Certificates) -> None:
    url = engine.record.gateway
    assert url.startswith("https://127.0.0.1:")
    assert f"wss://{url.removeprefix('https://')}/v1/ws" in engine.output
    async with TouchlineClient(url, trust=trusting(made)) as client:
        assert await client.subscribe("*", within=30) >= 0
        await client.wait_for(lambda replica: len(replica.markets) > 0, within=30)
        assert await client.http.ready()


def test_the_command_line_knows_its_own_engines_certificate(engine: Engine) -> None:
    assert json.loads(engine.command("status", "--json").stdout)["ready"] is True
    seen = engine.command("watch", "--json", "--count", "3")
    assert seen.returncode == 0, seen.stderr
    market = next(frame["m"] for frame in map(json.loads, seen.stdout.splitlines()) if "m" in frame)
    explained = engine.command("explain", market)
    assert explained.returncode == 0, explained.stderr


def test_a_gateway_that_is_only_known_by_its_address_must_be_trusted(engine: Engine) -> None:
    refused = engine.command("explain", "e1:MatchWinner", "--url", engine.record.gateway)
    assert refused.returncode == 1
    assert "shows a certificate that is not trusted here" in refused.stderr
    assert "SSL_CERT_FILE" in refused.stderr


async def test_a_certificate_renewed_in_the_file_is_served_at_once(engine: Engine, files: Path) -> None:
    renewed = certificates()
    write_secret(files, renewed)
    port = int(engine.record.gateway.rpartition(":")[2])
    async with asyncio.timeout(20):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting(renewed))
            except ssl.SSLCertVerificationError:
                await asyncio.sleep(0.1)
                continue
            writer.close()
            break
    assert engine.command("status").returncode == 0


def test_a_secret_that_is_not_in_the_files_is_told_before_anything_starts(tmp_path: Path) -> None:
    folder = with_tls(tmp_path / "files")
    with Engine([folder], tmp_path) as engine:
        assert engine.ended(within=60) == 1
        told = " ".join(engine.output.split())
        assert "engine.yaml:" in told
        assert SECRET in told
        assert "gateway.tls.secretRef" in told
    assert not engine.state.exists()
