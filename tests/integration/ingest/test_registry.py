"""Identities on a real broker: races, crashes in the middle, corrections."""

import asyncio
from typing import Any

import pytest
from nats.aio.client import Client

from touchline.ingest.clock import Clock, system_clock
from touchline.ingest.corrections import UnknownEvent, merge, split
from touchline.ingest.event_records import Resolved, created, encode, enrolled, pairing_key, pointer_key, record_key
from touchline.ingest.identity import Ambiguous, EventView, event_id, joined
from touchline.ingest.registry import Registry, watch_pointers

pytestmark = pytest.mark.servers
NOON = 1_790_000_000_000_000
HOUR = 3_600_000_000


def view(provider: str = "alpha", native: str = "1", start: int = NOON, **changes: Any) -> EventView:
    fields: dict[str, Any] = {
        "provider": provider,
        "native_id": native,
        "sport": "Football",
        "league": "epl",
        "home": "arsenal",
        "away": "chelsea",
        "name": "arsenal-chelsea",
        "start_us": start,
        "tolerance_us": HOUR,
    }
    return EventView(**(fields | changes))


def registry(nc: Client) -> Registry:
    return Registry(nc, system_clock())


async def identity(nc: Client, seen: EventView) -> str:
    outcome = await registry(nc).resolve(seen)
    assert isinstance(outcome, Resolved)
    return outcome.record.id


async def test_two_providers_get_one_id_and_the_record_says_why(nats: Client) -> None:
    first = await identity(nats, view())
    second = await identity(nats, view("beta", "b/1:x", NOON + 60_000_000, home="chelsea", away="arsenal"))
    assert first == second
    record, _ = await registry(nats).record(first)
    assert record is not None
    assert record.members == {
        "alpha|1": "first of its pairing",
        "beta|b/1:x": "pairing, and a start 60 s apart",
    }
    assert [entry.what for entry in record.history] == ["created", "matched", "matched"]
    assert (record.home, record.away) == ("arsenal", "chelsea")


async def test_asking_again_writes_nothing(nats: Client) -> None:
    await identity(nats, view())
    before = (await nats.jetstream().stream_info("KV_events")).state.last_seq
    await identity(nats, view())
    assert (await nats.jetstream().stream_info("KV_events")).state.last_seq == before


@pytest.mark.parametrize("rounds", range(3))
async def test_many_processes_that_race_for_many_games_agree(nats: Client, rounds: int) -> None:
    games = 6
    asked = [
        (game, view(provider, f"{provider}-{game}", NOON + game * 3 * HOUR + offset))
        for game in range(games)
        for offset, provider in enumerate(("alpha", "beta", "gamma", "delta"))
        for _ in range(2)
    ]
    found = await asyncio.gather(*(identity(nats, seen) for _, seen in asked))
    ids: dict[int, set[str]] = {}
    for (game, _), got in zip(asked, found, strict=True):
        ids.setdefault(game, set()).add(got)
    assert [len(each) for each in ids.values()] == [1] * games
    assert len(set.union(*ids.values())) == games


async def test_a_process_that_died_after_each_write_is_completed_by_the_next(nats: Client) -> None:
    """Cut short after the claim, after the pairing, after the record: the next to resolve gets one id, whole."""
    shell = registry(nats)
    for step in range(3):
        seen = view(native=f"{step}", league=f"league-{step}")
        proposed = event_id(seen, 0)
        empty = created(seen, proposed, at=0, by="dead", why="first of its pairing")
        await shell.write(record_key(proposed), encode(empty), 0)
        if step >= 1:
            pairing, revision = await shell.pairing(seen.pairing)
            await shell.write_pairing(seen.pairing, joined(pairing, seen, proposed), pairing, revision)
        if step >= 2:
            _, revision = await shell.record(proposed)
            whole = enrolled(empty, seen, at=0, by="dead", why="first of its pairing")
            await shell.write(record_key(proposed), encode(whole), revision)
        got = await identity(nats, seen)
        assert (step, got) == (step, proposed)
        assert (await shell.pointer(seen.provider, seen.native_id)).id == proposed
        record, _ = await shell.record(proposed)
        assert record is not None
        assert list(record.members) == [seen.member]


async def test_an_id_that_another_pairing_has_is_not_taken(nats: Client) -> None:
    shell = registry(nats)
    seen = view()
    other = await shell.resolve(view(native="9", league="other"))
    assert isinstance(other, Resolved)
    await shell.write(record_key(event_id(seen, 0)), encode(other.record), 0)
    assert await identity(nats, seen) == event_id(seen, 1)


async def test_two_games_in_reach_are_ambiguous_and_written_nowhere(nats: Client) -> None:
    games = [await identity(nats, view(native=str(n), start=NOON + n * HOUR)) for n in range(2)]
    outcome = await registry(nats).resolve(view("beta", "b", NOON + HOUR // 2))
    assert isinstance(outcome, Ambiguous)
    assert list(outcome.candidates) == games
    assert (await registry(nats).read(pointer_key("beta", "b"))) == (b"", 0)


async def test_a_cross_reference_moves_an_event_that_was_matched_otherwise(nats: Client) -> None:
    before = await identity(nats, view())
    assert await identity(nats, view("beta", "b")) == before
    after = await identity(nats, view("beta", "b", reference="derby", reference_source="EntityMap cups"))
    assert after == "derby"
    old, _ = await registry(nats).record(before)
    assert old is not None
    assert list(old.members) == ["alpha|1"]
    assert old.history[-1].why.startswith("moved to derby: cross-reference in EntityMap cups")
    assert await identity(nats, view("beta", "b")) == "derby"


async def test_a_split_event_stays_apart_and_says_who_did_it(nats: Client) -> None:
    before = await identity(nats, view())
    assert await identity(nats, view("beta", "b")) == before
    after = await split(registry(nats), "beta", "b", by="ann", why="a youth team")
    assert after != before
    assert await identity(nats, view("beta", "b")) == after
    assert await identity(nats, view()) == before
    old, _ = await registry(nats).record(before)
    new, _ = await registry(nats).record(after)
    assert old is not None
    assert new is not None
    assert list(old.members) == ["alpha|1"]
    assert list(new.members) == ["beta|b"]
    assert (old.history[-1].what, old.history[-1].by, old.history[-1].why) == ("split off", "ann", "a youth team")
    assert new.history[0].by == "ann"


async def test_a_split_is_undone_by_a_merge(nats: Client) -> None:
    before = await identity(nats, view())
    await identity(nats, view("beta", "b"))
    after = await split(registry(nats), "beta", "b", by="ann", why="a youth team")
    record = await merge(registry(nats), into=before, event=after, by="bob", why="it was the first team")
    assert sorted(record.members) == ["alpha|1", "beta|b"]
    assert await identity(nats, view("beta", "b")) == before
    assert await identity(nats, view("gamma", "g", NOON)) == before
    gone, _ = await registry(nats).record(after)
    assert gone is not None
    assert (gone.members, gone.merged_into) == ({}, before)


async def test_a_view_that_still_points_to_a_merged_event_is_led_on(nats: Client) -> None:
    shell = registry(nats)
    first = await identity(nats, view())
    second = await identity(nats, view(native="2", start=NOON + 9 * HOUR))
    await merge(shell, into=first, event=second, by="bob", why="one game, listed twice")
    stale = await shell.pointer("alpha", "2")
    await shell.point("alpha", "2", second, stale.revision)
    assert await identity(nats, view(native="2", start=NOON + 9 * HOUR)) == first


async def test_what_does_not_exist_cannot_be_corrected(nats: Client) -> None:
    with pytest.raises(UnknownEvent, match="no event 'x'"):
        await split(registry(nats), "beta", "x", by="ann", why="")
    known = await identity(nats, view())
    with pytest.raises(UnknownEvent, match="must exist"):
        await merge(registry(nats), into=known, event="e-none", by="ann", why="")


async def test_changes_of_a_providers_events_can_be_watched(nats: Client) -> None:
    await identity(nats, view(native="a/b c"))
    await identity(nats, view("beta", "b"))
    watch = watch_pointers(nats, "alpha")
    native, first = await asyncio.wait_for(anext(watch), 5)
    assert native == "a/b c"
    after = await split(registry(nats), "alpha", "a/b c", by="ann", why="test")
    assert await asyncio.wait_for(anext(watch), 5) == ("a/b c", after)
    assert after != first
    await watch.aclose()  # type: ignore[attr-defined]


async def test_a_moved_start_is_in_the_record(nats: Client) -> None:
    known = await identity(nats, view())
    await identity(nats, view(start=NOON + HOUR))
    record, _ = await registry(nats).record(known)
    assert record is not None
    assert record.start_us == NOON + HOUR
    assert record.history[-1].why == f"start_us {NOON} -> {NOON + HOUR}"
    assert pairing_key(view().pairing).startswith("g.")


def test_the_clock_is_passed_in() -> None:
    assert Registry(Client(), Clock(lambda: 1, lambda: 2)).wall() == 2
