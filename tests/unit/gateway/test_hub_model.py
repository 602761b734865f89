"""Whatever happens, a client never sees a broken chain, and in the end sees the truth: the hub against a model of its world."""

import json
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule

from support.scripted_leader import ScriptedLeader
from support.stream_reader import EventReader, StreamReader
from touchline.bus.wire import SnapshotEnd, unpack
from touchline.domain.keys import shard_of
from touchline.gateway import fanout
from touchline.gateway.frames import Format, read_frames
from touchline.gateway.hub import Hub, HubRules
from touchline.gateway.identity import Identity
from touchline.gateway.outputs import AskSnapshot, Close, HubOutput, Write
from touchline.gateway.topics import Subject

SHARDS = 2
EVENTS = ("e0", "e1", "e2", "e3")
MARKETS = tuple(f"{event}:{kind}" for event in EVENTS for kind in ("MatchWinner", "TotalGoals:2.5"))
LEAGUES = {"e0": ("Football", "epl"), "e1": ("Football", "laliga"), "e2": ("Tennis", "atp"), "e3": ("Football", "epl")}
TOPICS = (
    "*",
    "sport:Football",
    "sport:Tennis",
    "league:epl",
    "event:e0",
    "event:e3",
    "type:TotalGoals",
    "market:e0:MatchWinner",
    "market:e1:TotalGoals:2.5",
)
STEP_US = 50_000

markets = st.sampled_from(MARKETS)
topic_sets = st.lists(st.sampled_from(TOPICS), min_size=1, max_size=3, unique=True)


class Reader:
    """One client of the model, with what it knows over all of its connections."""

    def __init__(self, name: int, how: Format) -> None:
        self.name = name
        self.how = how
        self.reader = StreamReader(lenient=how is Format.EVENTS)
        self.events = EventReader(self.reader)
        self.connected = False
        self.connections = 0
        self.topics: set[str] = set()
        self.paused = False
        self.commands = 0
        self.unsynced: list[int | None] = []
        """Subscribe commands of this connection, in order."""

    @property
    def client(self) -> tuple[int, int]:
        return (self.name, self.connections)

    def receive(self, payload: bytes) -> None:
        if self.how is Format.EVENTS:
            self.events.feed(payload)
            return
        for item in read_frames(payload):
            self.reader.take(item)


class HubMachine(RuleBasedStateMachine):
    """Leaders publish, messages are lost, clients come, go, stall and resume, in any order."""

    readers = Bundle("readers")

    @initialize(conflate=st.booleans(), tiny=st.booleans(), healthy=st.sampled_from([True, True, False]))
    def start(self, conflate: bool, tiny: bool, healthy: bool) -> None:
        self._turn_bytes = fanout.TURN_BYTES
        fanout.TURN_BYTES = 700 if tiny else self._turn_bytes  # small: everything is paid off in pieces
        self.hub_rules = HubRules(conflate=conflate, silence_us=1_000_000, commands_per_second=1_000_000)
        self.hub = Hub(shards=SHARDS, rules=self.hub_rules)
        self.leaders = [ScriptedLeader(shard) for shard in range(SHARDS)]
        self.now = 1_000_000
        self.all: list[Reader] = []
        self.closed: list[Any] = []
        self.asked: list[int] = []
        self.delivered: list[tuple[str, bytes]] = []
        self.pause_next: Reader | None = None
        self.run(self.hub.tick(self.now, self.now))
        for market in MARKETS[:5]:
            sport, league = LEAGUES[market.partition(":")[0]]
            self.leader(market).open(market, sport=sport, league=league)
        if healthy:
            self.answer_snapshots()

    def teardown(self) -> None:
        if hasattr(self, "hub"):
            try:
                self.settle()
            finally:
                fanout.TURN_BYTES = self._turn_bytes

    # -- the surroundings ------------------------------------------------------------------------------------------

    def run(self, outputs: list[HubOutput]) -> None:
        for output in outputs:
            if isinstance(output, Write):
                assert output.payload, "an empty write"
                assert len(set(output.clients)) == len(output.clients), "a client is written to twice"
                for client in output.clients:
                    reader: Reader = self.all[client[0]]
                    if client in self.closed:
                        continue  # closed while these outputs were carried out: the surroundings write nothing more
                    assert reader.connected, "a write to a client that is gone"
                    assert reader.client == client, "a write to an earlier connection"
                    reader.receive(output.payload)
                    if reader is self.pause_next:
                        self.pause_next = None
                        self.pause(reader)
            elif isinstance(output, Close):
                reader = self.all[output.client[0]]
                assert output.code == 4408, output
                assert not self.hub_rules.conflate
                reader.connected = False
                self.closed.append(output.client)
            elif isinstance(output, AskSnapshot):
                self.asked.append(output.shard)
            else:
                raise AssertionError(output)

    def pause(self, reader: Reader) -> None:
        if reader.connected and not reader.paused:
            reader.paused = True
            self.run(self.hub.writable(self.now, reader.client, False))

    def leader(self, market: str) -> ScriptedLeader:
        return self.leaders[shard_of(market.partition(":")[0], SHARDS)]

    def publish(self, frames: list[tuple[str, bytes]], *, lost: bool) -> None:
        if not lost:
            for subject, payload in frames:
                self.run(self.hub.book(self.now, subject, unpack(payload)))
                self.delivered.append((subject, payload))

    # -- leaders ---------------------------------------------------------------------------------------------------

    @rule(market=markets, lost=st.sampled_from([False, False, False, True]), what=st.integers(0, 9))
    def update(self, market: str, lost: bool, what: int) -> None:
        """One change of one market, delivered or lost on its way."""
        leader = self.leader(market)
        if market not in leader.markets:
            sport, league = LEAGUES[market.partition(":")[0]]
            frame = leader.open(market, sport=sport, league=league)
        elif what == 0:
            frame = leader.suspend(market)
        elif what == 1:
            frame = leader.reopen(market)
        elif what == 2:
            frame = leader.turn(market)
        elif what == 3:
            frame = leader.restate(market)
        elif what == 4:
            frame = leader.remove(market)
        elif what == 5:
            frame = leader.price(market, draw=None)
        else:
            frame = leader.price(market, home=f"{what}.{leader.seq % 90 + 10}")
        self.publish([frame], lost=lost)

    @rule(shard=st.integers(0, SHARDS - 1), lost=st.booleans())
    def take_over(self, shard: int, lost: bool) -> None:
        self.publish(self.leaders[shard].take_over(), lost=lost)

    @rule(back=st.integers(1, 5))
    def repeat(self, back: int) -> None:
        """A message that was delivered before comes again."""
        if len(self.delivered) >= back:
            self.publish([self.delivered[-back]], lost=False)

    @rule(shard=st.integers(0, SHARDS - 1))
    def beat(self, shard: int) -> None:
        self.run(self.hub.shard_beat(self.now, self.leaders[shard].beat()))

    @rule()
    def answer_snapshots(self) -> None:
        asked, self.asked = self.asked, []
        for shard in asked:
            self.snapshot(shard)

    def snapshot(self, shard: int) -> None:
        frames, end = self.leaders[shard].snapshot()
        unpacked = [(subject, unpack(payload)) for subject, payload in frames]
        self.run(self.hub.snapshot(self.now, shard, unpacked, SnapshotEnd(*end)))

    # -- time --------------------------------------------------------------------------------------------------------

    @rule(heal=st.booleans())
    def flush(self, heal: bool) -> None:
        self.run(self.hub.flush(self.now))
        if heal:
            self.answer_snapshots()

    @rule(steps=st.integers(1, 30))
    def time_passes(self, steps: int) -> None:
        self.now += steps * STEP_US
        self.run(self.hub.tick(self.now, self.now))

    # -- clients -----------------------------------------------------------------------------------------------------

    @rule(target=readers, how=st.sampled_from([Format.WEBSOCKET, Format.WEBSOCKET, Format.EVENTS]), topics=topic_sets)
    def connect(self, how: Format, topics: list[str]) -> Any:
        if len(self.all) >= 4:
            return multiple()
        reader = Reader(len(self.all), how)
        self.all.append(reader)
        reader.topics = set(topics)
        self.join(reader)
        return reader

    def join(self, reader: Reader) -> None:
        reader.connections += 1
        reader.connected = True
        reader.paused = False
        self.run(self.hub.connect(self.now, reader.client, Identity(f"c{reader.name}"), reader.how))
        reader.unsynced = []
        reader.reader.synced.clear()
        if reader.how is Format.EVENTS:
            reader.unsynced = [None]
            self.run(self.hub.listen(self.now, reader.client, tuple(sorted(reader.topics)), reader.events.last_id))
        elif reader.topics:
            self.command(reader, op="subscribe", topics=sorted(reader.topics), resume=reader.reader.resume())

    def command(self, reader: Reader, **fields: Any) -> None:
        reader.commands += 1
        if fields["op"] == "subscribe":
            reader.unsynced.append(reader.commands)
        text = json.dumps({"id": reader.commands, **fields}).encode()
        self.run(self.hub.command(self.now, reader.client, text))
        assert not reader.reader.errors, reader.reader.errors

    @rule(reader=readers, topics=topic_sets)
    def subscribe(self, reader: Reader, topics: list[str]) -> None:
        if reader.connected and reader.how is Format.WEBSOCKET:
            reader.topics |= set(topics)
            self.command(reader, op="subscribe", topics=topics)

    @rule(reader=readers, topics=topic_sets)
    def unsubscribe(self, reader: Reader, topics: list[str]) -> None:
        if reader.connected and reader.how is Format.WEBSOCKET:
            reader.topics -= set(topics)
            self.command(reader, op="unsubscribe", topics=topics)
            for market in list(reader.reader.markets):
                if not self.matches(reader, market):
                    del reader.reader.markets[market]  # a client forgets what it does not follow

    @rule(reader=readers)
    def ping(self, reader: Reader) -> None:
        if reader.connected and reader.how is Format.WEBSOCKET:
            self.command(reader, op="ping")

    @rule(reader=readers)
    def stall(self, reader: Reader) -> None:
        self.pause(reader)

    @rule(reader=readers)
    def stall_at_next_write(self, reader: Reader) -> None:
        self.pause_next = reader

    @rule(reader=readers)
    def unstall(self, reader: Reader) -> None:
        if reader.connected and reader.paused:
            reader.paused = False
            self.run(self.hub.writable(self.now, reader.client, True))

    @rule(reader=readers)
    def reconnect(self, reader: Reader) -> None:
        if reader.connected:
            self.run(self.hub.disconnect(self.now, reader.client))
            reader.connected = False
        self.join(reader)

    @rule(reader=readers, changed=st.lists(st.tuples(markets, st.integers(0, 9)), max_size=4), stalled=st.booleans())
    def be_away(self, reader: Reader, changed: list[tuple[str, int]], stalled: bool) -> None:
        """While a client is disconnected, or stalled, something happens."""
        if not reader.connected:
            self.join(reader)
        if stalled:
            self.pause(reader)
        else:
            self.run(self.hub.disconnect(self.now, reader.client))
            reader.connected = False
        for market, what in changed:
            self.update(market, False, what)
        self.flush(heal=True)
        if stalled:
            self.unstall(reader)
        else:
            self.join(reader)

    @rule(reader=consumes(readers))
    def leave(self, reader: Reader) -> None:
        if reader.connected:
            self.run(self.hub.disconnect(self.now, reader.client))
            reader.connected = False

    # -- what must hold ------------------------------------------------------------------------------------------------

    def matches(self, reader: Reader, market: str) -> bool:
        sport, league = LEAGUES[market.partition(":")[0]]
        event, kind = market.split(":")[:2]
        topics = Subject(0, sport, league, event, kind).topics(market)
        return any(topic in reader.topics for topic in topics)

    @invariant()
    def sessions_are_those_connected(self) -> None:
        if hasattr(self, "hub"):
            assert len(self.hub.sessions) == sum(reader.connected for reader in self.all)

    def settle(self) -> None:
        """The faults end: within a bounded number of turns everybody knows the truth."""
        self.pause_next = None
        for reader in self.all:
            self.unstall(reader)
        for _ in range(30):
            self.now += STEP_US
            for shard in range(SHARDS):
                self.beat(shard)
            self.answer_snapshots()
            self.run(self.hub.tick(self.now, self.now))
        turns = 0
        while self.hub.busy:
            turns += 1
            assert turns < 1_000, "the hub does not come to rest"
            self.run(self.hub.flush(self.now))
        for reader in self.all:
            if reader.connected:
                self.check_truth(reader)

    def check_truth(self, reader: Reader) -> None:
        truth = {
            market.id: market.document(leader.epoch)
            for leader in self.leaders
            for market in leader.markets.values()
            if self.matches(reader, market.id)
        }
        assert reader.reader.markets == truth
        assert reader.reader.synced == reader.unsynced, "each subscription is answered by synced, once, in order"


HubMachine.TestCase.settings = settings(
    max_examples=100,
    stateful_step_count=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


class TestHubAgainstItsModel(HubMachine.TestCase):  # type: ignore[misc,valid-type]
    """Run by pytest."""
