"""A door to a node's network: bytes pass both ways, a closed side closes the other, a refusal is passed on."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.waiting import until
from touchline.local.servers import free_port

FORWARD = Path(__file__).parents[3] / "e2e" / "touchline_e2e" / "forward.py"


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(1024):
        writer.write(chunk)
    writer.close()


@contextlib.asynccontextmanager
async def _door(target_port: int) -> AsyncIterator[int]:
    """A door into our own network, which root alone may enter even so."""
    here = free_port()
    door = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-S", str(FORWARD), str(os.getpid()), f"{here}=127.0.0.1:{target_port}"
    )
    try:
        await until(lambda: door.returncode is None and _listens(here), within=10)
        yield here
    finally:
        door.kill()
        await door.wait()


def _listens(port: int) -> bool:
    rows = Path("/proc/net/tcp").read_text(encoding="utf-8").splitlines()[1:]
    return any(row.split()[1].endswith(f":{port:04X}") and row.split()[3] == "0A" for row in rows)


pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root may enter a network namespace")


async def test_bytes_pass_both_ways_until_a_side_closes() -> None:
    async with (
        await asyncio.start_server(_echo, "127.0.0.1", 0) as server,
        _door(server.sockets[0].getsockname()[1]) as door,
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", door)
        sent = os.urandom(300_000)
        writer.write(sent)
        writer.write_eof()  # what is still to come the other way must come
        assert await asyncio.wait_for(reader.read(), 10) == sent
        writer.close()


async def test_a_refused_connection_is_refused_here_too() -> None:
    async with _door(free_port()) as door:
        reader, writer = await asyncio.open_connection("127.0.0.1", door)
        with contextlib.suppress(ConnectionResetError):
            assert await asyncio.wait_for(reader.read(), 10) == b""
        writer.close()
