"""Thousands of seeds hold every invariant, and every kind of fault has struck among them."""

import pytest

from touchline.simulation.campaign import Tally, replay_line, sweep
from touchline.simulation.faults import WEIGHTS

SEEDS = 2_000
JOBS = 2


@pytest.mark.slow
def test_two_thousand_seeds_hold_every_invariant_under_every_kind_of_fault() -> None:
    tally = Tally()
    for outcome in sweep(0, SEEDS, jobs=JOBS):
        tally.add(outcome)
    assert [(failed.rule, failed.detail, replay_line(failed.seed)) for failed in tally.failed] == []
    assert tally.seeds == SEEDS
    assert set(tally.faults()) == {fault.__name__ for fault in WEIGHTS}
    # A sweep in which little is decided proves little.
    assert tally.counts["Accepted"] > 2 * SEEDS
    assert tally.counts["updates"] > 20 * SEEDS
    assert min(tally.counts[kind] for kind in ("Rejected", "Repriced", "Pending")) > SEEDS // 10


def test_a_handful_of_seeds_holds_in_this_process() -> None:
    tally = Tally()
    for outcome in sweep(100_000, 10, jobs=1):
        tally.add(outcome)
    assert [(failed.rule, failed.detail, replay_line(failed.seed)) for failed in tally.failed] == []
    assert tally.counts["bets"] > 0
