"""A book with providers around it, and a reader who follows what it publishes and checks every frame.

The reader knows nothing but the protocol: it applies states and deltas, and after every input the scene compares it with the
book's own snapshot. So each test of the book is also a test that readers lose nothing.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from touchline.api import FeedProvider, Market, SuspensionPolicy, parse_resource
from touchline.book.config import BookConfig, HaltConfig
from touchline.book.config_reading import config_of
from touchline.book.outputs import AskResync, BookOutput, Note, Publish, Quote
from touchline.book.shard import ShardBook
from touchline.bus import wire
from touchline.bus.messages import (
    Beat,
    MarketMeta,
    MarketUpdate,
    OddsBatch,
    Selection,
    decode_beat,
    decode_odds,
    encode,
)
from touchline.domain.prices import parse_micro
from touchline.domain.status import MarketStatus, ProviderStatus

WALL = 1_800_000_000_000_000
MS = 1_000
SECOND = 1_000_000
OPEN, SUSPENDED, CLOSED, SETTLED, CANCELLED = ProviderStatus
M = "e1:MatchWinner"
_API = "touchline.dev/v1alpha1"


def market_class(name: str = "all", **spec: Any) -> Market:
    """A Market class with two providers; `spec` in the words of YAML."""
    document = {
        "feeds": {"providers": [{"name": "a", "priority": 1}, {"name": "b", "priority": 2}]},
        "freshness": {"maxAge": "500ms"},
        "suspensionPolicyRef": {"name": "policy"},
        **spec,
    }
    found = parse_resource({"apiVersion": _API, "kind": "Market", "metadata": {"name": name}, "spec": document})
    assert isinstance(found, Market)
    return found


def policy(*triggers: Mapping[str, Any], name: str = "policy", **reopening: Any) -> SuspensionPolicy:
    """A SuspensionPolicy; without arguments it has neither triggers nor checks nor a cool-down."""
    spec = {"triggers": list(triggers), "reopening": {"coolDown": "0s", "checks": [], **reopening}}
    found = parse_resource({"apiVersion": _API, "kind": "SuspensionPolicy", "metadata": {"name": name}, "spec": spec})
    assert isinstance(found, SuspensionPolicy)
    return found


def provider(name: str, **health: Any) -> FeedProvider:
    spec = {
        "protocol": "BetfairStream",
        "betfairStream": {"endpoint": "stream.example.com:443"},
        "credentialsSecretRef": {"name": "feed"},
        "health": health,
    }
    found = parse_resource({"apiVersion": _API, "kind": "FeedProvider", "metadata": {"name": name}, "spec": spec})
    assert isinstance(found, FeedProvider)
    return found


def config(
    *resources: Market | SuspensionPolicy | FeedProvider,
    halts: Sequence[HaltConfig] = (),
    resumes: Sequence[HaltConfig] = (),
) -> BookConfig:
    """A configuration; providers `a` and `b`, a class and a policy are there unless given."""
    given = list(resources)
    if not any(isinstance(entry, Market) for entry in given):
        given.append(market_class())
    if not any(isinstance(entry, SuspensionPolicy) for entry in given):
        given.append(policy())
    if not any(isinstance(entry, FeedProvider) for entry in given):
        given += [provider("a"), provider("b")]
    return config_of(given, halts=halts, resumes=resumes)


class Reader:
    """A client with no knowledge but the protocol. `markets` holds what it believes."""

    def __init__(self) -> None:
        self.markets: dict[str, dict[str, Any]] = {}
        self.seq: dict[int, int] = {}
        self.epoch = 0

    def read(self, publish: Publish) -> dict[str, Any]:
        """Apply one update, checking the envelope, the chain of versions and the meaning of `urgent`."""
        frame = wire.unpack(publish.payload)
        body: dict[str, Any] = json.loads(frame.body, object_pairs_hook=_without_duplicates)
        assert b"\n" not in frame.body
        assert frame.epoch >= self.epoch, "an older epoch's update after a newer one"
        self.epoch = frame.epoch
        assert frame.seq == self.seq.get(frame.epoch, 0) + 1, "a hole in the shard's sequence"
        self.seq[frame.epoch] = frame.seq
        assert (publish.market, publish.urgent) == (frame.market, frame.urgent)
        assert body["m"] == frame.market
        assert body["v"] == f"{frame.epoch}.{frame.seq}"
        known = self.markets.get(frame.market)
        if frame.kind == "G":
            del self.markets[frame.market]
            return body
        if frame.kind == "S":
            assert frame.prev == 0
            known = {key: value for key, value in body.items() if key != "op"}
        else:
            assert known is not None, "a delta of a market that was never told"
            assert body["p"] == known["v"] == f"{frame.epoch}.{frame.prev}", "a delta that does not follow"
            was_open = known["status"] == "Open"
            known = {**known, **{key: value for key, value in body.items() if key not in {"op", "p", "sel", "meta"}}}
            known["sel"] = {**known["sel"], **body.get("sel", {})}
            known["meta"] = {**known["meta"], **body.get("meta", {})}
            assert publish.urgent == (was_open and known["status"] != "Open")
        assert (known["status"] == "Open") == (not known["holds"] and known["status"] not in FINAL_WORDS)
        self.markets[frame.market] = known
        return body


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    assert len(found) == len(pairs), f"a key twice in one object: {pairs}"
    return found


FINAL_WORDS = ("Closed", "Settled", "Cancelled")


class Scene:
    """One node's book in epoch 1, its clock and the wall's, and providers whose batches are numbered as ingest does."""

    def __init__(self, settings: BookConfig | None = None, *, leading: bool = True, start: int = 10 * SECOND) -> None:
        self.now = start
        self.book = ShardBook(shard=0, shards=1, node="n1")
        self.reader = Reader()
        self.seq: dict[str, int] = {}
        self.inc: dict[str, str] = {}
        self.published: list[dict[str, Any]] = []
        self.urgent: list[bool] = []
        self.notes: list[Note] = []
        self.asked: list[AskResync] = []
        self.configure(settings or config())
        self.tick()
        if leading:
            self.take(self.book.lead(self.now, 1))

    @property
    def wall(self) -> int:
        return WALL + self.now

    def take(self, outputs: list[BookOutput]) -> list[dict[str, Any]]:
        """Read what an input gave, and compare the reader with the book's own snapshot; returns the frames."""
        frames = []
        for output in outputs:
            if isinstance(output, Publish):
                frames.append(self.reader.read(output))
                self.urgent.append(output.urgent)
            elif isinstance(output, AskResync):
                self.asked.append(output)
            else:
                self.notes.append(output)
        self.published += frames
        if self.book.leading and frames:
            self.compare()
        return frames

    def compare(self) -> None:
        """Deltas applied to the last state are what a snapshot says, version and all."""
        states, end = self.book.snapshot()
        assert end == (self.book.epoch, self.book.seq)
        told = {}
        for _, payload in states:
            frame = wire.unpack(payload)
            body = json.loads(frame.body)
            assert body.pop("op") == "state"
            told[frame.market] = body
        assert told == self.reader.markets

    # Inputs

    def configure(self, settings: BookConfig) -> list[dict[str, Any]]:
        return self.take(self.book.configure(self.now, settings))

    def image(
        self,
        name: str,
        prices: Mapping[str, str],
        *,
        market: str = M,
        status: ProviderStatus = OPEN,
        in_play: bool = False,
        delay_ms: int = 0,
        resync: int = 0,
        names: Mapping[str, str] | None = None,
        **fields: Any,
    ) -> list[dict[str, Any]]:
        """A complete image of one market. The first batch of a provider is a resync set of its own."""
        meta = meta_of(market, names or {selection: selection.title() for selection in prices})
        update = MarketUpdate(
            market,
            fields.pop("src", self.wall),
            self.wall,
            int(status),
            selections(prices),
            image=True,
            in_play=int(in_play),
            delay_ms=delay_ms,
            meta=meta,
            **fields,
        )
        return self.batch(name, [update], resync=resync or (7 if name not in self.seq else 0))

    def update(
        self, name: str, prices: Mapping[str, str] | None = None, *, market: str = M, **fields: Any
    ) -> list[dict[str, Any]]:
        """A delta of one market; fields as in `MarketUpdate`."""
        status = int(fields.pop("status", -1))
        src = fields.pop("src", self.wall)
        update = MarketUpdate(market, src, self.wall, status, selections(prices or {}), **fields)
        return self.batch(name, [update])

    def batch(
        self, name: str, updates: list[MarketUpdate], *, resync: int = 0, skip: int = 0, inc: str | None = None
    ) -> list[dict[str, Any]]:
        """The next batch of a provider, through the codec as on the bus; `skip` loses so many before it."""
        if inc is not None and inc != self.inc.get(name):
            self.inc[name], self.seq[name] = inc, 0
        self.seq[name] = self.seq.get(name, 0) + 1 + skip
        batch = OddsBatch(name, self.inc.setdefault(name, "i1"), self.seq[name], updates, resync)
        return self.take(self.book.odds(self.now, decode_odds(encode(batch))))

    def beat(self, *names: str, echo: int | None = None, **fields: Any) -> list[dict[str, Any]]:
        """Beats as ingest sends them now: connected, in sequence, with our clock's present stamp."""
        frames = []
        for name in names or ("a",):
            seqs = fields.get("seqs", [self.seq.get(name, 0)])
            beat = Beat(
                name,
                fields.get("inc", self.inc.setdefault(name, "i1")),
                fields.get("state", "Connected"),
                seqs,
                self.wall,
                fields.get("silence_us", 0),
                fields.get("delay_us", 10 * MS),
                {"n1": self.now if echo is None else echo},
                fields.get("detail", ""),
            )
            frames += self.take(self.book.beat(self.now, decode_beat(encode(beat))))
        return frames

    def tick(self) -> list[dict[str, Any]]:
        return self.take(self.book.tick(self.now, self.wall))

    def pass_time(self, span_us: int, *beating: str, step_us: int = 100 * MS, **fields: Any) -> list[dict[str, Any]]:
        """Let time pass in ticks, with beats of the named providers."""
        frames = []
        end = self.now + span_us
        while self.now < end:
            self.now = min(self.now + step_us, end)
            if beating:
                frames += self.beat(*beating, **fields)
            frames += self.tick()
        return frames

    # What is

    def quote(self, market: str = M) -> Quote:
        found = self.book.quote(self.now, market)
        assert found is not None
        return found

    def status(self, market: str = M) -> MarketStatus:
        return self.quote(market).status

    def causes(self, market: str = M) -> list[str]:
        return [hold.cause for hold in self.quote(market).holds]

    def reasons(self, market: str = M) -> list[str]:
        return [hold.reason.value for hold in self.quote(market).holds]

    def price(self, selection: str, market: str = M) -> int:
        return self.quote(market).selections.get(selection, 0)


def selections(prices: Mapping[str, str]) -> list[Selection]:
    """Selections from decimal texts; an empty text is no price."""
    return [Selection(id, parse_micro(text) if text else 0) for id, text in prices.items()]


def meta_of(market: str, names: Mapping[str, str]) -> MarketMeta:
    parts = market.split(":")
    line = parts[2] if len(parts) > 2 else ""
    return MarketMeta("Football", "premier", parts[1], line, "Home v Away", "Home", "Away", WALL, dict(names))


def opened(settings: BookConfig | None = None, *providers: str, prices: Mapping[str, str] | None = None) -> Scene:
    """A scene in which the providers (`a` if none is named) offer one open market."""
    scene = Scene(settings)
    for name in providers or ("a",):
        scene.image(name, prices or {"home": "2.00", "draw": "3.50", "away": "4.00"})
        scene.beat(name)
    scene.tick()
    assert scene.status() is MarketStatus.OPEN, scene.quote().holds
    return scene
