"""From the request to the answer: stored first, one answer for each key, and silence where somebody else leads."""

import json

import pytest

from support.bets import FOOTBALL, SECOND, UNIT, Bench, GivenBook, GivenQuote, bet, document, market_class
from support.leading_desk import HELD, IN_PLAY, OPEN, leading
from touchline.bus.messages import BetLookup, BetRequest
from touchline.desk import desk as desk_module
from touchline.desk.outputs import Announce
from touchline.desk.records import BetRecord, EpochRecord, decode_record
from touchline.domain.status import MarketStatus


def test_the_first_append_of_a_term_is_its_epoch_record_and_nothing_is_decided_before_it_is_stored() -> None:
    bench, book = Bench(), GivenBook(e1=OPEN)
    bench.take(bench.desk.lead(bench.now, bench.wall, 4))
    (append,) = bench.appends
    record = decode_record(append.record)
    assert isinstance(record, EpochRecord)
    assert (record.epoch, record.node, append.subject, append.expected_seq, append.fence_seq) == (
        4,
        "n1",
        "bets.epoch.0",
        0,
        0,
    )
    token = bench.bet(bet(), book)
    bench.tick(book)
    assert len(bench.appends) == 1
    bench.store()
    bench.tick(book)
    assert bench.answers == {}
    bench.store()
    assert bench.answers[token].status == 201


def test_an_answer_leaves_only_after_its_record_is_stored() -> None:
    bench, book = leading()
    token = bench.bet(bet(), book)
    for _ in range(3):
        bench.tick(book)
    assert bench.answers == {}
    append = bench.store()
    record = decode_record(append.record)
    assert isinstance(record, BetRecord)
    assert document(bench.answers[token]) == json.loads(bytes(record.document))
    assert bench.answers[token].status == 201


def test_appends_are_sent_without_waiting_and_each_names_the_sequence_that_it_expects() -> None:
    bench, book = leading()
    for n in range(5):
        bench.bet(bet(f"k{n}"), book)
    assert [append.expected_seq for append in bench.appends] == [1, 2, 3, 4, 5]
    assert {append.fence_seq for append in bench.appends} == {1}
    assert len({append.msg_id for append in bench.appends}) == 5


def test_a_repeated_key_gets_the_first_answer_whatever_has_changed_since() -> None:
    bench, book = leading()
    first = bench.bet(bet(), book)
    bench.store()
    book.quotes["e1:MatchWinner"] = HELD
    again = bench.bet(bet(version="1.1", jurisdiction="FR"), book)
    assert bench.appends == []
    assert bench.answers[again].status == 200
    assert bytes(bench.answers[again].decision) == bytes(bench.answers[first].decision)


def test_a_key_repeated_while_its_bet_is_being_stored_waits_for_the_same_answer() -> None:
    bench, book = leading()
    tokens = [bench.bet(bet(), book) for _ in range(3)]
    other = bench.bet(bet(stake=11 * UNIT), book)
    assert (len(bench.appends), bench.answers) == (1, {})
    bench.store()
    assert [bench.answers[token].status for token in tokens] == [201, 200, 200]
    assert len({bytes(bench.answers[token].decision) for token in tokens}) == 1
    assert bench.answers[other].status == 409


@pytest.mark.parametrize(
    "other",
    [
        bet(stake=20 * UNIT),
        bet(selection="away"),
        bet(price=2_100_000),
        bet(price_change="Exact"),
        bet(market="e2:MatchWinner"),
        bet(price_change="AcceptWithin", within_ppm=1),
    ],
)
def test_a_key_of_another_bet_is_a_conflict_and_changes_nothing(other: BetRequest) -> None:
    bench, book = leading()
    first = bench.bet(bet(), book)
    bench.store()
    token = bench.bet(other, book)
    assert bench.answers[token].status == 409
    assert document(bench.answers[token])["reason"] == "Duplicate"
    assert bench.appends == []
    assert bench.desk.lookup(bench.now, BetLookup("k1", "c1")).decision == bench.answers[first].decision


def test_keys_belong_to_a_customer() -> None:
    bench, book = leading()
    mine, yours = bench.bet(bet(customer="a"), book), bench.bet(bet(customer="b", stake=20 * UNIT), book)
    bench.store_all()
    assert [bench.answers[token].status for token in (mine, yours)] == [201, 201]
    assert bench.desk.lookup(bench.now, BetLookup("k1", "c")).status == 404


def test_a_rejection_is_a_decision_too() -> None:
    bench, book = leading(e1=HELD)
    token = bench.bet(bet(), book)
    append = bench.store()
    assert append.subject == "bets.rejected.0"
    assert bench.answers[token].status == 201
    book.quotes["e1:MatchWinner"] = OPEN
    again = bench.bet(bet(), book)
    assert document(bench.answers[again])["decision"] == "Rejected"


def test_a_refused_append_ends_the_term_and_nobody_behind_it_is_answered() -> None:
    bench, book = leading()
    tokens = [bench.bet(bet(f"k{n}"), book) for n in range(3)]
    bench.store()
    bench.refuse()
    assert bench.stepped_down == ["wrong last sequence"]
    assert list(bench.answers) == tokens[:1]
    assert not bench.desk.leading
    assert bench.bet(bet("k9"), book) not in bench.answers
    behind = bench.appends.pop(0)
    bench.take(bench.desk.stored(bench.now, bench.wall, behind.token, behind.expected_seq + 1))
    assert list(bench.answers) == tokens[:1], "what was stored behind a refused record is void"
    assert bench.desk.memory.get(("c1", "k1")) is None
    assert bench.desk.liability.selection("e1:MatchWinner", "home") == 10 * UNIT


def test_acknowledgements_out_of_order_answer_in_order() -> None:
    bench, book = leading()
    tokens = [bench.bet(bet(f"k{n}"), book) for n in range(2)]
    first, second = bench.appends
    bench.take(bench.desk.stored(bench.now, bench.wall, second.token, 3))
    assert bench.answers == {}
    bench.take(bench.desk.stored(bench.now, bench.wall, first.token, 2))
    assert list(bench.answers) == tokens


def test_without_authority_nothing_is_decided_and_nothing_said() -> None:
    bench, book = leading(e1=IN_PLAY)
    bench.bet(bet("pending"), book)
    bench.store()
    bench.answers.clear()
    bench.authority = False
    bench.bet(bet("late"), book)
    assert book.asked == 1, "only the bet that was judged with authority"
    bench.now += 10 * SECOND
    bench.tick(book)
    assert (bench.appends, bench.answers) == ([], {})


def test_authority_lost_between_decision_and_storing_still_tells_the_stored_truth_and_then_stops() -> None:
    bench, book = leading()
    token = bench.bet(bet(), book)
    bench.authority = False
    bench.store()
    assert document(bench.answers[token])["decision"] == "Accepted"
    assert bench.stepped_down == ["the lease lapsed"]
    bench.authority = True
    assert bench.bet(bet("k2"), book) not in bench.answers
    assert bench.appends == []


def test_a_desk_that_stands_by_still_answers_what_lands_later() -> None:
    bench, book = leading()
    token = bench.bet(bet(), book)
    bench.take(bench.desk.stand_by(bench.now))
    assert bench.bet(bet("k2"), book) not in bench.answers
    bench.store()
    assert bench.answers[token].status == 201


def test_a_delayed_bet_is_pending_first_and_decided_by_what_is_true_when_its_delay_is_over() -> None:
    bench, book = leading(e1=IN_PLAY)
    token = bench.bet(bet(), book)
    bench.store()
    pending = document(bench.answers[token])
    assert (bench.answers[token].status, pending["decision"]) == (202, "Pending")
    assert pending["due"] == pending["at"] + 5 * SECOND
    assert pending["legs"][0]["acceptedPrice"] is None

    bench.now += 5 * SECOND - 1
    bench.tick(book)
    assert bench.appends == []
    book.quotes["e1:MatchWinner"] = IN_PLAY._replace(selections={"home": 2_200_000})
    bench.now += 1
    bench.tick(book)
    assert bench.others == []
    bench.store()
    (announced,) = bench.others
    assert isinstance(announced, Announce)
    final = json.loads(bytes(announced.decided.decision))
    assert (final["decision"], final["id"]) == ("Accepted", pending["id"])
    assert final["legs"][0]["acceptedPrice"] == "2.20"
    again = bench.bet(bet(), book)
    assert (bench.answers[again].status, document(bench.answers[again])) == (200, final)


@pytest.mark.parametrize(
    ("then", "decision"),
    [
        (HELD, "Rejected"),
        (IN_PLAY._replace(fresh=False), "Rejected"),
        (IN_PLAY._replace(status=MarketStatus.CLOSED), "Rejected"),
        (IN_PLAY._replace(selections={"home": 1_900_000}), "Repriced"),
        (IN_PLAY, "Accepted"),
    ],
)
def test_the_second_check_asks_everything_again(then: GivenQuote, decision: str) -> None:
    bench, book = leading(e1=IN_PLAY)
    bench.bet(bet(), book)
    bench.store()
    book.quotes["e1:MatchWinner"] = then
    bench.now += 5 * SECOND
    bench.tick(book)
    bench.store()
    assert json.loads(bytes(bench.desk.lookup(bench.now, BetLookup("k1", "c1")).decision))["decision"] == decision
    standing = bench.desk.liability.selection("e1:MatchWinner", "home")
    assert standing == (10 * UNIT if decision == "Accepted" else 0)


def test_a_pending_bet_holds_its_place_under_the_limits_but_does_not_count_against_itself() -> None:
    limits = market_class(maxLiability={"selection": "15.00", "market": "15.00", "event": "15.00"})
    bench, book = leading(e1=IN_PLAY._replace(market_class=limits))
    bench.bet(bet("a"), book)
    other = bench.bet(bet("b"), book)
    bench.store_all()
    assert document(bench.answers[other])["reason"] == "LiabilityExceeded"
    bench.now += 5 * SECOND
    bench.tick(book)
    bench.store_all()
    assert json.loads(bytes(bench.desk.lookup(bench.now, BetLookup("a", "c1")).decision))["decision"] == "Accepted"


def test_one_market_cannot_take_all_that_may_be_on_its_way() -> None:
    bench, book = leading(e1=OPEN, e2=OPEN)
    flood = [bench.bet(bet(f"k{n}", stake=UNIT), book) for n in range(desk_module.MAX_FLIGHTS_OF_MARKET + 20)]
    refused = [token for token in flood if token in bench.answers]
    assert len(refused) == 20
    assert {bench.answers[token].status for token in refused} == {503}
    told = document(bench.answers[refused[0]])
    assert "e1:MatchWinner" in told["detail"]
    assert told["retryAfterMs"] > 0
    assert "decision" not in told
    other = bench.bet(bet("other", market="e2:MatchWinner"), book)
    bench.store_all()
    assert bench.answers[other].status == 201
    retried = bench.bet(bet(f"k{desk_module.MAX_FLIGHTS_OF_MARKET + 5}", stake=UNIT), book)
    bench.store_all()
    assert bench.answers[retried].status == 201, "what was refused for load may be tried again with its key"


def test_a_closed_desk_says_why_and_stores_nothing() -> None:
    bench, book = leading()
    bench.desk.closed = "bets.durability is Quorum, but the stream has only Fsync"
    token = bench.bet(bet(), book)
    assert (bench.answers[token].status, bench.appends) == (503, [])
    assert "Quorum" in document(bench.answers[token])["detail"]


def test_keys_are_forgotten_after_their_time_and_never_while_pending() -> None:
    bench, book = leading(e1=OPEN, e2=IN_PLAY._replace(delay_us=1000 * SECOND))
    bench.desk.memory.keep_us = 60 * SECOND
    bench.bet(bet("waits", market="e2:MatchWinner"), book)
    bench.bet(bet("old"), book)
    bench.store_all()
    bench.now += 61 * SECOND
    bench.bet(bet("new"), book)
    bench.store_all()
    bench.tick(book)
    assert len(bench.desk.memory) == 3, "a pending bet keeps its place, and what came after it"
    bench.now += 1000 * SECOND
    bench.tick(book)
    bench.store_all()
    bench.tick(book)
    assert [bench.desk.lookup(bench.now, BetLookup(key, "c1")).status for key in ("waits", "old", "new")] == [
        404,
        404,
        404,
    ]


def test_a_clock_that_jumps_ahead_makes_no_key_forgotten() -> None:
    bench, book = leading()
    bench.bet(bet(), book)
    bench.store_all()
    bench.take(bench.desk.tick(bench.now, bench.wall + 10**15, book))
    assert bench.desk.lookup(bench.now, BetLookup("k1", "c1")).status == 200


def test_a_full_memory_refuses_new_bets_instead_of_forgetting_old_ones() -> None:
    bench, book = leading()
    bench.desk.memory.capacity = 2
    for n in range(2):
        bench.bet(bet(f"k{n}"), book)
        bench.store_all()
    assert bench.answers[bench.bet(bet("k2"), book)].status == 503
    assert bench.answers[bench.bet(bet("k1"), book)].status == 200


def test_a_market_of_five_thousand_outcomes_costs_a_bet_no_more_than_its_own_leg() -> None:
    class Counting(dict[str, int]):
        reads = 0

        def get(self, key: str, default: int = 0) -> int:  # type: ignore[override]
            Counting.reads += 1
            return super().get(key, default)

        def __getitem__(self, key: str) -> int:
            Counting.reads += 1
            return super().__getitem__(key)

        def __iter__(self) -> object:  # type: ignore[override]
            raise AssertionError("a rule looked at every outcome")

        keys = items = values = __iter__  # type: ignore[assignment]

    prices = Counting({f"r{n}": 50_000_000 for n in range(5000)})
    bench, book = leading(e1=GivenQuote(selections=prices, market_class=FOOTBALL))
    for n in range(50):
        bench.bet(bet(f"k{n}", selection=f"r{n}", price=50_000_000, stake=UNIT), book)
    bench.store_all()
    assert {reply.status for reply in bench.answers.values()} == {201}
    assert Counting.reads < 50 * 6
