"""Joining the stream: what a client must be sent so that from then on nothing is missed.

A subscription is answered by `ok`, then for each matching market its state (or, where the client resumes from a version
whose deltas are held, those deltas; or nothing, where it has the newest), then `synced`.
"""

from collections.abc import Callable, Iterable, Mapping

import msgspec

from touchline.domain.version import NEVER, Version, VersionError
from touchline.gateway.board import DELTA, GONE, STATE, Board
from touchline.gateway.commands import Subscribe, Unsubscribe, parse_resume, parse_topics
from touchline.gateway.fanout import Fanout, Object
from touchline.gateway.frames import render
from touchline.gateway.markets import MarketView, gone, is_made, unproven
from touchline.gateway.outputs import CommandId, HubOutput, Write
from touchline.gateway.problems import Fault, Problem, malformed
from touchline.gateway.sessions import Session

Position = tuple[Version, bool]
Resume = Callable[[MarketView], list[bytes] | None]

UNPROVEN = 10_000
"""Resumed markets of one shard, over all clients, whose existence only a snapshot will tell."""

_encode = msgspec.json.Encoder().encode


class Subscriptions:
    """See the module."""

    def __init__(self, board: Board, fanout: Fanout) -> None:
        self._board = board
        self._fanout = fanout
        self._unproven: list[list[tuple[Session, str]]] = [[] for _ in board.shards]

    def subscribe(
        self, session: Session, command_id: CommandId, command: Subscribe, limit: int, out: list[HubOutput]
    ) -> None:
        """Add topics.

        Raises:
            Problem: a topic or a version is malformed, or there are too many.
        """
        added = parse_topics(command.topics, limit)
        versions, made = parse_resume(command.resume)
        topics = tuple(sorted({*session.topics, *added}))
        if len(topics) > limit:
            raise Problem(413, "too-many-topics", "Too many topics", f"a connection may have {limit} topics")

        def resume(market: MarketView) -> list[bytes] | None:
            version = versions.get(market.id)
            return None if version is None else market.since(version)

        self._fanout.flush_changes(out)
        held = {**versions, **made}
        followed = dict.fromkeys(self._matching(session.topics), NEVER)  # sent already, or owed as it is
        missing = [(market, version) for market, version in held.items() if market not in self._board.markets]
        known = {**followed, **held}
        self._join(session, topics, added, resume, known, command_id, self._missing(session, missing), {}, out)

    def listen(self, session: Session, topics: tuple[str, ...], cursor: str, out: list[HubOutput]) -> None:
        """Join a Server-Sent Events client where its earlier stream ended.

        Raises:
            Problem: the cursor is malformed.
        """
        self._fanout.flush_changes(out)
        position = read_cursor(cursor, len(self._board.shards)) if cursor else None
        departed = None if position is None else self._departed_since(position, topics)
        if position is None or departed is None:
            # Said without a cursor, too: a stream that broke off before its first id has left its reader with a part.
            self._join(session, topics, topics, lambda _: None, {}, None, [], {"resumed": False}, out)
            return
        reached = position

        def resume(market: MarketView) -> list[bytes] | None:
            version, made = reached[market.shard]
            # Lost since then: a part of what was made of that may have been sent, without an id, and no delta continues it.
            found = self._board.shards[market.shard].found_at
            return None if made or version <= found else market.since_cursor(version)

        # It may have any of them from its earlier stream: one that goes before it was sent again must be taken away.
        known = dict.fromkeys(self._matching(topics), NEVER)
        self._join(session, topics, topics, resume, known, None, departed, {"resumed": True}, out)

    def unsubscribe(
        self, session: Session, command_id: CommandId, command: Unsubscribe, limit: int, out: list[HubOutput]
    ) -> None:
        """Take topics away; those that the client did not have are no error.

        Raises:
            Problem: a topic is malformed.
        """
        removed = parse_topics(command.topics, limit)
        self._fanout.flush_changes(out)
        topics = tuple(topic for topic in session.topics if topic not in removed)
        self._fanout.move(session, topics)
        if session.owed is not None:
            for market_id in list(session.owed):
                market = self._board.markets.get(market_id)
                if market is not None and not any(topic in topics for topic in market.topics):
                    session.owed.discard(market_id)
        for market_id in list(session.ahead):
            market = self._board.markets.get(market_id)
            if market is None or not any(topic in topics for topic in market.topics):
                del session.ahead[market_id]
        count = len(self._matching(topics))
        ok = _encode({"op": "ok", "id": command_id, "markets": count})
        self._fanout.catch_up(session, [("ok", ok)], out)

    def settle(self, shard: int, out: list[HubOutput]) -> None:
        """A shard is whole: resumed markets that it does not have are gone."""
        view = self._board.shards[shard]
        if not view.whole or not self._unproven[shard]:
            return
        waiting, self._unproven[shard] = self._unproven[shard], []
        for session, market in waiting:
            if session.identity is not None and market not in self._board.markets:
                body = gone(market, view.version)
                out.append(Write((session.client,), render(session.format, [(GONE, body)])))

    def _join(
        self,
        session: Session,
        topics: tuple[str, ...],
        added: Iterable[str],
        resume: Resume,
        known: Mapping[str, Version],
        command_id: CommandId | None,
        objects: list[Object],
        extra: dict[str, object],
        out: list[HubOutput],
    ) -> None:
        self._fanout.move(session, topics)
        owed = self._fanout.lag(session)
        matching = self._matching(added)
        for market in matching.values():
            shard = self._board.shards[market.shard]
            if market.id in known and known[market.id] > market.version:
                # Another gateway was further than this one is: nothing older may follow, so the market is shut until we are there.
                session.ahead[market.id] = known[market.id]
                owed.discard(market.id)
                objects.append((STATE, unproven(market.id, known[market.id], shard.lost_since or 0)))
                continue
            deltas = None if shard.lost or market.id in owed else resume(market)
            if deltas is None:
                owed.add(market.id, known=market.id in known)
            else:
                objects.extend((DELTA, body) for body in deltas)
        ok = _encode({"op": "ok", "id": command_id, "markets": len(matching), **extra})
        session.syncs.append(command_id)
        self._fanout.catch_up(session, [("ok", ok), *objects], out)

    def _matching(self, topics: Iterable[str]) -> dict[str, MarketView]:
        found: dict[str, MarketView] = {}
        for topic in topics:
            for market in self._board.matching(topic):
                found[market.id] = market
        return found

    def _missing(self, session: Session, markets: Iterable[tuple[str, Version]]) -> list[Object]:
        """What to say of markets that a client has and we do not: gone if the shard is whole, else shut until we know."""
        objects: list[Object] = []
        for market, version in markets:
            shard = self._board.shard_of_market(market)
            if shard.whole:
                objects.append((GONE, gone(market, max(version, shard.version))))
                continue
            objects.append((STATE, unproven(market, version, shard.lost_since or 0)))
            if len(self._unproven[shard.number]) < UNPROVEN:
                self._unproven[shard.number].append((session, market))
        return objects

    def _departed_since(self, position: list[Position], topics: tuple[str, ...]) -> list[Object] | None:
        """`gone` of the markets that went after a position; None where that is not remembered, or the position is not of ours."""
        objects: list[Object] = []
        for shard, (cursor, _), departed in zip(self._board.shards, position, self._board.departed, strict=True):
            if shard.history_from is None or cursor < shard.history_from or cursor > shard.version:
                return None
            objects.extend(
                (
                    GONE,
                    gone(market, shard.version),
                )  # it may have been told so already, by a newer version than it went at
                for market, went in departed.items()
                if went.version > cursor and any(topic in topics for topic in went.topics)
            )
        return objects


def read_cursor(text: str, shards: int) -> list[Position]:
    """An event id taken apart, by shard: where, and whether the shard was shown as lost then.

    Raises:
        Problem: it is none of ours, or of an engine with another number of shards.
    """
    positions: list[Position] = []
    for index, part in enumerate(text.split(",")):
        number, _, version = part.partition(":")
        try:
            if number != str(index):
                raise VersionError(f"{text[:80]!r} is not an id of this stream")
            positions.append((Version.parse(version), is_made(version)))
        except VersionError as error:
            raise malformed("Last-Event-ID is malformed", [Fault("", str(error))]) from error
    if len(positions) != shards:
        raise malformed(
            "Last-Event-ID is malformed", [Fault("", f"it names {len(positions)} shards, there are {shards}")]
        )
    return positions
