"""Names of incarnations: one start of a provider's reception, whose batches are numbered from 1.

`<epoch>-<run>`: the epoch of the lease under which it publishes, so that readers only move forward. A name without an epoch
(a simulation's, an earlier release's) cannot be compared with any other.
"""


def incarnation(epoch: int, run: str) -> str:
    """The name of what the process `run` publishes in one term of its lease."""
    return f"{epoch}-{run}"


def epoch_of(name: str) -> int:
    """The epoch of an incarnation; 0 where its name has none."""
    epoch, dash, _ = name.partition("-")
    return int(epoch) if dash and epoch.isdecimal() and epoch.isascii() else 0


def superseded(name: str, by: str) -> bool:
    """Whether `by` is known to have begun after `name`: epochs rise with each take of the lease, and nobody shares one."""
    mine, other = epoch_of(name), epoch_of(by)
    return 0 < mine <= other and name != by
