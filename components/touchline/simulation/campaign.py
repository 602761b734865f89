"""Many seeds over many processes, and what people are told of them."""

import gc
import multiprocessing
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait

from touchline.simulation.run import Outcome, run_seed

CHUNK = 10
"""Seeds that a process runs before it reports."""


def run_chunk(first: int, count: int, bug: str) -> list[Outcome]:
    """Some seeds in a row, in this process."""
    # A world is full of cycles and dies as a whole: collecting in the middle of a run only costs time.
    gc.disable()
    try:
        return [run_seed(seed, bug=bug) for seed in range(first, first + count)]
    finally:
        gc.enable()
        gc.collect()


def sweep(first: int, count: int, *, jobs: int, bug: str = "") -> Iterator[Outcome]:
    """Run `count` seeds from `first` on, over `jobs` processes; outcomes come in the order in which they are ready.

    The caller may stop early: what has not begun then never does.
    """
    chunks = [(start, min(CHUNK, first + count - start)) for start in range(first, first + count, CHUNK)]
    if jobs == 1:
        for start, size in chunks:
            yield from run_chunk(start, size, bug)
        return
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        waiting: set[Future[list[Outcome]]] = set()
        todo = iter(chunks)
        try:
            while True:
                while len(waiting) < 2 * jobs and (chunk := next(todo, None)) is not None:
                    waiting.add(pool.submit(run_chunk, *chunk, bug))
                if not waiting:
                    return
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in sorted(done, key=lambda each: each.result()[0].seed):
                    yield from future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def first_failure(first: int, count: int, *, bug: str = "") -> Outcome | None:
    """The first seed of these that finds something, in this process; None: none does."""
    for seed in range(first, first + count):
        outcome = run_seed(seed, bug=bug)
        if not outcome.ok:
            return outcome
    return None


def replay_line(seed: int, bug: str = "") -> str:
    """The command that runs one seed again and shows all of its events."""
    return f"touchline simulate --seeds 1 --seed {seed}{f' --bug {bug}' if bug else ''} --trace"


class Tally:
    """What a sweep amounts to so far."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.seeds = 0
        self.steps = 0
        self.virtual_us = 0
        self.failed: list[Outcome] = []
        self.counts: dict[str, int] = {}
        self._clock = clock
        self._began = clock()

    def add(self, outcome: Outcome) -> None:
        self.seeds += 1
        self.steps += outcome.steps
        self.virtual_us += outcome.virtual_us
        for what, times in outcome.counts.items():
            self.counts[what] = self.counts.get(what, 0) + times
        if not outcome.ok:
            self.failed.append(outcome)

    @property
    def seconds(self) -> float:
        return self._clock() - self._began

    @property
    def rate(self) -> float:
        """Seeds a second."""
        return self.seeds / self.seconds if self.seconds > 0 else 0.0

    def faults(self) -> dict[str, int]:
        """How often each kind of fault struck."""
        return {
            what.removeprefix("fault "): times
            for what, times in sorted(self.counts.items())
            if what.startswith("fault ")
        }
