"""A trader: looks at what waits for a review, and after a while lets it go on."""

from typing import TYPE_CHECKING, Any

from touchline.book.config import HaltConfig
from touchline.simulation.scheduler import MILLISECOND

if TYPE_CHECKING:
    from touchline.simulation.world import World

LOOK_US = 400 * MILLISECOND
DECIDED = 0.3
"""How often a look ends in a decision."""


class Trader:
    """See the module. What it says is of the past: of everything that the leader had shown it to wait."""

    def __init__(self, world: "World") -> None:
        self.resumes: dict[str, HaltConfig] = {}
        self._world = world
        world.scheduler.after(LOOK_US, self._look)

    def _look(self) -> None:
        world = self._world
        world.scheduler.after(LOOK_US, self._look)
        waiting: dict[str, int] = {}
        for book in world.books:
            for seat in book.seats if book.alive and not book.paused else ():
                for market in seat.book.markets() if seat.leading else ():
                    explained: dict[str, Any] | None = seat.book.explain(book.clock(), market)
                    for review in explained["review"] if explained is not None else ():
                        event = str(explained["event"]) if explained is not None else ""
                        waiting[event] = max(waiting.get(event, 0), int(review["since"]))
        for event, since in waiting.items():
            known = self.resumes.get(event)
            if (known is None or known.at < since) and (world.calm or world.scheduler.chance(DECIDED)):
                self.resumes[event] = HaltConfig("event", event, "trader", "looked at it", since)
                world.monitor.pendings.resumed(event, since)
                world.monitor.count("reviews")
                world.configure()
