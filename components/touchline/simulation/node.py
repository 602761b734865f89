"""One simulated process on one simulated machine: its clocks, and being paused, killed and started again.

A paused process does nothing and notices nothing: everything that arrives and every timer that fires waits, and is worked off when
it goes on. A killed one forgets everything; what comes back under its name is a new incarnation.
"""

from collections import deque
from typing import Any

from touchline.simulation.scheduler import Action, Scheduler
from touchline.simulation.trace import Trace

EPOCH_US = 1_760_000_000_000_000
"""Epoch time at the start of every run."""

MAX_DRIFT_PPM = 20_000
"""How far a monotonic clock may run wrong; the lease's margin covers 15 %, this is 2 %."""

MAX_SKEW_US = 3_000_000
"""How far two machines' wall clocks may be apart."""


class Node:
    """See the module. Subclasses start their machines in `boot` and lose them in `kill`."""

    def __init__(self, name: str, scheduler: Scheduler, trace: Trace) -> None:
        self.name = name
        self.scheduler = scheduler
        self.trace = trace
        self.alive = False
        self.paused = False
        self.incarnation = 0
        self.tasks: dict[str, None] = {}
        """Names of the methods that are subscriptions with a task of their own."""
        self._offset = 0
        self._ppm = 0
        self._skew = 0
        self._stepped = 0
        self._waiting: deque[tuple[Action, tuple[Any, ...]]] = deque()
        self._timers: deque[tuple[Action, tuple[Any, ...]]] = deque()
        self._unfinished: deque[tuple[Action, tuple[Any, ...]]] = deque()

    def clock(self) -> int:
        """This machine's monotonic clock."""
        now = self.scheduler.now
        return self._offset + now + now * self._ppm // 1_000_000

    def wall(self) -> int:
        """This machine's epoch clock."""
        return EPOCH_US + self.scheduler.now + self._skew

    # -- life --------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the process, on a machine whose clocks nobody has seen before."""
        scheduler = self.scheduler
        self.incarnation += 1
        self.alive, self.paused = True, False
        self._offset = scheduler.between(1_000, 900_000_000)
        self._ppm = scheduler.between(-MAX_DRIFT_PPM, MAX_DRIFT_PPM)
        self._stepped = 0
        self._skew = scheduler.between(-MAX_SKEW_US // 2, MAX_SKEW_US // 2)
        self.trace.note(self.name, "start", f"incarnation {self.incarnation}")
        self.boot()

    def kill(self) -> None:
        """End the process at once."""
        if self.alive:
            self.alive = self.paused = False
            self._waiting.clear()
            self._timers.clear()
            self._unfinished.clear()
            self.trace.note(self.name, "kill")
            self.died()

    def pause(self) -> None:
        if self.alive and not self.paused:
            self.paused = True
            self.trace.note(self.name, "pause")

    def resume(self) -> None:
        """Go on: work off what waited, timers first or last as the seed says."""
        if not self.alive or not self.paused:
            return
        self.paused = False
        self.trace.note(self.name, "resume", f"{len(self._waiting)} waiting")
        arrived = self._in_some_order(self._waiting)
        first, second = (self._timers, arrived) if self.scheduler.chance(0.5) else (arrived, self._timers)
        waiting = deque([*self._unfinished, *first, *second])
        self._waiting, self._timers, self._unfinished = deque(), deque(), deque()
        self._work_off(waiting)

    def _in_some_order(self, waiting: deque[tuple[Action, tuple[Any, ...]]]) -> deque[tuple[Action, tuple[Any, ...]]]:
        """What arrived meanwhile, each subscription's in order; each is worked off by a task of its own, so any may come first."""
        ranks = {task: self.scheduler.rng.random() for task in self.tasks}
        rest = self.scheduler.rng.random()
        return deque(sorted(waiting, key=lambda item: ranks.get(getattr(item[0], "__name__", ""), rest)))

    def resume_incarnation(self, incarnation: int) -> None:
        """Go on, if this is still the process that was paused."""
        if incarnation == self.incarnation:
            self.resume()

    def step_wall(self, by: int) -> None:
        """Somebody sets this machine's epoch clock."""
        self._skew += by
        self._stepped += by

    def right_wall(self) -> None:
        """… and sets it right again."""
        self.step_wall(-self._stepped)

    def _work_off(self, waiting: deque[tuple[Action, tuple[Any, ...]]]) -> None:
        incarnation = self.incarnation
        while waiting and self.alive and self.incarnation == incarnation:
            if self.paused:  # paused again in the middle
                waiting.extend(self._waiting)
                self._waiting = waiting
                return
            action, args = waiting.popleft()
            action(*args)

    # -- doing -------------------------------------------------------------------------------------------------------

    def handle(self, action: Action, *args: Any) -> None:
        """Something arrives at this process."""
        if not self.alive:
            return
        if self.paused:
            self._waiting.append((action, args))
        else:
            action(*args)

    def effect(self, action: Action, *args: Any) -> None:
        """Something this process does to the world as the last part of a step; a pause may come between deciding and doing."""
        if self.paused:
            self._unfinished.append((action, args))
        elif self.alive:
            action(*args)

    def timer(self, delay: int, action: Action, *args: Any) -> None:
        """Fire once after `delay`, unless the process has been killed by then."""
        self.scheduler.after(delay, self._fire, self.incarnation, action, args)

    def _fire(self, incarnation: int, action: Action, args: tuple[Any, ...]) -> None:
        if incarnation != self.incarnation or not self.alive:
            return
        if self.paused:
            self._timers.append((action, args))
        else:
            action(*args)

    # -- what subclasses do ------------------------------------------------------------------------------------------

    def boot(self) -> None:
        """The process starts."""

    def died(self) -> None:
        """The process is gone: drop what it held."""

    def disconnected(self) -> None:
        """The connection to the broker broke."""

    def reconnected(self) -> None:
        """The connection to the broker is back; what was published in between was missed."""
