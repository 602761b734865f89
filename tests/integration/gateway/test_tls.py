"""The gateway behind a certificate: every kind of client verifies it, a bad Secret is told, a renewed one is taken up."""

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
import websockets

from support.certificates import certificates, trusting, with_passphrase, write_secret
from support.gateway_stage import Stage
from touchline.sim.certificates import Certificates

pytestmark = pytest.mark.servers

MARKET = "e0:MatchWinner"
SECRET = "gateway-tls"


def serve_with(stage: Stage, made: Certificates) -> None:
    write_secret(stage.secrets / SECRET, made)
    stage.options = ("--tls-secret", SECRET)
    stage.trust = trusting(made)


async def shown_certificate(stage: Stage) -> str:
    """What a new handshake is shown, as PEM; nothing is verified."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    _, writer = await asyncio.open_connection("127.0.0.1", stage.port, ssl=context)
    try:
        shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    finally:
        writer.close()
    return ssl.DER_cert_to_PEM_cert(shown)


def same(pem: str, other: str) -> bool:
    return ssl.PEM_cert_to_DER_cert(pem) == ssl.PEM_cert_to_DER_cert(other)


async def until_shown(stage: Stage, pem: str) -> None:
    async with asyncio.timeout(15):
        while not same(await shown_certificate(stage), pem):  # noqa: ASYNC110 - another process's certificate
            await asyncio.sleep(0.05)


async def until_logged(stage: Stage, text: str) -> None:
    async with asyncio.timeout(15):
        while text not in stage.log.read_text():  # noqa: ASYNC110 - another process's log
            await asyncio.sleep(0.05)


async def test_websocket_http_and_event_stream_work_for_clients_that_verify(stage: Stage) -> None:
    serve_with(stage, certificates())
    await stage.start_gateway()
    leader = stage.leader(MARKET)
    async with stage.http() as http, stage.socket() as client:
        assert (await http.get(f"/v1/markets/{MARKET}")).json()["version"] == f"1.{leader.markets[MARKET].seq}"
        assert await client.subscribe("event:e0") == 2
        async with http.stream("GET", "/v1/stream", params={"topics": f"market:{MARKET}"}) as response:
            lines = response.aiter_lines()
            async with asyncio.timeout(10):
                while "synced" not in await anext(lines):
                    pass
            await stage.publish(leader.price(MARKET, home="3.33"))
            async with asyncio.timeout(10):
                while '"3.33"' not in await anext(lines):
                    pass
        await client.shows(MARKET, **leader.markets[MARKET].document(1))


async def test_a_large_book_arrives_whole(stage: Stage) -> None:
    """More than a TLS record, a socket buffer and a write holds."""
    serve_with(stage, certificates())
    leaders = [f"f{number}:MatchWinner" for number in range(3_000)]
    for market in leaders:
        stage.leader(market).open(market)
    await stage.start_gateway()
    async with stage.socket() as client:
        assert await client.subscribe("*") == len(leaders) + 4
        assert len(client.reader.markets) == len(leaders) + 4


async def test_clients_without_tls_or_trust_are_refused_and_disturb_nobody(stage: Stage) -> None:
    serve_with(stage, certificates())
    await stage.start_gateway()
    async with stage.socket() as client:
        await client.subscribe("event:e0")
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            async with httpx.AsyncClient(trust_env=False) as plain:
                await plain.get(f"http://127.0.0.1:{stage.port}/healthz")
        with pytest.raises(ssl.SSLCertVerificationError):
            await websockets.connect(f"wss://127.0.0.1:{stage.port}/v1/ws", ssl=trusting(certificates()))
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
        with pytest.warns(DeprecationWarning, match="TLSv1_1"):
            old.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await asyncio.open_connection("127.0.0.1", stage.port, ssl=old)
        leader = stage.leader(MARKET)
        await stage.publish(leader.price(MARKET, home="4.44"))
        await client.shows(MARKET, **leader.markets[MARKET].document(1))


def nothing(_folder: Path) -> None:
    """The Secret does not exist."""


def no_key(folder: Path) -> None:
    write_secret(folder, certificates())
    (folder / "tls.key").rename(folder / "key.pem")


def anothers_key(folder: Path) -> None:
    write_secret(folder, certificates()._replace(key_pem=certificates().key_pem))


def no_pem(folder: Path) -> None:
    write_secret(folder, certificates()._replace(server_pem="certificate"))


def encrypted(folder: Path) -> None:
    made = certificates()
    write_secret(folder, made._replace(key_pem=with_passphrase(made.key_pem)))


@pytest.mark.parametrize(
    ("write", "told"),
    [
        (nothing, ["Secret 'gateway-tls' is not mounted at", "create it", "spec.gateway.tls.secretRef"]),
        (no_key, ["has no key tls.key (it has: key.pem, tls.crt)", "its private key, both PEM"]),
        (anothers_key, ["cannot be used (KEY_VALUES_MISMATCH)", "the private key that belongs to it"]),
        (no_pem, ["tls.crt and tls.key in", "cannot be used", "put in a PEM certificate chain"]),
        (encrypted, ["cannot be used (the private key has a passphrase)", "without a passphrase"]),
    ],
)
async def test_a_bad_secret_ends_the_gateway_and_says_what_where_and_what_to_do(
    stage: Stage, write: Callable[[Path], None], told: list[str]
) -> None:
    write(stage.secrets / SECRET)
    stage.options = ("--tls-secret", SECRET)
    await stage.start_gateway(ready=False)
    assert stage.process is not None
    async with asyncio.timeout(30):
        assert await stage.process.wait() == 1
    log = stage.log.read_text()
    assert [part for part in [*told, str(stage.secrets / SECRET)] if part not in log] == [], log
    assert "Traceback" not in log


async def test_a_renewed_certificate_is_served_without_a_restart_and_connections_stay(stage: Stage) -> None:
    first, second = certificates(), certificates()
    serve_with(stage, first)
    await stage.start_gateway()
    leader = stage.leader(MARKET)
    async with stage.socket() as client:
        await client.subscribe("event:e0")
        assert same(await shown_certificate(stage), first.server_pem)
        write_secret(stage.secrets / SECRET, second)
        await until_shown(stage, second.server_pem)
        stage.trust = trusting(second)
        async with stage.socket() as newcomer, stage.http() as http:
            assert await newcomer.subscribe("event:e0") == 2
            assert (await http.get("/healthz")).status_code == 200
        await stage.publish(leader.price(MARKET, home="5.55"))
        await client.shows(MARKET, **leader.markets[MARKET].document(1))


async def test_a_renewal_that_cannot_be_used_is_told_once_and_the_old_one_goes_on(stage: Stage) -> None:
    first, second = certificates(), certificates()
    serve_with(stage, first)
    await stage.start_gateway()
    write_secret(stage.secrets / SECRET, second._replace(key_pem=first.key_pem))
    await until_logged(stage, "the certificate of before goes on serving")
    async with stage.socket() as client:
        assert await client.subscribe("event:e0") == 2
    assert same(await shown_certificate(stage), first.server_pem)
    (stage.secrets / SECRET / "tls.key").unlink()
    await until_logged(stage, "has no key tls.key")
    async with stage.http() as http:
        assert (await http.get("/healthz")).status_code == 200
    write_secret(stage.secrets / SECRET, second)
    await until_shown(stage, second.server_pem)
    assert stage.log.read_text().count("KEY_VALUES_MISMATCH") == 1
