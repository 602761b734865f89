"""Every fault of the simulator, through a real socket, against our own adapter: what it does and how it comes back."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from support.betfair_messages import change, definition, mcm, runner
from support.betfair_truth import final_books
from support.feed_runner import FeedRunner, wall_us
from support.recordings import recording
from support.simulated import adapter, simulator, truth
from support.waiting import until
from touchline.domain.status import ProviderState, ProviderStatus
from touchline.feeds.interface import Disposition, State
from touchline.sim.faults import FaultKind
from touchline.sim.server import Simulator
from touchline.sim.subscriber import Account

pytestmark = pytest.mark.servers
S = 1_000_000


@asynccontextmanager
async def running(**more: Any) -> AsyncIterator[tuple[Simulator, FeedRunner]]:
    """A simulator and our adapter, connected and in step."""
    async with simulator(**more) as sim, FeedRunner(adapter(sim)) as feed:
        await until(lambda: in_step(feed, sim))
        assert feed.state is ProviderState.CONNECTED
        yield sim, feed


@asynccontextmanager
async def running_two() -> AsyncIterator[tuple[Simulator, FeedRunner, FeedRunner]]:
    async with simulator("betfair-a", "betfair-b") as sim:
        first, second = FeedRunner(adapter(sim, "betfair-a")), FeedRunner(adapter(sim, "betfair-b"))
        async with first, second:
            yield sim, first, second


def in_step(feed: FeedRunner, sim: Simulator, name: str = "betfair-a") -> bool:
    """Whether we say of every market that is shown what the provider says; closed ones may linger with us."""
    ours, theirs = feed.reader.books(), truth(sim, name)
    return bool(theirs) and {market: ours.get(market) for market in theirs} == theirs


async def back_in_step(feed: FeedRunner, sim: Simulator) -> None:
    await until(lambda: feed.state is ProviderState.CONNECTED and in_step(feed, sim), within=10)


async def test_two_providers_tell_the_same_matches_in_their_own_words() -> None:
    async with running_two() as (sim, first, second):
        await until(lambda: in_step(first, sim, "betfair-a") and in_step(second, sim, "betfair-b"))
        one, two = first.reader.markets, second.reader.markets
        assert sorted({market.start_us for market in one.values()}) == sorted(
            {market.start_us for market in two.values()}
        )
        assert not set(one) & set(two)
        assert {market.event_name for market in one.values()} != {market.event_name for market in two.values()}


async def test_the_large_image_of_a_busy_provider_arrives_in_segments() -> None:
    async with running(fixtures=30) as (_, feed):
        kinds = [frame.rule for frame in feed.reader.frames if frame.rule == "SUB_IMAGE"]
        assert len(kinds) > 3


async def test_without_tls_the_protocol_is_the_same() -> None:
    async with running(tls=False) as (sim, feed):
        await back_in_step(feed, sim)


async def test_a_delay_shows_in_the_publish_times() -> None:
    async with running() as (sim, feed):
        sim.inject(FaultKind.DELAY, for_us=S, by_us=400_000)
        seen = len(feed.delays_us)
        await until(lambda: any(delay >= 400_000 for delay in feed.delays_us[seen:]))
        await until(lambda: not sim.faults.all(sim.now()))
        await back_in_step(feed, sim)
        assert feed.connections == 1


async def test_dropped_changes_are_found_by_what_they_leave_behind() -> None:
    async with running() as (sim, feed):
        sim.inject(FaultKind.GAP)
        before = truth(sim)
        await until(lambda: moved_apart(before, truth(sim)), within=20)
        sim.faults.clear()
        await until(lambda: bool(feed.gaps()), within=10)
        assert "changes were lost" in feed.gaps()[0].detail or "image never came" in feed.gaps()[0].detail
        await back_in_step(feed, sim)


def moved_apart(before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Whether some open market's price rose by a tenth: what is left of the old offers to lay is then below it."""
    for market, (status, prices) in after.items():
        known = before.get(market, (status, {}))[1]
        if status is ProviderStatus.OPEN and any(
            micro > 1.1 * known.get(name, micro) for name, micro in prices.items()
        ):
            return True
    return False


async def test_a_lost_connection_is_resumed_where_it_broke() -> None:
    async with running() as (sim, feed):
        sim.inject(FaultKind.DISCONNECT, for_us=300_000)
        await until(lambda: feed.state is ProviderState.DISCONNECTED)
        await back_in_step(feed, sim)
        assert feed.connections > 1
        assert "RESUB_DELTA" in [frame.rule for frame in feed.reader.frames]
        waits = [reconnect.after_us for reconnect in feed.reconnects()]
        assert waits == sorted(waits), "each wait is at least as long as the one before"
        assert not any(reconnect.permanent for reconnect in feed.reconnects())


async def test_silence_drops_the_connection_after_two_heartbeats() -> None:
    async with running() as (sim, feed):
        begun = sim.now()
        sim.inject(FaultKind.SILENCE, for_us=4 * S)
        await until(lambda: feed.state is ProviderState.DISCONNECTED)
        lost = next(moment for moment, output in feed.log if isinstance(output, State) and moment > begun)
        assert 0.9 * S < lost - begun < 3 * S
        assert "no heartbeat" in feed.reconnects()[0].detail
        await back_in_step(feed, sim)


async def test_a_503_holds_at_once_and_does_not_disconnect() -> None:
    async with running() as (sim, feed):
        sim.inject(FaultKind.STATUS_503, for_us=3 * S)
        await until(lambda: feed.state is ProviderState.UNRELIABLE, within=10)
        await until(lambda: feed.state is ProviderState.CONNECTED)
        await back_in_step(feed, sim)
        assert feed.connections == 1


async def test_segmented_changes_end_in_the_same_books() -> None:
    async with running() as (sim, feed):
        fault = sim.inject(FaultKind.SEGMENTED)
        await until(lambda: fault.hits > 20)
        await back_in_step(feed, sim)
        assert feed.gaps() == []


async def test_duplicates_are_ignored() -> None:
    async with running() as (sim, feed):
        fault = sim.inject(FaultKind.DUPLICATE)
        await until(lambda: fault.hits > 20)
        await back_in_step(feed, sim)
        ignored = [frame for frame in feed.reader.frames if frame.rule == "Duplicate"]
        assert len(ignored) >= 20
        assert {frame.disposition for frame in ignored} == {Disposition.IGNORED}


async def test_a_corrupt_line_is_quarantined_and_a_fresh_image_heals_it() -> None:
    async with running() as (sim, feed):
        sim.inject(FaultKind.CORRUPT)
        await until(lambda: any(frame.disposition is Disposition.QUARANTINED for frame in feed.reader.frames))
        assert len(feed.gaps()) == 1
        await back_in_step(feed, sim)
        assert feed.connections == 1, "on the same connection"
        assert [frame.rule for frame in feed.reader.frames].count("SUB_IMAGE") == 2


@pytest.mark.parametrize("by_us", [5 * S, -5 * S], ids=["ahead", "behind"])
async def test_a_skewed_clock_changes_publish_times_and_nothing_else(by_us: int) -> None:
    async with running() as (sim, feed):
        sim.inject(FaultKind.CLOCK_SKEW, for_us=S, by_us=by_us)
        seen = len(feed.delays_us)
        await until(lambda: any(abs(delay + by_us) < S for delay in feed.delays_us[seen:]))
        await until(lambda: not sim.faults.all(sim.now()))
        await back_in_step(feed, sim)
        assert feed.gaps() == []
        assert feed.connections == 1


async def test_faults_of_one_provider_leave_the_other_alone() -> None:
    async with running_two() as (sim, first, second):
        await until(lambda: first.state is second.state is ProviderState.CONNECTED)
        sim.inject(FaultKind.DISCONNECT, provider="betfair-a")
        await until(lambda: first.state is ProviderState.DISCONNECTED)
        assert second.state is ProviderState.CONNECTED
        sim.faults.clear("betfair-a")
        await until(lambda: first.state is ProviderState.CONNECTED)
        assert second.connections == 1


async def test_wrong_credentials_are_permanent_and_name_the_secret() -> None:
    async with simulator(account=Account("key", "right")) as sim, FeedRunner(adapter(sim, session="expired")) as feed:
        await until(lambda: bool(feed.reconnects()))
        assert feed.reconnects()[0].permanent
        assert "Secret test-secret" in feed.reconnects()[0].detail
        assert "sessionToken" in feed.reconnects()[0].detail
        assert feed.state is ProviderState.DISCONNECTED


async def test_an_expired_session_ends_the_connection_and_is_permanent_until_somebody_logs_in() -> None:
    async with simulator(account=Account("key", "token")) as sim, FeedRunner(adapter(sim)) as feed:
        await until(lambda: feed.state is ProviderState.CONNECTED)
        assert sim.end_session("another") == 1
        await until(lambda: any(verdict.permanent for verdict in feed.reconnects()))
        verdict = next(one for one in feed.reconnects() if one.permanent)
        assert "INVALID_SESSION_INFORMATION" in verdict.detail
        assert "Secret test-secret" in verdict.detail
        assert "has expired: log in and update `sessionToken`" in verdict.detail
        assert feed.state is ProviderState.DISCONNECTED


async def test_more_markets_than_a_subscription_holds_are_permanent_and_say_what_to_do() -> None:
    async with simulator(account=Account(markets=2)) as sim, FeedRunner(adapter(sim)) as feed:
        await until(lambda: bool(feed.reconnects()))
        assert feed.reconnects()[0].permanent
        assert "SUBSCRIPTION_LIMIT_EXCEEDED" in feed.reconnects()[0].detail
        assert "narrow" in feed.reconnects()[0].detail


async def test_a_simulator_that_restarts_cannot_be_resumed_and_is_recovered_from_afresh() -> None:
    async with simulator() as first:
        port = first.ports["betfair-a"]
        async with FeedRunner(adapter(first)) as feed:
            await until(lambda: in_step(feed, first))
            await first.__aexit__(None, None, None)
            await until(lambda: feed.state is ProviderState.DISCONNECTED)
            again = Simulator(type(first.options)(**{**vars(first.options), "serve": {"betfair-a": port}, "seed": 99}))
            again.certificates = first.certificates
            async with again:
                await back_in_step(feed, again)
                assert "INVALID_CLOCK" in [frame.detail for frame in feed.reader.frames]
                assert {market.id for market in feed.reader.markets.values()} == set(truth(again))


async def test_conflation_arrives_in_bundles_and_ends_in_the_same_books() -> None:
    async with simulator() as sim, FeedRunner(adapter(sim, conflate_ms=300)) as feed:
        await until(lambda: feed.state is ProviderState.CONNECTED)
        await until(lambda: sum(frame.rule == "Delta" for frame in feed.reader.frames) > 5, within=10)
        await until(lambda: in_step(feed, sim), within=10)


async def test_only_the_markets_that_were_asked_for_come() -> None:
    async with simulator() as sim, FeedRunner(adapter(sim, market_filter={"marketTypes": ["MATCH_ODDS"]})) as feed:
        await until(lambda: feed.state is ProviderState.CONNECTED)
        assert {market.type for market in feed.reader.markets.values()} == {"MATCH_ODDS"}


async def test_a_served_recording_ends_with_the_books_of_its_file(tmp_path: Path) -> None:
    path = tmp_path / "recording"
    markets = [change(f"1.{number}", runner(1, atb=[[2.0, 5]]), definition=definition()) for number in range(5)]
    deltas = [
        mcm(change(f"1.{number % 5}", runner(1, atb=[[2.0 + number / 50, 5]])), pt=number) for number in range(1, 500)
    ]
    path.write_bytes(b"\n".join([mcm(*markets, pt=1), b"{junk", *deltas]))
    async with simulator(recording=path, speed=None) as sim, FeedRunner(adapter(sim)) as feed:
        await until(lambda: sim.finished and in_step(feed, sim), within=15)
        assert {market: prices for market, (_, prices) in feed.reader.books().items()} == {
            market: prices for market, (_, prices) in final_books(path).items()
        }
        assert all(0 <= wall_us() - sent < 60 * S for sent in [wall_us() - delay for delay in feed.delays_us[-3:]])


@pytest.mark.recordings
async def test_a_real_recording_served_at_full_speed_ends_with_its_books() -> None:
    path = recording("betfair/betfair_parser/1.185781277.bz2")
    async with simulator(recording=path, speed=None) as sim, FeedRunner(adapter(sim)) as feed:
        await until(lambda: sim.finished and in_step(feed, sim), within=120)
        assert {market: prices for market, (_, prices) in feed.reader.books().items()} == {
            market: prices for market, (_, prices) in final_books(path).items()
        }
        assert feed.gaps() == []
