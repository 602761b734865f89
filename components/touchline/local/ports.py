"""Whether a port is free, and if not, who has it."""

import errno
import socket
import sys
from pathlib import Path

from touchline.local.errors import PortInUse, Refused


def check(host: str, port: int) -> None:
    """See that we may listen on `host:port`; it is not kept.

    Raises:
        PortInUse: somebody listens there.
        Refused: the address is not ours, or the port needs rights that we have not.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
    except socket.gaierror as error:
        raise Refused(
            f"{host!r} is not an address of this machine: {error.strerror}", fix="use --host 127.0.0.1"
        ) from error
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortInUse(
                f"port {port} on {host} is in use{_by(port)}", fix=f"stop it, or choose another with --port {port + 1}"
            ) from error
        if error.errno == errno.EACCES:
            raise Refused(
                f"port {port} may not be opened by this user", fix="choose one above 1023 with --port"
            ) from error
        raise Refused(f"cannot listen on {host}:{port}: {error.strerror}", fix="use --host 127.0.0.1") from error


def _by(port: int) -> str:
    """` by NAME (process 123)`, where the kernel lets us see it."""
    if sys.platform != "linux":
        return ""
    inodes = {f"socket:[{inode}]" for inode in _listening(port)}
    for process in Path("/proc").glob("[0-9]*") if inodes else ():
        try:
            if any(link.readlink().name in inodes for link in (process / "fd").iterdir()):
                name = (process / "comm").read_text().strip()
                return f" by {name} (process {process.name})"
        except OSError:
            continue  # another user's process, or one that has just ended
    return ""


def _listening(port: int) -> list[str]:
    """Socket inodes that listen on a port (`/proc/net/tcp`: local address, remote address, state 0A, …, inode)."""
    found = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            rows = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            words = row.split()
            if words[3] == "0A" and int(words[1].rpartition(":")[2], 16) == port:
                found.append(words[9])
    return found
