"""Terms of a desk: epoch records, followers, records of others, and what a new leader does with what was left pending."""

from support.bets import SECOND, UNIT, Bench, GivenBook, bet, document
from support.leading_desk import HELD, IN_PLAY, OPEN, leading
from touchline.bus.messages import BetLookup
from touchline.desk.outputs import Announce
from touchline.desk.records import EpochRecord, encode_record


def epoch_record(epoch: int, node: str) -> bytes:
    return encode_record(EpochRecord(epoch, node, 0, 1, "Fsync"))


def test_a_follower_remembers_keys_and_liabilities_and_a_new_leader_gives_the_first_answer() -> None:
    leader, book = leading()
    first = leader.bet(bet(), book)
    accepted = leader.store()
    standby = Bench(node="n2")
    standby.desk.replayed(1, "bets.epoch.0", epoch_record(1, "n1"))
    standby.desk.replayed(2, accepted.subject, accepted.record)
    assert standby.desk.applied == 2
    assert standby.desk.liability.selection("e1:MatchWinner", "home") == 10 * UNIT
    standby.take(standby.desk.lead(standby.now, standby.wall, 2))
    assert standby.appends[0].expected_seq == 2
    standby.store_all()
    again = standby.bet(bet(), book)
    assert standby.answers[again].status == 200
    assert bytes(standby.answers[again].decision) == bytes(leader.answers[first].decision)


def test_an_epoch_that_the_stream_already_has_cannot_be_led() -> None:
    bench = Bench(node="n2")
    bench.desk.replayed(1, "bets.epoch.0", epoch_record(7, "n1"))
    bench.take(bench.desk.lead(bench.now, bench.wall, 7))
    assert bench.appends == []
    assert "epoch 7 is not above epoch 7" in bench.stepped_down[0]
    assert bench.desk.stream_epoch == 7


def test_a_refused_epoch_record_can_be_tried_again_behind_what_was_missed() -> None:
    bench, book = Bench(node="n2"), GivenBook(e1=OPEN)
    bench.take(bench.desk.lead(bench.now, bench.wall, 2))
    bench.refuse()
    assert len(bench.stepped_down) == 1
    bench.desk.replayed(1, "bets.epoch.0", epoch_record(1, "n1"))
    bench.lead(2)
    assert bench.decided(bet(), book)["epoch"] == 2


def test_a_record_of_a_leader_whose_term_was_over_is_void() -> None:
    leader, book = leading()
    leader.bet(bet(), book)
    late = leader.appends.pop()
    standby = Bench(node="n2")
    for seq, epoch in ((1, 1), (2, 2)):
        standby.desk.replayed(seq, "bets.epoch.0", epoch_record(epoch, f"n{epoch}"))
    standby.desk.replayed(3, late.subject, late.record)
    assert standby.desk.applied == 3
    assert standby.desk.memory.get(("c1", "k1")) is None
    assert standby.desk.liability.selection("e1:MatchWinner", "home") == 0


def test_a_leader_that_reads_somebody_elses_record_in_its_place_steps_down() -> None:
    bench, book = leading()
    tokens = [bench.bet(bet(f"k{n}"), book) for n in range(2)]
    first = bench.appends[0]
    bench.desk.replayed(2, first.subject, first.record)  # its own: as good as an acknowledgement
    bench.desk.replayed(3, "bets.epoch.0", epoch_record(2, "n2"))
    assert not bench.desk.leading
    bench.tick(book)
    assert list(bench.answers) == tokens[:1]
    assert len(bench.stepped_down) == 1
    assert bench.desk.memory.get(("c1", "k1")) is None
    assert bench.desk.stream_epoch == 2


def test_a_new_leader_decides_what_the_old_one_left_pending_after_the_whole_delay() -> None:
    leader, book = leading(e1=IN_PLAY)
    leader.bet(bet(), book)
    (pending,) = leader.appends
    standby = Bench(node="n2")
    standby.now = 7 * SECOND  # another machine's clock
    epoch = epoch_record(1, "n1")
    standby.desk.replayed(1, "bets.epoch.0", epoch)
    standby.desk.replayed(2, pending.subject, pending.record)
    standby.lead(2)
    standby.now += 5 * SECOND - 1
    standby.tick(book)
    assert standby.appends == []
    standby.now += 1
    standby.tick(book)
    append = standby.store()
    assert append.subject == "bets.accepted.0"
    assert len([output for output in standby.others if isinstance(output, Announce)]) == 1


def test_a_second_check_that_was_not_stored_is_made_again_in_the_next_term() -> None:
    bench, book = leading(e1=IN_PLAY)
    bench.bet(bet(), book)
    bench.store()
    bench.now += 5 * SECOND
    bench.tick(book)
    bench.refuse()
    assert bench.desk.liability.selection("e1:MatchWinner", "home") == 10 * UNIT
    bench.desk.replayed(3, "bets.epoch.0", epoch_record(2, "n2"))
    bench.lead(3)
    book.quotes["e1:MatchWinner"] = HELD
    bench.now += 5 * SECOND
    bench.tick(book)
    bench.store_all()
    assert document(bench.desk.lookup(bench.now, BetLookup("k1", "c1")))["reason"] == "MarketSuspended"
    assert bench.desk.liability.selection("e1:MatchWinner", "home") == 0
