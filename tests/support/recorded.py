"""A recording as it lies in its file: its frames, the markets it speaks of, and what they are called inside the engine.

The frames are cut here by other code than the engine's. Internal ids are made of the engine's own EntityMaps and of the events
that it recorded in its bucket, so no test knows any market of any file by name.
"""

import bz2
import gzip
import json
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from touchline.api.load import load_files
from touchline.api.v1alpha1.entity_map import EntityMap
from touchline.feeds.interface import Updates
from touchline.feeds.replay.session import ReplaySession
from touchline.ingest.binding import BoundMarket, bind
from touchline.ingest.entities import Entities
from touchline.ingest.entity_index import Scope, compile_maps
from touchline.ingest.event_records import EventRecord
from touchline.ingest.translation import Translation, translate

ENTITY_MAPS = Path(__file__).parents[2] / "examples" / "replay"
HEARTBEAT_US = 1_000_000


def content(path: Path) -> bytes:
    """A file's bytes, unpacked."""
    raw = path.read_bytes()
    if raw.startswith(b"BZh"):
        return bz2.decompress(raw)
    return gzip.decompress(raw) if raw.startswith(b"\x1f\x8b") else raw


@lru_cache(maxsize=4)
def frames_of(path: Path) -> list[bytes]:
    """A file's messages: each line that is not blank; or one document, whose elements (if it is an array) are the messages.

    Elements are written in canonical JSON, for their exact bytes cannot be had from a parser: compare with `same_frame`.
    """
    whole = content(path)
    if not whole:
        return []
    lines = [line.rstrip(b"\r\n") for line in whole.split(b"\n")]
    lines = [line for line in lines if line]
    if lines and _json(lines[0]) is None:
        document = _json(whole)
        if isinstance(document, list):
            return [_canonical(element) for element in document]
        if isinstance(document, dict):
            return [whole.strip()]
    return lines


def same_frame(stored: bytes, frame: bytes) -> bool:
    """Whether captured bytes are a frame of `frames_of`."""
    return stored == frame or (_json(stored) is not None and _canonical(_json(stored)) == frame)


def operations(path: Path) -> list[str]:
    """The operation of each message; empty for what is none."""
    found = []
    for frame in frames_of(path):
        message = _json(frame)
        found.append(str(message.get("op", "")) if isinstance(message, dict) else "")
    return found


@lru_cache(maxsize=128)
def native_ids(path: Path) -> frozenset[str]:
    """Market and event ids that a file speaks of."""
    found: set[str] = set()
    for frame in frames_of(path):
        message = _json(frame)
        for change in (message.get("mc") or []) if isinstance(message, dict) else []:
            found.add(str(change.get("id")))
            found.add(f"event {(change.get('marketDefinition') or {}).get('eventId')}")
    return frozenset(found - {"event None"})


def voided(path: Path) -> set[str]:
    """Markets that are closed in the end with every runner withdrawn: nobody won, all bets are void."""
    found: dict[str, bool] = {}
    for frame in frames_of(path):
        message = _json(frame) if b"marketDefinition" in frame else None
        for change in (message.get("mc") or []) if isinstance(message, dict) else []:
            definition = change.get("marketDefinition")
            if definition:
                runners = {runner.get("status") for runner in definition.get("runners", [])}
                found[str(change.get("id"))] = definition.get("status") == "CLOSED" and runners == {"REMOVED"}
    return {market for market, void in found.items() if void}


def apart(paths: Iterable[Path]) -> list[list[Path]]:
    """The files in groups in which no two speak of the same market or event: a settled market stays settled in an engine."""
    groups: list[tuple[set[str], list[Path]]] = []
    for path in paths:
        ids = native_ids(path)
        for known, members in groups:
            if not known & ids:
                known.update(ids)
                members.append(path)
                break
        else:
            groups.append((set(ids), [path]))
    return [members for _, members in groups]


def internal_markets(
    path: Path, provider: str, event: Callable[[str], EventRecord | None]
) -> dict[str, Sequence[BoundMarket]]:
    """By native market id the internal markets it becomes, after the file's last definition; `event` finds a native id's record.

    Markets that the EntityMaps refuse, or whose event has no record, are left out.
    """
    maps = load_files([ENTITY_MAPS]).of(EntityMap)
    entities = Entities(compile_maps(maps, Scope(provider, "BetfairStream")))
    translations: dict[str, Translation] = {}
    keys: dict[str, str] = {}
    session = ReplaySession(path.name, speed=None, heartbeat_us=HEARTBEAT_US)
    session.connected(0, 0)
    for frame in frames_of(path):
        for output in session.received(0, 1_700_000_000_000_000, frame):
            for update in output.updates if isinstance(output, Updates) else ():
                if update.definition is None:
                    continue
                before = translations.get(update.market)
                known = {runner: one.selection for runner, one in before.runners.items()} if before else {}
                translation = translate(entities, provider, update.definition, known)
                if isinstance(translation, Translation):
                    translations[update.market] = translation
                    keys.setdefault(update.market, translation.view.native_id)
    found: dict[str, Sequence[BoundMarket]] = {}
    for market, translation in translations.items():
        record = event(keys[market]) or event(translation.view.native_id)
        if record is not None:
            found[market] = bind(translation, record).markets
    return found


def _json(text: bytes) -> Any:
    try:
        return json.loads(text.decode("utf-8-sig"))
    except ValueError:
        return None


def _canonical(document: object) -> bytes:
    return json.dumps(document, sort_keys=True).encode()
