"""One seed from its beginning to its verdict."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from touchline.book import touched
from touchline.ingest import publisher
from touchline.simulation.bugs import BUGS
from touchline.simulation.patching import Patch, patched
from touchline.simulation.violation import Violation
from touchline.simulation.world import World

SHOWN = 40
SMALL_BATCH = 1_500
"""Bytes of a batch at most, so that sets of images come in several batches as they do at full size."""
SMALL_SLICE = 1
"""Markets that are settled at once of those that may wait, so that some do."""

CRASH = "a machine raised an exception"


@dataclass(frozen=True)
class Outcome:
    """What became of a seed. Plain values, so that it can cross processes."""

    seed: int
    rule: str
    """The invariant that was violated; empty: none."""
    detail: str
    last: list[str]
    """The last events before the violation."""
    digest: int
    virtual_us: int
    steps: int
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return not self.rule


def run_seed(seed: int, *, bug: str = "", echo: Callable[[str], None] | None = None) -> Outcome:
    """Run one seed, with a deliberate bug if one is named (`touchline.simulation.bugs`); `echo` is given every event as a line.

    An exception out of a machine is a violation like any other: the process would have died of it.

    Raises:
        KeyError: there is no such bug.
    """
    with _prepared(bug):
        world = World(seed, echo)
        rule = detail = ""
        try:
            world.run()
        except Violation as violation:
            rule, detail = violation.rule, violation.detail
        except (
            ArithmeticError,
            AssertionError,
            AttributeError,
            LookupError,
            RuntimeError,
            TypeError,
            ValueError,
        ) as error:
            rule, detail = CRASH, _where(error)
    if rule:
        world.trace.note("world", "violation", f"{rule}: {detail}")
    return Outcome(
        seed,
        rule,
        detail,
        world.trace.last(SHOWN) if rule else [],
        world.trace.digest,
        world.scheduler.now,
        world.scheduler.steps,
        world.monitor.counts,
    )


@contextmanager
def _prepared(bug: str) -> Iterator[None]:
    patches = [Patch(publisher, "LIMIT", SMALL_BATCH), Patch(touched, "SLICE", SMALL_SLICE)]
    if bug:
        patches += BUGS[bug].patches()
    with patched(patches):
        yield


def _where(error: BaseException) -> str:
    """The error and the innermost place of it, as one line."""
    place, trace = "", error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        place = f"{code.co_filename.rpartition('/')[2]}:{trace.tb_lineno} ({code.co_name})"
        trace = trace.tb_next
    return f"{type(error).__name__}: {error} in {place}"
