"""The same seed is the same run, in any process and whatever order hashes have there."""

import os
import subprocess
import sys

SEEDS = (0, 1, 2, 3, 4, 5)
PROGRAM = f"""
from touchline.simulation.run import run_seed
for seed in {SEEDS}:
    outcome = run_seed(seed)
    print(seed, outcome.digest, outcome.steps, outcome.virtual_us, sorted(outcome.counts.items()))
"""


def _digests(hash_seed: str) -> str:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True, timeout=120
    ).stdout


def test_a_seed_is_the_same_run_in_two_processes_with_different_hash_seeds() -> None:
    first, second = _digests("1"), _digests("2")
    assert len(first.splitlines()) == len(SEEDS)
    assert first == second
    assert len({line.split()[1] for line in first.splitlines()}) == len(SEEDS), "different seeds are different runs"
