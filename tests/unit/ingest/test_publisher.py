"""Numbers without holes, whole messages, resync sets and beats."""

from hypothesis import given, settings
from hypothesis import strategies as st

from touchline.bus.messages import (
    MarketMeta,
    MarketUpdate,
    OddsBatch,
    Probe,
    Resync,
    Selection,
    decode_beat,
    decode_odds,
)
from touchline.domain.keys import shard_of
from touchline.domain.status import ProviderState, ProviderStatus
from touchline.ingest.publisher import LIMIT, Outgoing, Publisher
from touchline.ingest.wording import gone

SHARDS = 4
META = MarketMeta("Football", "epl", "MatchWinner", "", "A v B", "A", "B", 1, {"home": "A", "away": "B"})


def publisher(*, opened: bool = True) -> Publisher:
    made = Publisher("alpha", "run", SHARDS)
    if opened:
        made.resync_all()
    return made


def image(market: str, micro: int = 2_000_000, *, sels: int = 2, status: int = 0) -> MarketUpdate:
    return MarketUpdate(
        market, 1, 2, status=status, sels=[Selection(f"s{n}", micro + n) for n in range(sels)], image=True, in_play=0,
        delay_ms=0, meta=META,
    )  # fmt: skip


def change(market: str, micro: int, *, status: int = -1) -> MarketUpdate:
    return MarketUpdate(market, 3, 4, status=status, sels=[Selection("s0", micro)])


def batches(outgoing: list[Outgoing]) -> list[OddsBatch]:
    return [decode_odds(each.payload) for each in outgoing]


class Reader:
    """What a book node makes of the batches of one shard."""

    def __init__(self) -> None:
        self.seq = 0
        self.markets: dict[str, dict[str, int]] = {}
        self.status: dict[str, int] = {}
        self.named: set[str] = set()
        self.opened_early: list[str] = []

    def read(self, batch: OddsBatch) -> None:
        assert batch.seq == self.seq + 1
        self.seq = batch.seq
        if batch.resync & Resync.FIRST:
            self.named = set()
        for update in batch.updates:
            if update.image and update.meta is None and not update.sels:
                self.markets.pop(update.market, None)
                self.status.pop(update.market, None)
                continue
            sels = {} if update.image else self.markets.setdefault(update.market, {})
            sels.update({sel.id: sel.micro for sel in update.sels})
            self.markets[update.market] = sels
            self.named.add(update.market)
            if update.status >= 0:
                self.status[update.market] = update.status
        if batch.resync & Resync.LAST:
            for market in [market for market in self.markets if market not in self.named]:
                del self.markets[market], self.status[market]


def test_a_new_incarnation_begins_with_a_resync_set_that_holds_what_came_before() -> None:
    made = publisher(opened=False)
    assert made.message([image("e1:MatchWinner")]) == []
    sets = batches(made.resync_all())
    assert [(batch.seq, batch.resync) for batch in sets] == [(1, 7)] * SHARDS
    assert [update.market for batch in sets for update in batch.updates] == ["e1:MatchWinner"]


def test_one_message_is_one_batch_in_each_shard_that_it_touches() -> None:
    made = publisher()
    events = [f"e{number}" for number in range(40)]
    sent = made.message([image(f"{event}:MatchWinner") for event in events])
    assert len(sent) == len({shard_of(event, SHARDS) for event in events}) == SHARDS
    for outgoing, batch in zip(sent, batches(sent), strict=True):
        shard = int(outgoing.subject.split(".")[1])
        assert outgoing.subject == f"odds.{shard}.alpha"
        assert {shard_of(update.market.split(":")[0], SHARDS) for update in batch.updates} == {shard}


def test_a_beat_vouches_for_exactly_what_was_numbered() -> None:
    made = publisher()
    made.message([image("e1:MatchWinner")])
    made.message([change("e1:MatchWinner", 3_000_000)])
    shard = shard_of("e1", SHARDS)
    beat = decode_beat(
        made.beat(0, state=ProviderState.CONNECTED, detail="", last_src=5, silence_us=6, delay_us=7).payload
    )
    assert beat.seqs == [3 if number == shard else 1 for number in range(SHARDS)]
    assert (beat.inc, beat.state, beat.last_src, beat.silence_us, beat.delay_us) == ("run", "Connected", 5, 6, 7)


def test_probes_are_echoed_with_their_newest_stamp_and_forgotten_after_ten_seconds() -> None:
    made = publisher()
    made.probe(0, Probe("n1", 100))
    made.probe(9_000_000, Probe("n2", 200))
    made.probe(9_000_000, Probe("n2", 201))

    def echo(now: int) -> dict[str, int]:
        beat = made.beat(now, state=ProviderState.CONNECTED, detail="", last_src=0, silence_us=0, delay_us=-1)
        return decode_beat(beat.payload).echo

    assert echo(10_000_000) == {"n1": 100, "n2": 201}
    assert echo(10_000_001) == {"n2": 201}


def test_a_large_resync_set_is_chunked_and_marked() -> None:
    made = publisher()
    made.message([image(f"e1:M{number}", sels=400) for number in range(120)])
    sent = made.resync(shard_of("e1", SHARDS))
    sets = batches(sent)
    assert len(sets) > 1
    assert all(len(each.payload) <= LIMIT for each in sent)
    assert [batch.resync for batch in sets] == [3, *[1] * (len(sets) - 2), 5]


def test_a_large_message_opens_its_markets_last() -> None:
    made = publisher()
    opening = [image(f"e1:Open{number}", sels=400, status=ProviderStatus.OPEN) for number in range(60)]
    shutting = [image(f"e1:Shut{number}", sels=400, status=ProviderStatus.SUSPENDED) for number in range(60)]
    sent = made.message([each for pair in zip(opening, shutting, strict=True) for each in pair])
    assert len(sent) > 1
    assert all(len(each.payload) <= LIMIT for each in sent)
    order = [update.status for batch in batches(sent) for update in batch.updates]
    assert order == sorted(order, reverse=True)


def test_one_huge_market_is_sent_in_pieces_and_open_only_with_the_last() -> None:
    made = publisher()
    sent = made.message([image("e1:Outright", sels=40_000)])
    assert len(sent) > 1
    reader = Reader()
    reader.seq = 1
    statuses = []
    for batch in batches(sent):
        reader.read(batch)
        statuses.append(reader.status["e1:Outright"])
    assert statuses == [ProviderStatus.SUSPENDED] * (len(sent) - 1) + [ProviderStatus.OPEN]
    assert len(reader.markets["e1:Outright"]) == 40_000


def test_a_withdrawn_provider_leaves_nothing_behind() -> None:
    made = publisher()
    made.message([image("e1:A"), image("e2:A")])
    readers = {shard: Reader() for shard in range(SHARDS)}
    for outgoing in made.withdraw_all():
        batch = decode_odds(outgoing.payload)
        assert all(update.image and update.meta is None for update in batch.updates)
        assert batch.seq == 3
    assert made.state.count() == 0
    assert len(readers) == SHARDS


operations = st.lists(
    st.tuples(st.sampled_from(["image", "change", "gone", "resync", "join"]), st.integers(0, 7), st.integers(0, 9)),
    max_size=60,
)


@settings(deadline=None)
@given(operations)
def test_a_reader_that_joins_by_a_resync_set_has_what_one_has_that_read_everything(
    steps: list[tuple[str, int, int]],
) -> None:
    made = publisher(opened=False)
    old = {shard: Reader() for shard in range(SHARDS)}
    late: dict[int, Reader] = {}

    def deliver(sent: list[Outgoing]) -> None:
        for outgoing in sent:
            shard = int(outgoing.subject.split(".")[1])
            batch = decode_odds(outgoing.payload)
            old[shard].read(batch)
            if shard in late:
                late[shard].read(batch)

    deliver(made.resync_all())
    for kind, event, value in steps:
        market = f"e{event}:MatchWinner"
        if kind == "image":
            deliver(made.message([image(market, 2_000_000 + value)]))
        elif kind == "change" and market in old[shard_of(f"e{event}", SHARDS)].markets:
            deliver(made.message([change(market, 3_000_000 + value)]))
        elif kind == "gone":
            deliver(made.message([gone(market, 1, 2)]))
        elif kind == "resync":
            deliver(made.resync(event % SHARDS))
        elif kind == "join":
            late[event % SHARDS] = Reader()
            late[event % SHARDS].seq = made.seqs[event % SHARDS]
            deliver(made.resync(event % SHARDS))
    for shard, reader in late.items():
        assert reader.markets == old[shard].markets
        assert reader.status == old[shard].status


def test_another_turn_numbers_from_1_under_another_name_and_begins_with_all_that_is_known() -> None:
    made = publisher()
    made.message([image("e1:MatchWinner")])
    made.renew("2-run")
    assert made.inc == "2-run"
    assert made.message([change("e1:MatchWinner", 2_500_000)]) == [], "nothing is told before a set of images"
    sets = batches(made.resync_all())
    assert {(each.inc, each.seq) for each in sets} == {("2-run", 1)}
    (told,) = [update for one in sets for update in one.updates]
    assert (told.market, told.sels[0].micro) == ("e1:MatchWinner", 2_500_000)
