"""The TLS connection: whom it trusts, how lines come out of bytes, and that no line can fill the memory."""

import asyncio
import ssl
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from support.simulated import adapter, simulator
from touchline.feeds.betfair.connection import LineConnection, connect
from touchline.feeds.betfair.options import Endpoint
from touchline.feeds.interface import FrameTooLong, TransportError
from touchline.sim.certificates import make_certificates, server_context

pytestmark = pytest.mark.servers
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def served(
    serve: Serve, *, max_frame: int = 10_000, tls: ssl.SSLContext | None = None, ca_pem: str = ""
) -> AsyncIterator[LineConnection]:
    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except OSError:
            return  # the client hung up, as some tests want
        finally:
            writer.close()

    server = await asyncio.start_server(once, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    try:
        connection = await connect(Endpoint("127.0.0.1", port, tls=tls is not None, ca_pem=ca_pem), max_frame=max_frame)
        try:
            yield connection
        finally:
            await connection.close()
    finally:
        server.close()
        await server.wait_closed()


def sending(*parts: bytes) -> Serve:
    async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0.01)  # so that the parts arrive as reads of their own

    return serve


async def collected(connection: LineConnection) -> list[Sequence[bytes]]:
    async with asyncio.timeout(10):
        return [frames async for frames in connection.frames()]


def flat(batches: list[Sequence[bytes]]) -> list[bytes]:
    return [frame for frames in batches for frame in frames]


async def test_lines_come_out_however_they_were_cut() -> None:
    async with served(sending(b"one\r\ntw", b"o\r", b"\nthree\nfour\r\n\r\n", b"five")) as connection:
        assert flat(await collected(connection)) == [b"one", b"two", b"three", b"four", b"five"]


async def test_lines_that_arrive_together_are_handed_out_together() -> None:
    async with served(sending(b"one\r\ntwo\r\nthree\r\n")) as connection:
        assert await collected(connection) == [[b"one", b"two", b"three"]]


async def test_what_is_sent_arrives() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readline())
        await writer.drain()

    async with served(echo) as connection:
        await connection.send(b"hello\r\n")
        assert flat(await collected(connection)) == [b"hello"]


async def test_a_line_of_exactly_the_bound_passes_and_one_byte_more_does_not() -> None:
    async with served(sending(b"x" * 10_000 + b"\r\n"), max_frame=10_001) as connection:
        assert [len(frame) for frame in flat(await collected(connection))] == [10_000]
    async with served(sending(b"x" * 10_002 + b"\r\n"), max_frame=10_001) as connection:
        with pytest.raises(FrameTooLong, match="longer than 10001 bytes"):
            await collected(connection)


async def test_a_long_line_after_others_in_one_read_is_found_too() -> None:
    async with served(sending(b"ok\r\n" + b"x" * 20_000 + b"\r\nok\r\n"), max_frame=10_000) as connection:
        with pytest.raises(FrameTooLong):
            await collected(connection)


async def test_a_line_of_a_hundred_megabytes_is_refused_with_its_head_and_never_held() -> None:
    bound = 2 * 1024 * 1024

    async def flood(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b'{"op":"mcm","head":"')
        block = b"x" * 65_536
        for _ in range(1600):
            writer.write(block)
            await writer.drain()

    async with served(flood, max_frame=bound) as connection:
        tracemalloc.start()
        try:
            with pytest.raises(FrameTooLong) as refusal:
                await collected(connection)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert refusal.value.head.startswith(b'{"op":"mcm","head":"xxx')
    assert len(refusal.value.head) == 1024
    assert peak < 4 * bound


async def test_a_connection_that_is_cut_says_so() -> None:
    async def cut(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"one\r\n")
        await writer.drain()
        writer.transport.abort()

    async with served(cut) as connection:
        try:
            assert flat(await collected(connection)) == [b"one"]
        except TransportError as error:
            assert "broke" in str(error)  # noqa: PT017 - a reset may or may not overtake the end of the stream


async def test_closing_is_idempotent_and_quick_although_the_peer_does_not_answer() -> None:
    release = asyncio.Event()

    async def deaf(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await release.wait()

    certificates = make_certificates(datetime.now(UTC))
    async with served(deaf, tls=server_context(certificates), ca_pem=certificates.ca_pem) as connection:
        async with asyncio.timeout(3):
            await connection.close()
            await connection.close()
        release.set()


async def test_a_certificate_of_an_unknown_authority_is_not_trusted_and_the_way_out_is_named() -> None:
    stranger = make_certificates(datetime.now(UTC))
    async with simulator() as sim:
        with pytest.raises(TransportError, match=r"not trusted .*tls\.caSecretRef"):
            await adapter(sim, ca_pem=stranger.ca_pem).connect()
        with pytest.raises(TransportError, match="not trusted"):
            await adapter(sim, ca_pem="").connect()


async def test_a_certificate_for_another_name_is_not_trusted() -> None:
    async with simulator() as sim:
        endpoint = Endpoint("127.0.0.1", sim.ports["betfair-a"], True, sim.certificates.ca_pem, "feed.example.com")
        with pytest.raises(TransportError, match="not trusted"):
            await connect(endpoint)


async def test_an_authority_that_is_no_certificate_is_named() -> None:
    with pytest.raises(TransportError, match=r"ca\.crt of tls\.caSecretRef is not a PEM certificate"):
        await connect(
            Endpoint("127.0.0.1", 1, True, "-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n")
        )


async def test_plain_text_where_tls_is_expected_fails_clearly() -> None:
    async with simulator(tls=False) as sim:
        with pytest.raises(TransportError, match="cannot connect"):
            await connect(Endpoint("127.0.0.1", sim.ports["betfair-a"], True, sim.certificates.ca_pem))


async def test_nobody_listening_is_said_with_the_address() -> None:
    async with simulator() as sim:
        port = sim.ports["betfair-a"]
    with pytest.raises(TransportError, match=f"127.0.0.1:{port}: cannot connect"):
        await connect(Endpoint("127.0.0.1", port, tls=False))


async def test_an_unknown_host_is_said_with_its_name() -> None:
    with pytest.raises(TransportError, match=r"no\.such\.host\.invalid:443: cannot connect"):
        await connect(Endpoint("no.such.host.invalid", 443, tls=False))
