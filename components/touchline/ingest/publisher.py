"""Numbered batches, resync sets and beats of one provider, as bytes ready to be sent; pure.

`(provider, shard, inc)` are numbered from 1 without holes. Whoever sends what is returned here must send it in this order on one
connection: a beat says "you have been sent everything up to these numbers".

One provider message becomes one batch in each shard that it touches. One that would be too large for the broker is split; then what
closes markets goes first and what opens them goes last, so no reader sees a market open before it has all of the message.
"""

from typing import NamedTuple

import msgspec

from touchline.bus import subjects
from touchline.bus.messages import Beat, MarketUpdate, OddsBatch, Probe, Resync, encode
from touchline.domain.status import ProviderState, ProviderStatus
from touchline.ingest.normalised import Normalised
from touchline.ingest.wording import gone

LIMIT = 500_000
"""Bytes of one batch, well below the broker's limit of a message."""
FORGET_NODE_US = 10_000_000


class Outgoing(NamedTuple):
    subject: str
    payload: bytes


class Publisher:
    """`inc` is new for each start of the process, and for each turn that it has (`renew`)."""

    def __init__(self, provider: str, inc: str, shards: int) -> None:
        self.provider = provider
        self.inc = inc
        self.seqs = [0] * shards
        self.state = Normalised(shards)
        self._subjects = [subjects.odds(shard, provider) for shard in range(shards)]
        self._beat_subject = subjects.beat(provider)
        self._probes: dict[str, tuple[int, int]] = {}
        self.batches = 0
        self.updates = 0

    def renew(self, inc: str) -> None:
        """Number from 1 under another name. What is known stays; `resync_all` must tell it before anything else is told."""
        self.inc = inc
        self.seqs = [0] * len(self.seqs)

    def message(self, updates: list[MarketUpdate]) -> list[Outgoing]:
        """One provider message, whole."""
        state = self.state
        shards: dict[int, list[MarketUpdate]] = {}
        for update in updates:
            shard = state.shard(update.market)
            state.apply(shard, update)
            shards.setdefault(shard, []).append(update)
        self.updates += len(updates)
        # A new incarnation's first batch is a resync set; until then its updates only build the state.
        return [
            outgoing for shard, part in shards.items() if self.seqs[shard] for outgoing in self._batches(shard, part)
        ]

    def resync(self, shard: int) -> list[Outgoing]:
        """The whole shard as a set of numbered images, FIRST to LAST. An empty shard is an empty set."""
        chunks = _chunks(self.state.images(shard)) or [[]]
        sent = []
        for index, chunk in enumerate(chunks):
            marks = Resync.PART
            if index == 0:
                marks |= Resync.FIRST
            if index == len(chunks) - 1:
                marks |= Resync.LAST
            sent.append(self._number(shard, chunk, int(marks)))
        return sent

    def resync_all(self) -> list[Outgoing]:
        """Every shard's set: the end of a recovery."""
        return [outgoing for shard in range(len(self.seqs)) for outgoing in self.resync(shard)]

    def withdraw_all(self) -> list[Outgoing]:
        """Say of every market that the provider no longer offers it."""
        return self.message([gone(market, src, recv) for market, src, recv in self.state.known()])

    def probe(self, now: int, probe: Probe) -> None:
        """A book node's clock stamp, to be echoed."""
        self._probes[probe.node] = (probe.stamp, now)

    def beat(
        self, now: int, *, state: ProviderState, detail: str, last_src: int, silence_us: int, delay_us: int
    ) -> Outgoing:
        """The provider's proof of life as of now. Nodes that have not probed for 10 s are forgotten."""
        for node in [node for node, (_, at) in self._probes.items() if now - at > FORGET_NODE_US]:
            del self._probes[node]
        beat = Beat(
            provider=self.provider,
            inc=self.inc,
            state=str(state),
            seqs=list(self.seqs),
            last_src=last_src,
            silence_us=silence_us,
            delay_us=delay_us,
            echo={node: stamp for node, (stamp, _) in self._probes.items()},
            detail=detail,
        )
        return Outgoing(self._beat_subject, encode(beat))

    def _batches(self, shard: int, updates: list[MarketUpdate]) -> list[Outgoing]:
        outgoing = self._number(shard, updates, 0)
        if len(outgoing.payload) <= LIMIT:
            return [outgoing]
        self.seqs[shard] -= 1
        self.batches -= 1
        return [self._number(shard, chunk, 0) for chunk in _chunks(_closing_first(updates))]

    def _number(self, shard: int, updates: list[MarketUpdate], resync: int) -> Outgoing:
        self.seqs[shard] += 1
        self.batches += 1
        batch = OddsBatch(self.provider, self.inc, self.seqs[shard], updates, resync)
        return Outgoing(self._subjects[shard], encode(batch))


def _chunks(updates: list[MarketUpdate]) -> list[list[MarketUpdate]]:
    chunks: list[list[MarketUpdate]] = []
    size = LIMIT + 1
    for update in updates:
        for part in _parts(update):
            length = len(encode(part))
            if size + length > LIMIT:
                chunks.append([])
                size = 1_000  # the batch's own fields
            chunks[-1].append(part)
            size += length + 1
    return chunks


def _parts(update: MarketUpdate) -> list[MarketUpdate]:
    """One update, or one of many selections in pieces: suspended until the last piece says what the whole says."""
    length = len(encode(update))
    if length <= LIMIT // 2 or len(update.sels) < 2:
        return [update]
    per_piece = max(1, len(update.sels) * (LIMIT // 4) // length)
    pieces = [update.sels[start : start + per_piece] for start in range(0, len(update.sels), per_piece)]
    opens = update.status == ProviderStatus.OPEN
    first = msgspec.structs.replace(
        update, sels=pieces[0], status=int(ProviderStatus.SUSPENDED) if opens else update.status
    )
    middle = [MarketUpdate(update.market, update.src, update.recv, sels=piece) for piece in pieces[1:]]
    middle[-1].status = update.status
    return [first, *middle]


def _closing_first(updates: list[MarketUpdate]) -> list[MarketUpdate]:
    """Markets that the message opens last, those that it shuts first; the updates of one market keep their order."""
    rank: dict[str, int] = {}
    for update in updates:
        own = 1 if update.status == -1 else 2 if update.status == ProviderStatus.OPEN else 0
        rank[update.market] = max(rank.get(update.market, 0), own)
    return sorted(updates, key=lambda update: rank[update.market])
