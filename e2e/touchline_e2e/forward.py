"""A door from this machine's loopback into a node's network: listens here, connects there.

    forward.py PID [PORT=ADDRESS:PORT …]

It opens its listeners on 127.0.0.1 first, then enters the network namespace of process PID for good, and so needs no
device, no address and no rule in the machine's own network. More doors are opened by naming them at the start: it is cheap
to run another one.
"""

import asyncio
import contextlib
import ctypes
import functools
import os
import socket
import sys

CLONE_NEWNET = 0x40000000
_CHUNK = 64 * 1024


async def main(pid: str, doors: list[str]) -> None:
    listeners = []
    for door in doors:
        port, _, target = door.partition("=")
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", int(port)))
        address, _, target_port = target.rpartition(":")
        listeners.append((listener, address, int(target_port)))
    _enter_network(pid)
    servers = [
        await asyncio.start_server(functools.partial(_carry, address=address, port=port), sock=listener)
        for listener, address, port in listeners
    ]
    await asyncio.gather(*(server.serve_forever() for server in servers))


def _enter_network(pid: str) -> None:
    """Enter another process's network namespace (setns, which Python has from 3.12 on). Sockets stay where they are."""
    libc = ctypes.CDLL(None, use_errno=True)
    namespace = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
    if libc.setns(namespace, CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"cannot enter the network of process {pid}: {os.strerror(number)}")
    os.close(namespace)


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, address: str, port: int) -> None:
    """One connection, both ways, until either side closes; a refused one is closed at once, as the target would."""
    try:
        there_reader, there_writer = await asyncio.open_connection(address, port)
    except OSError:
        writer.transport.abort()
        return
    await asyncio.gather(_copy(reader, there_writer), _copy(there_reader, writer))
    there_writer.close()
    writer.close()


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """One direction. Its end is passed on as an end: the other direction may have more to say."""
    with contextlib.suppress(OSError):  # a side that is gone ends the copying; the other direction sees it too
        while chunk := await source.read(_CHUNK):
            target.write(chunk)
            await target.drain()
        target.write_eof()
        return
    target.transport.abort()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2:]))
