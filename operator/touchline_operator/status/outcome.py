"""What came of carrying a plan out, as far as a status depends on it."""

from __future__ import annotations

from dataclasses import dataclass

from touchline_operator.world.keys import Key


@dataclass(frozen=True)
class Rollout:
    """A workload whose pods the operator is replacing: `message` says how far it is; `refused` why it may not."""

    key: Key
    message: str
    refused: str = ""


@dataclass(frozen=True)
class Outcome:
    """`planned` are the children's keys; `waits_for` why nothing was planned; `refused` what the API server said to a child, by its key.

    `told`: whether the data plane has the object as it is now; None where that cannot be known (no broker). `again_us`: look again after
    so many microseconds, for something that nobody will tell of. `rollout`: a workload whose pods are being replaced.
    """

    planned: tuple[Key, ...] = ()
    waits_for: str = ""
    refused: tuple[tuple[Key, str], ...] = ()
    told: bool | None = None
    again_us: int | None = None
    rollout: Rollout | None = None
