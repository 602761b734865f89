"""A writer of shard 0's decisions as one node has it, with what came of each append."""

import asyncio
from collections.abc import Callable

from nats.aio.client import Client

from touchline.book.shell.clock import monotonic_us
from touchline.bus.stream_reader import StreamReader
from touchline.desk.outputs import Append
from touchline.desk.store import BetStore, read_all


class Writer:
    """One node's store of shard 0, with what came of each append."""

    def __init__(self, nc: Client, name: str, *, replicated: bool = False) -> None:
        self.name = name
        self.authority = True
        self.stored: dict[int, int] = {}
        self.refused: dict[int, str] = {}
        self.skew_us = 0
        self.reader = StreamReader(nc)
        self.store = BetStore(
            nc,
            shard=0,
            clock=lambda: monotonic_us() + self.skew_us,
            authorised=lambda now: self.authority,
            reader=self.reader,
            stored=self.stored.__setitem__,
            refused=self.refused.__setitem__,
        )
        self.store.one_at_a_time = replicated

    async def start(self) -> "Writer":
        await self.reader.start()
        await self.store.start()
        return self

    def append(self, token: int, expected: int, *, fence: int, subject: str = "bets.accepted.0", at: int = 0) -> Append:
        msg_id = f"{self.name}.{expected + 1}"
        at = at or monotonic_us() + self.skew_us
        return Append(token, subject, f"{self.name} {token}".encode(), expected, msg_id, fence, at)

    async def send(self, *appends: Append) -> None:
        for append in appends:
            await self.store.send(append)

    async def epoch(self, expected: int) -> None:
        await self.send(self.append(1, expected, fence=0, subject="bets.epoch.0"))
        await until(lambda: 1 in self.stored)


async def until(condition: Callable[[], bool], within: float = 5.0) -> None:
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 - the condition is the broker's
            await asyncio.sleep(0.005)


async def settle(writer: Writer, condition: Callable[[], bool], within: float = 5.0) -> None:
    """Settle again and again, as a node does, until something is so."""
    async with asyncio.timeout(within):
        while not condition():
            await writer.store.settle()
            await asyncio.sleep(0.02)


async def content(writer: Writer) -> list[tuple[int, str, bytes]]:
    found: list[tuple[int, str, bytes]] = []
    await read_all(writer.reader, 0, lambda: len(found) + 1, lambda *record: found.append(record))
    return found
