"""Whether decisions really survive what the engine declares that they do (DESIGN, section 7: declared and proven).

A client can read a stream's storage and replicas from the broker, but not the servers' `sync_interval`: that one is declared to
the process by whoever runs the broker. A stream synced every two minutes has acknowledged what a power cut takes back.
"""

from touchline.api.v1alpha1.odds_engine import Durability

_RANK = {None: 0, Durability.FSYNC: 1, Durability.QUORUM: 2, Durability.GLOBAL_QUORUM: 3}
NONE = "None"
"""What records carry where not even one server has synced them."""


def real_durability(*, storage: str, replicas: int, sync_interval: str) -> Durability | None:
    """What an acknowledgement from such a stream is worth; None: it survives no power cut.

    Three replicas in one region are a quorum; whether they stand in several regions cannot be seen from here, so a
    `GlobalQuorum` is never found by this check alone.
    """
    if storage != "file" or sync_interval != "always":
        return None
    return Durability.QUORUM if replicas >= 3 else Durability.FSYNC


def shortfall(declared: Durability, real: Durability | None, *, stream: str) -> str:
    """One sentence that says why bets are refused, or empty where the stream keeps what was declared."""
    if _RANK[real] >= _RANK[declared]:
        return ""
    if declared is Durability.GLOBAL_QUORUM:
        return (
            f"bets.durability is GlobalQuorum, which this release cannot prove: the broker does not say whether the replicas of the "
            f"stream {stream} stand in several regions, and a promise that is not proven is not made; declare Quorum or Fsync"
        )
    has = f"only {real}" if real else "none that survives a power cut"
    return (
        f"bets.durability is {declared}, but the stream {stream} has {has}: give it file storage, sync_interval always, and "
        f"{'three replicas or more' if declared is not Durability.FSYNC else 'at least one replica'}, or declare less"
    )
