"""The TLS connection to Betfair: bytes in, whole lines out, with a bound on how long a line may be.

A line that exceeds the bound is reported with its head and never held: what is kept of it is at most the bound, whatever the
server sends.
"""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Sequence

from touchline.feeds.betfair.options import Endpoint
from touchline.feeds.interface import FrameTooLong, TransportError

MAX_FRAME = 16 * 1024 * 1024
HEAD = 1024
"""How much of a line that is too long is kept as evidence."""
READ = 256 * 1024
CONNECT_SECONDS = 10.0
CLOSE_SECONDS = 1.0


async def connect(endpoint: Endpoint, *, max_frame: int = MAX_FRAME) -> "LineConnection":
    """Open a connection, with TLS unless the endpoint says otherwise.

    Raises:
        TransportError: the name is unknown, nobody listens, the certificate is not trusted, or it takes too long.
    """
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            reader, writer = await asyncio.open_connection(
                endpoint.host,
                endpoint.port,
                limit=READ,
                ssl=tls_context(endpoint) if endpoint.tls else None,
                server_hostname=(endpoint.server_name or endpoint.host) if endpoint.tls else None,
            )
    except TimeoutError:
        raise TransportError(f"{endpoint}: no connection within {CONNECT_SECONDS:.0f} s") from None
    except ssl.SSLCertVerificationError as error:
        raise TransportError(
            f"{endpoint}: its certificate is not trusted ({error.verify_message}); "
            "set tls.caSecretRef to a Secret whose ca.crt signed it"
        ) from error
    except (OSError, ssl.SSLError) as error:
        raise TransportError(f"{endpoint}: cannot connect: {error.strerror or error}") from error
    return LineConnection(reader, writer, str(endpoint), max_frame)


def tls_context(endpoint: Endpoint) -> ssl.SSLContext:
    """A verifying client context, with the endpoint's own authorities where it names some.

    Raises:
        TransportError: they cannot be read.
    """
    try:
        return ssl.create_default_context(cadata=endpoint.ca_pem or None)
    except (ssl.SSLError, ValueError) as error:
        raise TransportError(f"{endpoint}: the ca.crt of tls.caSecretRef is not a PEM certificate: {error}") from error


class LineConnection:
    """Implements `touchline.feeds.interface.Transport`: one frame is one line, without its line end."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, name: str, max_frame: int) -> None:
        self._reader = reader
        self._writer = writer
        self._name = name
        self._max_frame = max_frame

    async def frames(self) -> AsyncIterator[Sequence[bytes]]:
        """Lines as they arrive, those of one read together. An empty line is no frame; an unfinished last line is one."""
        rest = bytearray()
        while True:
            try:
                chunk = await self._reader.read(READ)
            except (OSError, ssl.SSLError) as error:
                raise TransportError(f"{self._name}: the connection broke: {error.strerror or error}") from error
            if not chunk:
                break
            *ended, begun = chunk.split(b"\n")
            frames: list[bytes] = []
            for part in ended:
                rest += part
                if self._too_long(rest):
                    break
                if line := bytes(rest).removesuffix(b"\r"):
                    frames.append(line)
                rest.clear()
            else:
                rest += begun
            if frames:
                yield frames
            if self._too_long(rest):
                raise FrameTooLong(
                    f"{self._name}: a line is longer than {self._max_frame} bytes; it was not read to its end",
                    bytes(rest[:HEAD]),
                )
        if rest:
            yield [bytes(rest)]

    async def send(self, payload: bytes) -> None:
        try:
            self._writer.write(payload)
            await self._writer.drain()
        except (OSError, ssl.SSLError) as error:
            raise TransportError(f"{self._name}: cannot send: {error.strerror or error}") from error

    async def close(self) -> None:
        self._writer.close()
        # A peer that does not answer TLS's closing alert must not keep us; its own errors no longer matter either.
        with contextlib.suppress(OSError, ssl.SSLError, TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._writer.wait_closed()
        self._writer.transport.abort()

    def _too_long(self, line: bytearray) -> bool:
        return len(line) > self._max_frame
