"""A few Replay providers of one running engine ("lanes"), each playing one recording after the other as fast as it goes.

The next file is an edit of the lane's YAML, which the engine takes over without a restart. So many files take one start.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from nats.aio.client import Client

from support.engine import Engine, engine
from support.recorded import ENTITY_MAPS, frames_of, internal_markets
from support.stored import read_messages
from touchline.bus import subjects
from touchline.bus.listing import keys_of
from touchline.bus.messages import decode_beat
from touchline.bus.raw import PART, RawFrame, unpack
from touchline.domain.keys import MarketKey, shard_of
from touchline.domain.version import Version
from touchline.ingest.event_records import EventRecord, decode_record, pointer_key, record_key
from touchline.local.client import TouchlineClient
from touchline.local.errors import GatewayError

SHARDS = 4
PLAYED_S = 90.0
SHOWN_S = 60.0
MISSING_S = 5.0
POLL_S = 0.05
UNPROVEN = {"StalePrice", "Recovering", "NoProvider", "SequenceGap", "AuthorityLost"}
"""Holds that say nothing of the recording."""
PATIENT = "30s"
"""Instead of `examples/replay`'s `maxAge`. What these tests show holds at any speed; thousands of markets that go stale and come back
whenever the machine is busy are only more work for it."""
COUNTS = ("captured", "accepted", "quarantined", "ignored")


@dataclass
class Played:
    """What became of one file. `shown` holds for each native market its internal ones: `GET /v1/markets/{id}` and the stream's view."""

    path: Path
    state: str
    detail: str
    frames: dict[str, int]
    ignored: dict[str, int]
    raw: list[bytes]
    quarantined: list[dict[str, Any]]
    shown: dict[str, list["Shown"]]


@dataclass
class Shown:
    """One internal market as the gateway tells it, by HTTP and on the stream. `runners`: selection by native runner."""

    id: str
    runners: dict[str, str]
    document: dict[str, Any]
    streamed: dict[str, Any]


class Lanes:
    """Play files; each lane one at a time."""

    def __init__(self, running: Engine, folder: Path, nc: Client, client: TouchlineClient) -> None:
        self._engine = running
        self._folder = folder
        self._nc = nc
        self._client = client
        self._counted: dict[str, dict[str, Any]] = {}
        self._stored: dict[str, int] = {}
        self._begun: set[str] = set()

    async def play(self, lane: str, path: Path) -> Played:
        """Play one file to its end and look at everything that came of it."""
        before = self._counted.get(lane, {})
        if lane in self._begun:
            await self._raw(lane)  # where the file before failed half-way
        self._begun.add(lane)
        write_lane(self._folder, lane, path)
        lines = len(frames_of(path))
        status = await self._finished(lane, path, lines, before)
        self._counted[lane] = status["frames"]
        sent = await self._sent(lane)
        bound = internal_markets(path, lane, (await event_records(self._nc, lane)).get)
        quarantined = await self._quarantine(lane)
        refused = {record.get("market") for record in quarantined}
        shown: dict[str, list[Shown]] = {}
        for native, markets in bound.items():
            patience = MISSING_S if native in refused else SHOWN_S - MISSING_S
            looked = [await self._shown(lane, one.id, one.runners, sent, patience) for one in markets]
            shown[native] = [one for one in looked if one is not None]
        return Played(
            path=path,
            state=status["state"],
            detail=f"{status['detail']} {status['permanent']}",
            frames={key: status["frames"][key] - before.get(key, 0) for key in COUNTS},
            ignored=_difference(status["frames"]["ignored_by_rule"], before.get("ignored_by_rule", {})),
            raw=await self._raw(lane),
            quarantined=quarantined,
            shown=shown,
        )

    async def _finished(self, lane: str, path: Path, lines: int, before: dict[str, Any]) -> dict[str, Any]:
        """Wait until the ingest has said that the file is read, stored, and all of it numbered or refused."""
        document: dict[str, Any] = {}
        bucket = await self._nc.jetstream(timeout=5).key_value(subjects.STATUS_BUCKET)
        try:
            async with asyncio.timeout(PLAYED_S):
                while True:
                    document = json.loads((await bucket.get(f"ingest.{lane}")).value or b"{}")
                    if document.get("endpoint") == str(path) and _over(document, lines, before):
                        return document
                    await asyncio.sleep(POLL_S)
        except TimeoutError:
            shown = {key: document.get(key) for key in ("endpoint", "state", "detail", "frames", "replay", "capture")}
            raise AssertionError(f"{path.name} ({lines} messages) was not played to its end: {shown}") from None

    async def _sent(self, lane: str) -> list[int]:
        """Up to which batch the lane has sent to each shard."""
        heard = await self._nc.subscribe(subjects.beat(lane))
        try:
            return list(decode_beat((await heard.next_msg(timeout=SHOWN_S)).data).seqs)
        finally:
            await heard.unsubscribe()

    async def _shown(
        self, lane: str, market: str, runners: dict[str, str], sent: Sequence[int], patience: float
    ) -> Shown | None:
        """The market once the leader has applied all that was sent, and the stream has brought it here; None where there is
        none for `patience` seconds.

        Holds that only say "not proven just now" are waited out: the machine may be busy.
        """
        last = sent[shard_of(MarketKey.parse(market).event, SHARDS)]
        document: dict[str, Any] = {}
        loop = asyncio.get_running_loop()
        missing_at = loop.time() + patience
        try:
            async with asyncio.timeout(SHOWN_S):
                while True:
                    try:
                        document = await self._client.http.market(market)
                    except GatewayError as error:
                        if error.status == 404 and loop.time() > missing_at:
                            return None
                    if _settled(document, lane, last) and self._streamed(market, document):
                        break
                    await asyncio.sleep(POLL_S)
        except TimeoutError:
            view = self._client.replica.markets.get(market)
            raise AssertionError(f"{market} did not settle (batch {last}): {document}, stream: {view}") from None
        view = self._client.replica.markets[market]
        return Shown(market, runners, document, {"status": view.status, "sel": dict(view.sel)})

    def _streamed(self, market: str, document: dict[str, Any]) -> bool:
        view = self._client.replica.markets.get(market)
        return view is not None and view.version >= Version.parse(document["version"])

    async def _raw(self, lane: str) -> list[bytes]:
        """The frames that were captured since the lane's last file."""
        captured, self._stored[lane] = await captured_frames(self._nc, lane, self._stored.get(lane, 0))
        return [one.frame for one in captured]

    async def _quarantine(self, lane: str) -> list[dict[str, Any]]:
        """What of this lane has been quarantined, from the beginning."""
        stored = read_messages(self._nc, subjects.QUARANTINE_STREAM, f"quarantine.{lane}.>")
        return [json.loads(message.data) async for message in stored]


async def event_records(nc: Client, provider: str) -> dict[str, EventRecord]:
    """A provider's events by its own ids, from the `events` bucket."""
    js = nc.jetstream(timeout=5)
    bucket = await js.key_value(subjects.EVENTS_BUCKET)
    found = {}
    for key in await keys_of(js, subjects.EVENTS_BUCKET, pointer_key(provider, "")):
        internal = ((await bucket.get(key)).value or b"").decode()
        native = bytes.fromhex(key.rpartition(".")[2]).decode()
        found[native] = decode_record((await bucket.get(record_key(internal))).value or b"")
    return found


async def captured_frames(nc: Client, provider: str, after: int = 0) -> tuple[list[RawFrame], int]:
    """Every frame captured from a provider after a sequence of its stream, parts of one joined; and the stream's last sequence."""
    frames: list[RawFrame] = []
    last = after
    async for message in read_messages(nc, subjects.raw_stream(provider), subjects.raw(provider), after):
        last = message.metadata.sequence.stream
        headers = message.headers or {}
        found = unpack(headers, message.data)
        if headers.get(PART, "1/1").startswith("1/"):
            frames += found
        else:
            frames[-1] = frames[-1]._replace(frame=frames[-1].frame + message.data)
    return frames, last


def _difference(after: dict[str, int], before: dict[str, int]) -> dict[str, int]:
    return {rule: number - before.get(rule, 0) for rule, number in after.items() if number > before.get(rule, 0)}


def _over(document: dict[str, Any], lines: int, before: dict[str, Any]) -> bool:
    frames, progress = document.get("frames") or {}, document.get("replay") or {}
    done = {key: frames.get(key, 0) - before.get(key, 0) for key in COUNTS}
    if not lines:
        return bool(document["permanent"])
    return bool(
        progress.get("finished")
        and done["captured"] == lines == done["accepted"] + done["quarantined"] + done["ignored"]
        and not document["capture"]["waiting"]
        and not document["markets"]["lookups"]
    )


def _settled(document: dict[str, Any], lane: str, last: int) -> bool:
    """Whether the leader told this, after the lane's last batch, with no hold that is only a lack of proof."""
    providers = (document.get("detail") or {}).get("providers") or []
    mine = next((one for one in providers if one["provider"] == lane), None)
    passing = {hold["reason"] for hold in document.get("holds", [])} <= UNPROVEN
    return mine is not None and mine["sync"]["lastBatch"] >= last and not (document["holds"] and passing)


@asynccontextmanager
async def lanes(folder: Path, names: Sequence[str], first: Sequence[Path]) -> AsyncIterator[Lanes]:
    """An engine with these lanes; each begins with its file of `first` (`Lanes.play` it first)."""
    write_engine(folder, names)
    for name, path in zip(names, first, strict=True):
        write_lane(folder, name, path)
    async with engine(folder) as running:
        nc = await running.admin()
        try:
            async with TouchlineClient(running.url) as client:
                await client.subscribe("*", within=30)
                yield Lanes(running, folder, nc, client)
        finally:
            await nc.close()


def write_engine(folder: Path, names: Sequence[str]) -> None:
    """The resources of `examples/replay`, for several providers."""
    for path in sorted(ENTITY_MAPS.glob("*.yaml")):
        documents = list(yaml.safe_load_all(path.read_text()))
        for document in documents:
            if document["kind"] == "Market":
                model = {"model": "ActiveActive"} if len(names) > 1 else {}
                document["spec"]["feeds"] = model | {"providers": [{"name": name} for name in names]}
                document["spec"]["freshness"] = {"maxAge": PATIENT}
        kept = [document for document in documents if document["kind"] != "FeedProvider"]
        (folder / path.name).write_text(yaml.safe_dump_all(kept))


def write_lane(folder: Path, name: str, recording: Path) -> None:
    """The lane's FeedProvider, playing a file; written as a whole, so that no half of it is ever read."""
    documents = yaml.safe_load_all((ENTITY_MAPS / "recording.yaml").read_text())
    provider = next(document for document in documents if document["kind"] == "FeedProvider")
    provider["metadata"]["name"] = name
    provider["spec"]["replay"] = {"file": str(recording), "speed": "Max"}
    new = folder / f"{name}.new"
    new.write_text(yaml.safe_dump(provider))
    new.replace(folder / f"{name}.yaml")
