"""What waits unread in a process's sockets, as the kernel tells it (Linux)."""

from pathlib import Path


def unread(pid: int, remote_port: int) -> int:
    """Bytes that a process has not yet read from its TCP connections to a port, over all of them."""
    inodes: set[str] = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        target = str(descriptor.readlink())
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    total = 0
    for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]:
        # sl, local, remote, state, tx:rx, timer, retransmits, uid, timeout, inode (proc_net_tcp in the kernel's documentation)
        fields = line.split()
        if fields[9] in inodes and int(fields[2].rpartition(":")[2], 16) == remote_port:
            total += int(fields[4].rpartition(":")[2], 16)
    return total
