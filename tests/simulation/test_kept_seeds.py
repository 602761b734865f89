"""What was found once is not found again."""

import pytest

from simulation.kept_seeds import KEPT
from touchline.simulation.run import run_seed


@pytest.mark.parametrize("seed", KEPT)
def test_a_seed_that_found_a_bug_holds_now(seed: int) -> None:
    outcome = run_seed(seed)
    assert outcome.ok, f"{KEPT[seed]}: {outcome.rule}: {outcome.detail}"
