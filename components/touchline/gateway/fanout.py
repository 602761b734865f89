"""From changes to writes: who is told, in how many bytes, in which order.

Clients with the same topics in the same format are one *audience*. A member that is *in step* has been sent exactly what the
audience was sent, so one frame, encoded once a turn, serves all members with one write each. A client that cannot be in step
(it joins, or its socket is full) leaves the members and is *lagging*: it has a list of markets whose newest state it is owed, and
returns when that is empty. A lagging client is only ever sent states, never deltas, so the `p` of a delta always is the
version that its receiver was sent last.

The same holds for an audience as a whole: if a turn's changes exceed `TURN_BYTES` (a new leader publishes its whole book) the
audience owes states to its members and pays them off in pieces. Markets that an audience owes get no deltas meanwhile.

Order within a turn: markets with an urgent change first, each market's own changes never reordered.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence

import msgspec

from touchline.gateway.board import DELTA, GONE, STATE, Board, Change
from touchline.gateway.frames import Format, render
from touchline.gateway.markets import MarketView, gone
from touchline.gateway.outputs import ClientId, HubOutput, Write
from touchline.gateway.owed import Owed
from touchline.gateway.sessions import Session

TURN_BYTES = 64 * 1024
"""One write is at most about this long."""

LAG_BYTES = 4 * 1024 * 1024
"""What one turn writes to lagging clients at most, over all of them."""

STATE_BYTES = 600
"""Assumed size of a state that is not rendered yet."""

Object = tuple[str, bytes]
_encode = msgspec.json.Encoder().encode


class Audience:
    """See the module. `members` are in step and not paused."""

    __slots__ = ("_targets", "format", "lagging", "members", "owed", "pending", "topics")

    def __init__(self, topics: tuple[str, ...], how: Format) -> None:
        self.topics = topics
        self.format = how
        self.members: dict[Session, None] = {}
        self.lagging: dict[Session, None] = {}
        self.pending: list[Change] = []
        self.owed: Owed | None = None
        self._targets: list[ClientId] | None = None

    def targets(self) -> list[ClientId]:
        """Whom to write to. A list that was handed out is never changed."""
        if self._targets is None:
            self._targets = [session.client for session in self.members]
        return self._targets

    def enter(self, session: Session) -> None:
        self.lagging.pop(session, None)
        self.members[session] = None
        self._targets = None

    def leave(self, session: Session) -> None:
        if session in self.members:
            del self.members[session]
            self._targets = None
        self.lagging.pop(session, None)


class Fanout:
    """See the module."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._audiences: dict[tuple[Format, tuple[str, ...]], Audience] = {}
        self._by_topic: dict[str, dict[Audience, None]] = {}
        self._generation = 0
        self._dirty: dict[Audience, None] = {}
        self._owing: dict[Audience, None] = {}
        self._restated: dict[str, Change] = {}
        self._queue: OrderedDict[Session, None] = OrderedDict()
        self.conflated = 0

    @property
    def audiences(self) -> int:
        return len(self._audiences)

    @property
    def busy(self) -> bool:
        """Whether another `flush` has something to write even if nothing changes."""
        return bool(self._dirty or self._owing or self._queue)

    # -- changes in --------------------------------------------------------------------------------------------------

    def route(self, change: Change) -> None:
        """Collect one change for all audiences of its market."""
        market = change.market
        if self._restated:
            restated = self._restated.get(market.id)
            if restated is not None:
                if change.kind != GONE:
                    restated.urgent = restated.urgent or change.urgent
                    return  # the pending state will show this, too
                del self._restated[market.id]
        if change.body is None:
            self._restated[market.id] = change
        for audience in self._audiences_of(market):
            if audience.owed is not None and market.id in audience.owed:
                if change.kind == GONE:
                    audience.owed.add_gone(market.id)
                else:
                    audience.owed.add(market.id, known=True, urgent=change.urgent)
                if not audience.lagging:
                    continue
            audience.pending.append(change)
            self._dirty[audience] = None

    def _audiences_of(self, market: MarketView) -> list[Audience]:
        if market.generation != self._generation:
            found: dict[Audience, None] = {}
            for topic in market.topics:
                found.update(self._by_topic.get(topic, {}))
            market.audiences = list(found)
            market.generation = self._generation
        return market.audiences

    # -- writes out --------------------------------------------------------------------------------------------------

    def flush_changes(self, out: list[HubOutput]) -> None:
        """Write this turn's changes to everybody in step, and note them for everybody else."""
        if not self._dirty:
            self._restated.clear()
            return
        dirty, self._dirty = self._dirty, {}
        first: list[Audience] = []
        rest: list[Audience] = []
        for audience in dirty:
            (first if any(change.urgent for change in audience.pending) else rest).append(audience)
        rendered: dict[tuple[Format, tuple[Change, ...]], bytes] | None = {} if len(dirty) > 1 else None
        cursor = self._board.cursor() if any(a.format is Format.EVENTS for a in dirty) else b""
        for audience in [*first, *rest]:
            changes, audience.pending = audience.pending, []
            for session in audience.lagging:
                self._owe(session, changes)
            if audience.owed is not None:
                changes = [change for change in changes if change.market.id not in audience.owed]
            if not audience.members or not changes:
                continue
            changes = urgent_first(changes)
            size = 0
            for change in changes:
                size += STATE_BYTES if change.body is None else len(change.body)
            if size > TURN_BYTES:
                self._owe_audience(audience, changes)
                continue
            payload = self._payload(audience.format, changes, cursor if audience.owed is None else b"", rendered)
            out.append(Write(audience.targets(), payload))
        self._restated.clear()

    def flush(self, out: list[HubOutput]) -> None:
        """End of a turn: the changes, then a piece of what is owed."""
        self.flush_changes(out)
        for audience in list(self._owing):
            assert audience.owed is not None
            objects = self._states(audience.owed)
            if not len(audience.owed):
                audience.owed = None
                del self._owing[audience]
            if audience.members and objects:
                cursor = self._board.cursor() if audience.owed is None else b""
                out.append(Write(audience.targets(), render(audience.format, objects, cursor)))
        room = LAG_BYTES
        for _ in range(len(self._queue)):
            session, _ = self._queue.popitem(last=False)
            room -= self._catch_up(session, [], out)
            if room <= 0:
                break

    def _payload(
        self,
        how: Format,
        changes: Sequence[Change],
        cursor: bytes,
        rendered: dict[tuple[Format, tuple[Change, ...]], bytes] | None,
    ) -> bytes:
        key = (how, tuple(changes))
        if rendered is not None and not cursor:
            found = rendered.get(key)
            if found is not None:
                return found
        shown = self._board.shown
        objects = [(c.kind, shown(c.market) if c.body is None else c.body) for c in changes]
        payload = render(how, objects, cursor)
        if rendered is not None and not cursor:
            rendered[key] = payload
        return payload

    def _owe_audience(self, audience: Audience, changes: Iterable[Change]) -> None:
        if audience.owed is None:
            audience.owed = Owed()
        for change in changes:
            if change.kind == GONE:
                audience.owed.add_gone(change.market.id)
            else:
                audience.owed.add(change.market.id, known=not change.fresh, urgent=change.urgent)
        self._owing[audience] = None

    def _owe(self, session: Session, changes: Iterable[Change]) -> None:
        owed = session.owed
        assert owed is not None
        for change in changes:
            if session.ahead and not self._reached(session, change):
                continue
            if change.kind == GONE:
                owed.add_gone(change.market.id)
            else:
                self.conflated += change.market.id in owed and change.kind == DELTA
                owed.add(change.market.id, known=not change.fresh, urgent=change.urgent)
        self._enqueue(session)

    def _reached(self, session: Session, change: Change) -> bool:
        """Whether a market is as new as what the client had of it when it came; from then on it is sent like any other."""
        market = change.market
        wanted = session.ahead.get(market.id)
        if wanted is not None:
            # A market that went has no version of its own any more: it is judged by how far its shard is.
            version = self._board.shards[market.shard].version if change.kind == GONE else market.version
            if version < wanted:
                return False
            del session.ahead[market.id]
        return True

    def _states(self, owed: Owed) -> list[Object]:
        """The next piece of what is owed."""
        objects: list[Object] = []
        size = 0
        while len(owed) and size < TURN_BYTES:
            market_id, known = owed.take()
            market = self._board.markets.get(market_id)
            if market is not None:
                body = self._board.shown(market)
                objects.append((STATE, body))
            elif known:
                body = gone(market_id, self._board.shard_of_market(market_id).version)
                objects.append((GONE, body))
            else:
                continue
            size += len(body)
        return objects

    # -- clients -----------------------------------------------------------------------------------------------------

    def move(self, session: Session, topics: tuple[str, ...]) -> None:
        """Change a client's topics (sorted, each once). It stays in step, or lagging, as it was.

        Call `flush_changes` before, so that nothing collected for the old audience is missed.
        """
        old = session.audience
        if old is not None:
            if session.owed is None and old.owed is not None and topics:
                session.owed = old.owed.copy()
            self._drop(session, old)
        if not topics:
            session.audience = None
            session.owed = None
            session.ahead.clear()
            return
        key = (session.format, topics)
        audience = self._audiences.get(key)
        if audience is None:
            audience = self._audiences[key] = Audience(topics, session.format)
            for topic in topics:
                self._by_topic.setdefault(topic, {})[audience] = None
            self._generation += 1
        session.audience = audience
        if session.owed is None and not session.paused:
            audience.enter(session)
        else:
            self.lag(session)

    def lag(self, session: Session) -> Owed:
        """Take a client out of step; what it is owed."""
        audience = session.audience
        assert audience is not None
        if session.owed is None:
            session.owed = Owed() if audience.owed is None or session not in audience.members else audience.owed.copy()
        audience.leave(session)
        audience.lagging[session] = None
        self._enqueue(session)
        return session.owed

    def catch_up(self, session: Session, objects: list[Object], out: list[HubOutput]) -> None:
        """Send objects at once, and with them the first piece of what is owed."""
        self._queue.pop(session, None)
        self._catch_up(session, objects, out)

    def resume(self, session: Session) -> None:
        """The client's socket takes bytes again."""
        if session.owed is not None:
            self._enqueue(session)

    def remove(self, session: Session) -> None:
        """The client is gone."""
        if session.audience is not None:
            self._drop(session, session.audience)
            session.audience = None
        session.owed = None

    def _catch_up(self, session: Session, objects: list[Object], out: list[HubOutput]) -> int:
        cursor = b""
        if session.owed is not None and not session.paused:
            objects = [*objects, *self._states(session.owed)]
            if len(session.owed):
                self._enqueue(session)
            elif not session.ahead:
                session.owed = None
                if session.audience is not None:
                    session.audience.enter(session)
        if session.syncs and (session.owed is None or not (len(session.owed) or session.paused)):
            objects = [*objects, *(("synced", _encode({"op": "synced", "id": command})) for command in session.syncs)]
            session.syncs = []
            cursor = self._board.cursor() if session.format is Format.EVENTS else b""
        if not objects:
            return 0
        payload = render(session.format, objects, cursor)
        out.append(Write((session.client,), payload))
        return len(payload)

    def _enqueue(self, session: Session) -> None:
        if not session.paused:
            self._queue.setdefault(session)

    def _drop(self, session: Session, audience: Audience) -> None:
        audience.leave(session)
        self._queue.pop(session, None)
        if audience.members or audience.lagging:
            return
        del self._audiences[(audience.format, audience.topics)]
        self._dirty.pop(audience, None)
        self._owing.pop(audience, None)
        for topic in audience.topics:
            of_topic = self._by_topic[topic]
            del of_topic[audience]
            if not of_topic:
                del self._by_topic[topic]
        self._generation += 1


def urgent_first(changes: list[Change]) -> list[Change]:
    """Markets with an urgent change first, otherwise in order; one market's changes keep theirs."""
    urgent = {change.market.id for change in changes if change.urgent}
    if not urgent or len(changes) == 1:
        return changes
    return [c for c in changes if c.market.id in urgent] + [c for c in changes if c.market.id not in urgent]
