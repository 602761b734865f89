"""One market of the book: every provider's view of it, who serves, its holds, and what was last published.

    status     Suspended while a hold stands, Open with none; Closed, Settled and Cancelled are final
    final      left only by the explicit rollback of the provider that serves
    prices     what is offered; they move in every status and never change it (FEEDS, "naive", 5)

Invariants after every input: Open if and only if no hold stands and it is not final; `prices` are the arbiter's except for selections that
a hold of their own keeps out; `seq` is the shard's sequence of the last published update.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from touchline.book.arbitration import Arbiter, Candidate, Standing
from touchline.book.conditions import Condition
from touchline.book.config import ChoiceConfig, ClassConfig, TriggerConfig
from touchline.book.link import NEVER, Link
from touchline.book.triggers.base import Trigger
from touchline.book.triggers.event_status import EventStatus
from touchline.book.triggers.price_move import FULL_BAND, PriceMove
from touchline.book.view import View
from touchline.bus.messages import MarketMeta
from touchline.domain.holds import Hold, HoldSet
from touchline.domain.keys import MarketKey
from touchline.domain.status import MarketStatus, Phase, ProviderStatus

FINAL = {
    ProviderStatus.CLOSED: MarketStatus.CLOSED,
    ProviderStatus.SETTLED: MarketStatus.SETTLED,
    ProviderStatus.CANCELLED: MarketStatus.CANCELLED,
}
KEPT_TRANSITIONS = 50


class Offer:
    """One selection on the hot path.

    `micro` is the arbiter's price. While a new one is within `low` … `high`, no PriceMove trigger can fire, and the replaced price is
    only remembered in `past`, as end and micro in turn; None where no such trigger stands.
    """

    __slots__ = ("high", "key", "low", "micro", "named", "past", "shown")

    def __init__(self, selection: str) -> None:
        self.key = f',"{selection}":'
        """The JSON key after a comma; selection ids need no escapes (`touchline.domain.keys`)."""
        self.micro = 0
        self.shown = -1
        """What is offered: `micro`, or 0 while the selection is kept out; -1 before it was first shown."""
        self.named = 0
        """The last batch that named it on the hot path."""
        self.low, self.high = FULL_BAND
        self.past: list[int] | None = None


class Offered(Mapping[str, int]):
    """Micro prices of a market's selections as offered, 0 for one that cannot be bet on: a live view that nobody can write to."""

    __slots__ = ("_offers",)

    def __init__(self, offers: Mapping[str, Offer]) -> None:
        self._offers = offers

    def __getitem__(self, selection: str) -> int:
        return max(self._offers[selection].shown, 0)

    def __iter__(self) -> Iterator[str]:
        return iter(self._offers)

    def __len__(self) -> int:
        return len(self._offers)


class Signal(NamedTuple):
    """A trigger of one market that fires for others too (scope Event or Provider), or for itself."""

    config: TriggerConfig
    detail: str
    at: int = -1


class Latch(NamedTuple):
    """A hold that waits for a trader; `since` is when the trigger last began to fire, in epoch microseconds."""

    signal: Signal
    since: int
    resting: bool = False


class Event:
    """The markets of one event, and the event-wide triggers that fire: by cause, then by the market that set them."""

    __slots__ = ("id", "markets", "signals")

    def __init__(self, id: str) -> None:
        self.id = id
        self.markets: dict[str, BookMarket] = {}
        self.signals: dict[str, dict[str, Signal]] = {}


class Transition(NamedTuple):
    """What changed, when (epoch microseconds), and which input did it."""

    at: int
    text: str
    because: str


class BookMarket:
    """See the module. Plain state: `review` judges it, `frames` writes it, `shard` feeds it."""

    __slots__ = (
        "absent_since",
        "arbiter",
        "blocked",
        "candidates",
        "choices",
        "class_config",
        "classified",
        "compared",
        "cool_until",
        "cooling",
        "cooling_from",
        "due",
        "event",
        "fast_link",
        "final",
        "fired",
        "fresh",
        "head",
        "holds",
        "holds_sent",
        "id",
        "key",
        "latched",
        "links",
        "meta",
        "meta_of",
        "moves",
        "offers",
        "phase",
        "prices",
        "pub",
        "recv",
        "scheduled",
        "seq",
        "src",
        "standing",
        "status",
        "status_sent",
        "subject",
        "transitions",
        "triggers",
        "unclassified",
        "unsent",
        "view",
        "views",
    )

    def __init__(self, key: MarketKey, event: Event, now: int) -> None:
        self.id = str(key)
        self.key = key
        self.event = event
        self.views: dict[str, View] = {}
        self.class_config: ClassConfig | None = None
        self.classified: tuple[object, object, object] = (None, None, None)
        """What the class was last found from: configuration, description, phase."""
        self.unclassified = "nobody offers it"
        """Why no class selects it."""
        self.choices: tuple[ChoiceConfig, ...] = ()
        self.links: tuple[Link, ...] = ()
        self.fresh: tuple[Condition, ...] = ()
        self.arbiter: Arbiter | None = None
        self.standing = Standing(now)
        self.candidates: list[Candidate] = []
        self.view: View | None = None
        """The serving provider's view."""
        self.fast_link: Link | None = None
        """The serving provider, while plain price changes (its own or others') need no review; None: everything is reviewed."""
        self.triggers: tuple[Trigger, ...] = ()
        self.moves: tuple[PriceMove, ...] = ()
        self.compared = False
        """A trigger compares it with other providers' prices, so that each of theirs matters."""
        self.holds = HoldSet()
        self.fired: dict[str, Signal] = {}
        """Policy holds as of the last review, by cause."""
        self.latched: dict[tuple[str, str], Latch] = {}
        """Holds that wait for a trader, by cause and selection ("" for the whole market)."""
        self.blocked: dict[str, dict[str, Signal]] = {}
        """Selections that are kept out, by cause."""
        self.cooling: dict[str, int] = {}
        """Until when a selection stays out after its last trigger cleared."""
        self.cool_until = 0
        self.cooling_from = ""
        """What cleared last, in words."""
        self.status = MarketStatus.SUSPENDED
        self.final: MarketStatus | None = None
        self.phase = Phase.PRE_MATCH
        self.offers: dict[str, Offer] = {}
        self.prices = Offered(self.offers)
        self.meta_of: tuple[MarketMeta | None, Phase, str, int, str] | None = None
        """What `meta` was made from."""
        self.meta: dict[str, object] = {}
        """As last published (`frames.meta_of`)."""
        self.subject = ""
        self.head = ""
        """The part of a plain price delta that never changes (`frames.head_of`)."""
        self.holds_sent: tuple[Hold, ...] = ()
        self.status_sent: MarketStatus | None = None
        self.unsent: dict[str, int] = {}
        """Prices that changed since the last update, apart from the hot path's."""
        self.seq = 0
        self.src = self.recv = self.pub = 0
        self.due = NEVER
        self.scheduled = NEVER
        """The earliest time at which the timetable will name it."""
        self.absent_since = NEVER
        self.transitions: deque[Transition] = deque(maxlen=KEPT_TRANSITIONS)

    @property
    def event_triggers(self) -> list[EventStatus]:
        return [trigger for trigger in self.triggers if isinstance(trigger, EventStatus)]

    @property
    def serving(self) -> Link | None:
        return self.view.link if self.view is not None else None

    def delay_us(self) -> int:
        """Wait before a bet is decided: the larger of the class's and the provider's."""
        declared = self.class_config.delay_us if self.class_config is not None else 0
        return max(declared, self.view.delay_us if self.view is not None else 0)

    def expected(self) -> list[str]:
        """Selections that should have a price: those that the provider names, without what is withdrawn or decided."""
        view = self.view
        if view is None:
            return []
        named = view.meta.names if view.meta is not None and view.meta.names else view.sels
        return [selection for selection in named if selection not in view.results]
