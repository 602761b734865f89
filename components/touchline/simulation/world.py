"""One seed's world: built, let run under its faults, then left in peace until it must have healed."""

from collections.abc import Callable

from touchline.book.config import HaltConfig
from touchline.bus import subjects
from touchline.simulation import calm, faults
from touchline.simulation.bettor import Bettor
from touchline.simulation.book_node import BookNode
from touchline.simulation.broker import Broker
from touchline.simulation.fixtures import PROVIDERS, book_config, fixtures
from touchline.simulation.gateway_node import GatewayNode
from touchline.simulation.ingest_node import IngestNode
from touchline.simulation.last_values import LastValues
from touchline.simulation.monitor import Monitor
from touchline.simulation.node import Node
from touchline.simulation.provider import Matches, Provider
from touchline.simulation.scheduler import MILLISECOND, Scheduler
from touchline.simulation.stores import Bucket, Record, Stream
from touchline.simulation.trace import Trace
from touchline.simulation.trader import Trader
from touchline.simulation.truth import Truth

BOOKS = ("book-a", "book-b")
GATEWAYS = ("gateway-a", "gateway-b")


class World:
    """See the module. Everything that is drawn is drawn from `scheduler`, in the order of construction."""

    def __init__(self, seed: int, echo: Callable[[str], None] | None = None) -> None:
        scheduler = self.scheduler = Scheduler(seed)
        trace = self.trace = Trace(scheduler, echo)
        truth = self.truth = Truth()
        self.calm = False
        self.halts: tuple[HaltConfig, ...] = ()
        self.shards = scheduler.pick((1, 1, 2))
        self.model = scheduler.pick(("ActivePassive", "ActivePassive", "ActiveActive"))
        self.delay_us = scheduler.pick((0, 0, 0, 300)) * MILLISECOND
        self.faults_until = scheduler.between(3_000, 6_000) * MILLISECOND
        self.fixtures = fixtures(self.shards)
        self.monitor = Monitor(scheduler, trace, truth)
        broker = self.broker = Broker(scheduler, trace)
        broker.buckets["lease"] = Bucket("lease", scheduler)
        for shard in range(self.shards):
            name = subjects.bets_stream(shard)
            stream = broker.streams[name] = Stream(name, scheduler)
            stream.on_stored, stream.on_lost = self.monitor.stored, self.monitor.lost
        last_values = LastValues(scheduler)
        self.providers = [Provider(name, self.fixtures, scheduler, trace, truth) for name in PROVIDERS]
        self.ingests = [
            IngestNode(
                provider,
                self.fixtures,
                self.shards,
                broker=broker,
                scheduler=scheduler,
                trace=trace,
                truth=truth,
            )
            for provider in self.providers
        ]
        self.config = book_config(self.model, self.delay_us)
        self.books = [
            BookNode(
                name,
                shards=self.shards,
                broker=broker,
                config=self.config,
                last_values=last_values,
                monitor=self.monitor,
                scheduler=scheduler,
                trace=trace,
            )
            for name in BOOKS
        ]
        self.gateways = [
            GatewayNode(
                name,
                shards=self.shards,
                broker=broker,
                last_values=last_values,
                monitor=self.monitor,
                scheduler=scheduler,
                trace=trace,
            )
            for name in GATEWAYS
        ]
        self.monitor.nodes = self.books
        self.nodes: list[Node] = [*self.ingests, *self.books, *self.gateways]
        self.matches = Matches(self.fixtures, self.providers, scheduler)
        self.bettors = [
            Bettor(f"bettor-{number}", gateways=self.gateways, markets=self.fixtures, scheduler=scheduler, trace=trace)
            for number in range(scheduler.pick((2, 2, 3)))
        ]
        self.trader = Trader(self)
        for node in self.nodes:
            scheduler.after(scheduler.between(0, 200) * MILLISECOND, node.start)

    def run(self) -> None:
        """The whole run.

        Raises:
            Violation: an invariant does not hold.
        """
        faults.plan(self, self.faults_until)
        self.scheduler.run(self.faults_until)
        calm.begin(self)
        calm.wait(self)
        calm.account(self)

    # -- what faults do to it ------------------------------------------------------------------------------------------

    def start(self, node: Node) -> None:
        if not node.alive:
            node.start()

    def orderly(self) -> None:
        """The broker and its stores behave again."""
        self.broker.duplicate = self.broker.reorder = self.broker.lose_answer = 0.0
        self.broker.buckets["lease"].stale = 0.0

    def halt(self, halts: tuple[HaltConfig, ...]) -> None:
        """A trader's halts are these from now on."""
        self.halts = halts
        self.trace.note("trader", "halts", ", ".join(f"{halt.scope} {halt.id}" for halt in halts) or "nothing")
        self.configure()

    def configure(self) -> None:
        """The configuration reaches each node in its own time, and a later one never before an earlier."""
        self.config = book_config(self.model, self.delay_us, self.halts, tuple(self.trader.resumes.values()))
        for book in self.books:
            if book.alive:
                self.scheduler.after(self.scheduler.between(1, 50) * MILLISECOND, self._tell, book)
            else:
                book.config = self.config

    def _tell(self, book: BookNode) -> None:
        book.handle(book.configure, self.config)

    def records(self, shard: int) -> list[Record]:
        return self.stream(shard).records

    def stream(self, shard: int) -> Stream:
        return self.broker.streams[subjects.bets_stream(shard)]
