"""Everything that is published of one provider, with what a book makes of it: the links of all shards, as a node has them.

As a node does, it asks for the images of a shard that it knows to have missed something of.
"""

import time
from typing import NamedTuple

from nats.aio.client import Client
from nats.aio.msg import Msg

from support.servers import SHARDS
from touchline.book.link import Link, Take
from touchline.bus import subjects
from touchline.bus.messages import OddsBatch, Probe, decode_beat, decode_odds, encode

NODE = "book-test"


def now_us() -> int:
    return time.monotonic_ns() // 1_000


class Heard(NamedTuple):
    """One message: when it came, of which incarnation, and whether the book takes it."""

    at: float
    inc: str
    beat: bool
    taken: bool
    state: str


class OddsRecord:
    """Follows one provider from `start` on."""

    def __init__(self, provider: str) -> None:
        self.provider = provider
        self.links = [Link(provider) for _ in range(SHARDS)]
        self.heard: list[Heard] = []

    async def start(self, nc: Client) -> "OddsRecord":
        self._nc = nc
        await nc.subscribe(f"odds.*.{self.provider}", cb=self._message)
        await nc.flush()
        return self

    async def probe(self) -> None:
        """Send a stamp of our clock, as a book node does: its echo proves how fresh a beat is."""
        await self._nc.publish(subjects.probe(NODE), encode(Probe(NODE, now_us())))

    @property
    def incs(self) -> list[str]:
        """Incarnations in the order in which something of them was taken for the first time."""
        return list(dict.fromkeys(one.inc for one in self.heard if one.taken))

    @property
    def connected(self) -> str:
        """The incarnation whose last beat said that its feed is complete; empty where the last one did not."""
        last = next((one for one in reversed(self.heard) if one.beat and one.taken), None)
        return last.inc if last is not None and last.state == "Connected" else ""

    @property
    def in_sync(self) -> bool:
        return all(link.in_sync for link in self.links)

    def connected_since(self, inc: str) -> float:
        """When the incarnation first said that its feed is complete (monotonic seconds)."""
        return next(one.at for one in self.heard if one.inc == inc and one.state == "Connected")

    async def _message(self, msg: Msg) -> None:
        now = now_us()
        if msg.subject == subjects.beat(self.provider):
            beat = decode_beat(msg.data)
            taken = [link.hear(now, beat, shard, NODE) for shard, link in enumerate(self.links)]
            self.heard.append(Heard(time.monotonic(), beat.inc, True, any(taken), beat.state))
            await self.probe()
        else:
            batch = decode_odds(msg.data)
            taken = [self._take(now, self.links[int(msg.subject.split(".")[1])], batch)]
            self.heard.append(Heard(time.monotonic(), batch.inc, False, any(taken), ""))
        for shard, link in enumerate(self.links):
            if request := link.ask(now, shard, NODE):
                await self._nc.publish(subjects.resync(self.provider), encode(request))

    @staticmethod
    def _take(now: int, link: Link, batch: OddsBatch) -> bool:
        what = link.take(now, batch)
        if what is Take.APPLY_LAST:
            link.complete()
        return what is not Take.DROP
