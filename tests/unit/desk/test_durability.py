"""What an acknowledgement is worth, and whether that is what the engine declares."""

import pytest

from touchline.api.v1alpha1.odds_engine import Durability
from touchline.desk.durability import real_durability, shortfall


@pytest.mark.parametrize(
    ("storage", "replicas", "sync", "real"),
    [
        ("file", 1, "always", Durability.FSYNC),
        ("file", 3, "always", Durability.QUORUM),
        ("file", 5, "always", Durability.QUORUM),
        ("file", 2, "always", Durability.FSYNC),
        ("file", 3, "2m", None),
        ("memory", 3, "always", None),
        ("file", 1, "", None),
    ],
)
def test_a_decision_is_as_durable_as_its_store(storage: str, replicas: int, sync: str, real: Durability | None) -> None:
    assert real_durability(storage=storage, replicas=replicas, sync_interval=sync) is real


@pytest.mark.parametrize(
    ("declared", "real", "enough"),
    [
        (Durability.FSYNC, Durability.FSYNC, True),
        (Durability.FSYNC, Durability.QUORUM, True),
        (Durability.QUORUM, Durability.FSYNC, False),
        (Durability.FSYNC, None, False),
    ],
)
def test_less_than_declared_is_said_with_what_is_missing(
    declared: Durability, real: Durability | None, enough: bool
) -> None:
    said = shortfall(declared, real, stream="BETS_0")
    assert (said == "") is enough
    assert enough or all(word in said for word in (declared.value, "BETS_0", "sync_interval"))


@pytest.mark.parametrize("real", [None, Durability.FSYNC, Durability.QUORUM])
def test_a_global_quorum_is_refused_with_the_reason_and_what_to_declare(real: Durability | None) -> None:
    said = shortfall(Durability.GLOBAL_QUORUM, real, stream="BETS_0")
    assert said.startswith("bets.durability is GlobalQuorum, which this release cannot prove: ")
    assert "several regions" in said
    assert said.endswith("declare Quorum or Fsync")
