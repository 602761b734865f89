"""A bettor: follows markets as the protocol promises them, believes nothing unchecked, and bets.

Its app verifies every frame (versions only rise, each delta continues what was sent last, open means no holds), comes back after a broken
connection with what it has, and asks an undecided bet again with the same key until it is told the one decision.
"""

from typing import Any

import msgspec

from touchline.bus.messages import BetLookup
from touchline.domain.version import Version
from touchline.gateway.frames import read_frames
from touchline.gateway.identity import Identity
from touchline.simulation.fixtures import LEAGUE, SPORT, Fixture
from touchline.simulation.gateway_node import GatewayNode
from touchline.simulation.scheduler import MILLISECOND, SECOND, Scheduler
from touchline.simulation.socket import Socket
from touchline.simulation.trace import Trace
from touchline.simulation.violation import Violation

ASK_AGAIN_US = 3_500 * MILLISECOND
MAX_OPEN_BETS = 4
_encode = msgspec.json.Encoder().encode


class Seen:
    """One market as this client was told it. `sent` is the last version as it was written: that is what it comes back with."""

    __slots__ = ("gone", "holds", "sel", "sent", "status", "version")

    def __init__(self) -> None:
        self.version = Version(0, 0)
        self.sent: str | None = None
        self.status = ""
        self.holds: list[Any] = []
        self.sel: dict[str, str | None] = {}
        self.gone = False


class Wager:
    """One bet and what was said of it."""

    __slots__ = ("ask_at", "asked", "bet_id", "decision", "document", "final", "key", "shard")

    def __init__(self, key: str, document: dict[str, Any], shard: int) -> None:
        self.key = key
        self.document = document
        self.shard = shard
        self.decision = ""
        self.bet_id = ""
        self.final = False
        self.asked = 0
        self.ask_at = 0


class Bettor:
    """See the module."""

    def __init__(
        self,
        name: str,
        *,
        gateways: list[GatewayNode],
        markets: list[Fixture],
        scheduler: Scheduler,
        trace: Trace,
    ) -> None:
        self.name = name
        self.seen: dict[str, Seen] = {}
        self.wagers: dict[str, Wager] = {}
        self.undecided: dict[str, Wager] = {}
        self.synced = False
        self.calm = False
        self.frames = 0
        self.socket: Socket | None = None
        self._gateways = gateways
        self._shards = {fixture.market: fixture.shard for fixture in markets}
        self._scheduler = scheduler
        self._trace = trace
        self._commands = 0
        first = markets[0]
        self._topics = scheduler.pick(
            (
                [f"sport:{SPORT}"],
                [f"league:{LEAGUE}"],
                ["type:MatchWinner", "type:BothToScore"],
                [f"event:{first.event}", *dict.fromkeys(f"event:{fixture.event}" for fixture in markets)],
            )
        )
        scheduler.after(scheduler.between(50, 600) * MILLISECOND, self.connect)
        scheduler.after(scheduler.soon(SECOND), self._bet)
        scheduler.after(scheduler.between(200, 300) * MILLISECOND, self._look_after)

    # -- the connection ------------------------------------------------------------------------------------------------

    def connect(self) -> None:
        if self.socket is not None and self.socket.open:
            return
        gateway = self._scheduler.pick(self._gateways)
        if not gateway.alive:
            self._scheduler.after(self._scheduler.between(50, 200) * MILLISECOND, self.connect)
            return
        self._trace.note(self.name, "connects", gateway.name)
        self.synced = False
        forgets = self._scheduler.chance(0.2)
        self.socket = Socket(gateway, self._scheduler, self._received, self._closed)
        self.socket.connect(Identity(self.name, "GB"))
        resume = {}
        for market, seen in list(self.seen.items()):
            if seen.gone:
                seen.sent = None
            elif forgets:
                del self.seen[market]
            else:
                resume[market] = seen.sent
        self._send({"op": "subscribe", "topics": list(dict.fromkeys(self._topics)), "resume": resume})
        for wager in self.undecided.values():
            wager.ask_at = min(wager.ask_at, self._scheduler.now + 200 * MILLISECOND)

    def drop(self) -> None:
        """The network at this end breaks."""
        if self.socket is not None and self.socket.open:
            self._trace.note(self.name, "drops")
            self.socket.drop()
            self._again(500)

    def pause_reading(self, duration: int) -> None:
        socket = self.socket
        if socket is not None and socket.open and socket.reading:
            self._trace.note(self.name, "stops reading", f"{duration // MILLISECOND} ms")
            socket.stop_reading()
            self._scheduler.after(duration, socket.read_on)

    def _closed(self, why: str) -> None:
        self._trace.note(self.name, "closed", why)
        self._again(300)

    def _again(self, within_ms: int) -> None:
        self._scheduler.after(self._scheduler.between(1, within_ms) * MILLISECOND, self.connect)

    def _send(self, command: dict[str, Any]) -> None:
        if self.socket is not None:
            self._commands += 1
            self.socket.send(_encode({"id": self._commands, **command}))

    # -- what is told --------------------------------------------------------------------------------------------------

    def _received(self, payload: bytes) -> None:
        for message in read_frames(payload):
            self.frames += 1
            op = message["op"]
            if op == "delta":
                self._delta(message)
            elif op == "state":
                self._state(message)
            elif op == "bet":
                self._decision(message)
            elif op == "gone":
                seen = self._forward(message)
                seen.gone = True
                seen.sent = None
            elif op == "synced":
                self.synced = True
            elif op == "drain":
                self._trace.note(self.name, "drained")
                if self.socket is not None:
                    self._scheduler.after(
                        self._scheduler.between(1, message["after"]) * MILLISECOND, self._leave, self.socket
                    )

    def _leave(self, socket: Socket) -> None:
        if socket.open:
            socket.drop()
            self._again(20)

    def _forward(self, message: dict[str, Any]) -> Seen:
        seen = self.seen.setdefault(message["m"], Seen())
        version = Version.parse(message["v"])
        if version < seen.version:
            raise Violation(
                "versions only forward", f"{self.name} had {message['m']} at {seen.version} and was sent {version}"
            )
        seen.version = version
        return seen

    def _state(self, message: dict[str, Any]) -> None:
        seen = self._forward(message)
        seen.gone = False
        seen.sent = message["v"]
        seen.status, seen.holds, seen.sel = message["status"], message["holds"], dict(message["sel"])
        self._consistent(message["m"], seen)

    def _delta(self, message: dict[str, Any]) -> None:
        before = self.seen.get(message["m"])
        if before is None or before.sent != message["p"]:
            had = before.sent if before is not None else None
            raise Violation(
                "delta chains unbroken",
                f"{self.name} was sent {message['m']} {had} and then a delta from {message['p']}",
            )
        seen = self._forward(message)
        seen.sent = message["v"]
        seen.sel.update(message.get("sel", {}))
        if "status" in message or "holds" in message:
            seen.status = message.get("status", seen.status)
            seen.holds = message.get("holds", seen.holds)
            self._consistent(message["m"], seen)

    def _consistent(self, market: str, seen: Seen) -> None:
        if (seen.status == "Open" and seen.holds) or (seen.status == "Suspended" and not seen.holds):
            raise Violation(
                "open iff no holds", f"{self.name} sees {market} {seen.version} {seen.status} with holds {seen.holds}"
            )

    # -- bets ----------------------------------------------------------------------------------------------------------

    def _bet(self) -> None:
        scheduler = self._scheduler
        if self.calm:
            return
        scheduler.after(scheduler.soon(300 * MILLISECOND), self._bet)
        if len(self.undecided) >= MAX_OPEN_BETS or self.socket is None or not self.socket.open or not self.seen:
            return
        market = scheduler.pick(list(self.seen))
        seen = self.seen[market]
        if (seen.status != "Open" and scheduler.chance(0.8)) or not seen.sel or seen.gone:
            return
        selection = scheduler.pick(list(seen.sel))
        price = seen.sel[selection]
        if price is None:
            return
        key = f"{self.name}-{len(self.wagers) + 1}"
        leg = {"market": market, "selection": selection, "price": price, "version": str(seen.version)}
        document: dict[str, Any] = {"op": "bet", "key": key, "stake": "10.00", "legs": [leg], "type": "Single"}
        choice = scheduler.pick(("", "Exact", "AcceptBetter", "AcceptWithin", "AcceptWithin"))
        if choice:
            document["priceChange"] = choice
        if choice == "AcceptWithin":
            document["withinPercent"] = "10"
        wager = self.wagers[key] = self.undecided[key] = Wager(key, document, self._shards[market])
        self._ask(wager)
        if scheduler.chance(0.1):
            self._ask(wager)  # an impatient thumb

    def _ask(self, wager: Wager) -> None:
        wager.asked += 1
        wager.ask_at = self._scheduler.now + ASK_AGAIN_US
        self._trace.note(self.name, "bets", f"{wager.key} {wager.asked}")
        self._send(wager.document)

    def _look_after(self) -> None:
        """Ask again what was not decided."""
        scheduler = self._scheduler
        scheduler.after(250 * MILLISECOND, self._look_after)
        for wager in list(self.undecided.values()):
            if scheduler.now < wager.ask_at or self.socket is None or not self.socket.open:
                continue
            if wager.asked % 2 == 0 and self.socket.gateway.alive:
                wager.asked += 1
                wager.ask_at = scheduler.now + 700 * MILLISECOND
                gateway = self.socket.gateway
                gateway.handle(gateway.look_up, BetLookup(wager.key, self.name), wager.shard, self._looked_up)
            else:
                self._ask(wager)

    def _looked_up(self, status: int, document: bytes) -> None:
        if status == 200:
            self._decision(msgspec.json.decode(document))

    def _decision(self, message: dict[str, Any]) -> None:
        wager = self.wagers[message["key"]]
        decision = message["decision"]
        if not message.get("id"):
            return
        if (wager.bet_id and wager.bet_id != message["id"]) or (
            wager.final and decision not in {wager.decision, "Pending"}
        ):
            raise Violation(
                "no bet decided twice",
                f"{self.name} was told {wager.bet_id} {wager.decision} and then {message['id']} {decision}",
            )
        wager.bet_id = message["id"]
        if wager.final:
            return
        wager.decision = decision
        self._trace.note(self.name, "told", f"{wager.key} {decision} {message.get('reason') or ''}")
        if decision == "Pending":
            wager.ask_at = self._scheduler.now + 1_200 * MILLISECOND
        else:
            wager.final = True
            self.undecided.pop(wager.key, None)
