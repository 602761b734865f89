"""Whether everything that an ingest sent has arrived: numbers, incarnations, sets of images (FEEDS, "naive", 9 and 15)."""

from support.book_scene import CLOSED, MS, OPEN, SECOND, WALL, M, Scene, config, meta_of, opened, policy, selections
from touchline.book.link import ASK_AGAIN_US, Link, Sync, Take
from touchline.book.outputs import NoteKind
from touchline.bus.messages import Beat, MarketUpdate, OddsBatch, Resync
from touchline.domain.status import MarketStatus

FIRST, PART, LAST = Resync.FIRST | Resync.PART, Resync.PART, Resync.LAST | Resync.PART
OTHER = "e2:MatchWinner"


def image_of(market: str, home: str = "2.00", status: int = OPEN) -> MarketUpdate:
    names = {"home": "Home", "away": "Away"}
    prices = selections({"home": home, "away": "1.90"})
    return MarketUpdate(
        market, WALL, WALL, int(status), prices, image=True, in_play=0, delay_ms=0, meta=meta_of(market, names)
    )


def test_a_hole_between_two_batches_holds_every_market_of_the_provider() -> None:
    scene = opened()
    scene.image("a", {"home": "2.00"}, market=OTHER)
    scene.batch("a", [MarketUpdate(M, WALL, WALL, sels=selections({"home": "2.02"}))], skip=1)
    assert scene.reasons() == scene.reasons(OTHER) == ["SequenceGap"]
    assert "batch 4 came after batch 2" in scene.quote().holds[0].detail
    assert scene.urgent[-2:] == [True, True]


def test_a_beat_that_names_a_batch_that_never_came_is_a_hole_too() -> None:
    scene = opened()
    scene.beat("a", seqs=[2])
    assert scene.reasons() == ["SequenceGap"]
    assert "a beat names batch 2, 1 is the last that came" in scene.quote().holds[0].detail


def test_what_arrives_while_not_in_sync_is_stored_and_opens_nothing() -> None:
    scene = opened()
    scene.beat("a", seqs=[2])
    scene.seq["a"] = 2
    scene.update("a", {"home": "2.50"}, status=OPEN)
    scene.pass_time(2 * SECOND, "a")
    assert scene.price("home") == 2_500_000
    assert scene.reasons() == ["SequenceGap"]


def test_a_complete_set_of_images_ends_the_hold_and_drops_what_it_does_not_name() -> None:
    scene = opened()
    scene.image("a", {"home": "2.00"}, market=OTHER)
    scene.beat("a", seqs=[9])
    scene.seq["a"] = 9
    scene.batch("a", [image_of(M, "2.20")], resync=FIRST)
    assert scene.reasons() == ["SequenceGap"]
    scene.batch("a", [], resync=LAST)
    assert scene.status() is MarketStatus.OPEN
    assert scene.price("home") == 2_200_000
    assert scene.reasons(OTHER) == ["NoProvider"]


def test_a_hole_inside_the_set_voids_it() -> None:
    scene = opened()
    scene.beat("a", seqs=[5])
    scene.seq["a"] = 5
    scene.batch("a", [image_of(M)], resync=FIRST)
    scene.batch("a", [], resync=LAST, skip=1)
    assert scene.reasons() == ["SequenceGap"]


def test_a_beat_that_is_ahead_inside_the_set_voids_it() -> None:
    scene = opened()
    scene.beat("a", seqs=[5])
    scene.seq["a"] = 5
    scene.batch("a", [image_of(M)], resync=FIRST)
    scene.beat("a", seqs=[7])
    scene.seq["a"] = 7
    scene.batch("a", [], resync=LAST)
    assert scene.reasons() == ["SequenceGap"]


def test_the_end_of_a_set_whose_beginning_was_missed_proves_nothing() -> None:
    scene = opened()
    scene.beat("a", seqs=[5])
    scene.seq["a"] = 5
    scene.batch("a", [image_of(M)], resync=LAST)
    assert scene.reasons() == ["SequenceGap"]


def test_deltas_between_the_images_of_a_set_are_kept() -> None:
    scene = opened()
    scene.beat("a", seqs=[5])
    scene.seq["a"] = 5
    scene.batch("a", [image_of(M, "2.20")], resync=FIRST)
    scene.update("a", {"home": "2.24"})
    scene.batch("a", [image_of(OTHER)], resync=LAST)
    assert scene.status() is MarketStatus.OPEN
    assert scene.price("home") == 2_240_000


def test_a_node_in_sync_takes_the_set_that_another_node_asked_for_as_ordinary_images() -> None:
    scene = opened()
    scene.image("a", {"home": "2.00"}, market=OTHER)
    frames = scene.batch("a", [image_of(OTHER, "2.20")], resync=FIRST)
    assert frames[0]["sel"] == {"home": "2.20", "away": "1.90"}
    scene.batch("a", [], resync=LAST)
    assert scene.status() is MarketStatus.OPEN, "a market that the set does not name is not gone for who is in sync"


def test_a_batch_that_came_already_changes_nothing() -> None:
    scene = opened()
    scene.update("a", {"home": "2.02"})
    scene.seq["a"] -= 1
    assert scene.update("a", {"home": "9.00"}) == []
    assert scene.price("home") == 2_020_000


def test_a_new_incarnation_holds_the_markets_until_its_images_are_complete() -> None:
    scene = opened()
    scene.batch("a", [image_of(M, "2.30")], resync=FIRST, inc="i2")
    assert scene.reasons() == ["Recovering", "StalePrice"], "nothing of the new incarnation has proven its age yet"
    scene.beat("a")
    assert scene.reasons() == ["Recovering"]
    scene.batch("a", [], resync=LAST)
    assert scene.status() is MarketStatus.OPEN


def test_a_replaced_incarnation_is_never_listened_to_again() -> None:
    scene = opened()
    scene.batch("a", [image_of(M, "2.30")], resync=7, inc="i2")
    scene.beat("a")
    old = OddsBatch("a", "i1", 2, [MarketUpdate(M, WALL, WALL, sels=selections({"home": "9.00"}))])
    assert scene.take(scene.book.odds(scene.now, old)) == []
    dead = Beat("a", "i1", "Disconnected", [9], WALL, 0, 0, {"n1": scene.now})
    assert scene.take(scene.book.beat(scene.now, dead)) == []
    assert scene.status() is MarketStatus.OPEN


def test_images_are_asked_for_at_once_and_again_each_second() -> None:
    scene = opened()
    scene.beat("a", seqs=[4])
    scene.tick()
    assert [(ask.provider, ask.request.have_inc, ask.request.have_seq) for ask in scene.asked] == [("a", "i1", 4)]
    scene.pass_time(2_500 * MS, "a", seqs=[4])
    assert len(scene.asked) == 3
    scene.seq["a"] = 4
    scene.batch("a", [image_of(M)], resync=7)
    scene.pass_time(3 * SECOND, "a")
    assert len(scene.asked) == 3


def test_an_incarnation_that_starts_is_given_time_to_send_its_images_by_itself() -> None:
    scene = Scene()
    scene.beat("a", seqs=[0])
    scene.pass_time(ASK_AGAIN_US - 100 * MS, "a", seqs=[0])
    assert scene.asked == []
    scene.pass_time(100 * MS, "a", seqs=[0])
    assert len(scene.asked) == 1


def test_a_node_that_joins_later_asks_at_once() -> None:
    scene = Scene()
    scene.beat("a", seqs=[57])
    scene.tick()
    assert [ask.request.have_seq for ask in scene.asked] == [57]
    scene.seq["a"] = 57
    scene.batch("a", [image_of(M)], resync=7)
    assert scene.status() is MarketStatus.OPEN


def test_a_provider_that_was_never_heard_is_not_asked() -> None:
    scene = Scene()
    scene.pass_time(5 * SECOND)
    assert scene.asked == []


def test_a_delta_of_an_unknown_market_is_refused_with_a_note() -> None:
    scene = opened()
    assert scene.update("a", {"home": "2.00"}, market="e9:MatchWinner") == []
    assert scene.book.quote(scene.now, "e9:MatchWinner") is None
    assert scene.notes[-1].subject == "e9:MatchWinner"


def test_of_hundreds_of_refused_changes_the_first_is_told_and_the_others_are_counted_until_everything_was_told() -> (
    None
):
    scene = Scene()
    scene.seq["a"] = 4  # the node joined while the provider went on
    unknown = [f"e{number}:MatchWinner" for number in range(300)]
    for market in unknown:
        scene.update("a", {"home": "2.00"}, market=market)
    told = [(note.subject, note.text) for note in scene.notes if note.kind is NoteKind.REFUSED]
    assert told == [(unknown[0], "a changes it without having told what it is; others are counted")]
    scene.batch("a", [image_of(M)], resync=FIRST | LAST)
    told = [(note.subject, note.text) for note in scene.notes if note.kind is NoteKind.REFUSED]
    assert told[1:] == [("a", "300 changes of markets that were not told yet were refused meanwhile")]
    scene.update("a", {"home": "2.00"}, market=unknown[0])
    scene.batch("a", [image_of(M)], resync=FIRST | LAST)
    told = [(note.subject, note.text) for note in scene.notes if note.kind is NoteKind.REFUSED]
    assert [subject for subject, _ in told[2:]] == [unknown[0]], "another episode: told once, and one needs no count"


def test_a_malformed_market_id_is_refused_and_the_rest_of_the_batch_is_taken() -> None:
    scene = opened()
    bad = image_of(OTHER)
    bad.market = 'e1:Match"Winner'
    scene.batch("a", [bad, MarketUpdate(M, WALL, WALL, sels=selections({"home": "2.04"}))])
    assert scene.price("home") == 2_040_000
    assert scene.book.quote(scene.now, bad.market) is None


def test_a_malformed_selection_id_is_never_offered() -> None:
    scene = opened()
    scene.update("a", {'ho"me': "2.00", "home": "2.04"})
    assert dict(scene.quote().selections) == {"home": 2_040_000, "draw": 3_500_000, "away": 4_000_000}


def test_an_empty_image_says_that_the_market_is_gone_for_the_provider() -> None:
    scene = opened()
    scene.batch("a", [MarketUpdate(M, WALL, WALL, image=True)])
    assert scene.reasons() == ["NoProvider"]


def test_a_market_that_nobody_offers_any_more_leaves_the_book_after_a_while() -> None:
    scene = opened()
    scene.batch("a", [MarketUpdate(M, WALL, WALL, image=True)])
    scene.pass_time(599 * SECOND, "a", step_us=SECOND)
    assert M in scene.reader.markets
    frames = scene.pass_time(2 * SECOND, "a", step_us=SECOND)
    assert [frame["op"] for frame in frames] == ["gone"]
    assert scene.book.quote(scene.now, M) is None
    scene.image("a", {"home": "2.00", "away": "2.00"})
    assert scene.status() is MarketStatus.OPEN


def test_a_market_that_is_offered_again_in_time_stays() -> None:
    scene = opened()
    scene.batch("a", [MarketUpdate(M, WALL, WALL, image=True)])
    scene.pass_time(300 * SECOND, "a", step_us=SECOND)
    scene.image("a", {"home": "2.00", "away": "2.00"})
    scene.pass_time(600 * SECOND, "a", step_us=100 * MS)
    assert scene.status() is MarketStatus.OPEN


def test_the_policys_gap_trigger_adds_its_cool_down() -> None:
    scene = opened(config(policy({"name": "gap", "type": "SequenceGap"}, coolDown="5s")))
    scene.beat("a", seqs=[2])
    assert scene.causes() == ["sync", "policy/policy/gap"]
    scene.seq["a"] = 2
    scene.batch("a", [image_of(M)], resync=7)
    assert scene.reasons() == ["CoolDown"]
    scene.pass_time(5 * SECOND, "a")
    assert scene.status() is MarketStatus.OPEN


def test_a_restart_of_ingest_is_no_gap() -> None:
    scene = opened(config(policy({"name": "gap", "type": "SequenceGap"})))
    scene.batch("a", [], resync=0, inc="i2")
    assert "policy/policy/gap" not in scene.causes()


def test_status_and_results_of_a_set_replace_the_old_ones() -> None:
    scene = opened()
    scene.beat("a", seqs=[5])
    scene.seq["a"] = 5
    scene.batch("a", [image_of(M, status=CLOSED)], resync=7)
    assert scene.status() is MarketStatus.CLOSED


def test_a_link_judges_numbers_without_a_book() -> None:
    link = Link("a")
    assert link.take(0, OddsBatch("a", "x", 1, [], 7)) is Take.APPLY_LAST
    link.complete()
    assert link.take(0, OddsBatch("a", "x", 2, [])) is Take.APPLY
    assert link.take(0, OddsBatch("a", "x", 2, [])) is Take.DROP
    assert _sync(link) == Sync.IN_SYNC
    assert link.take(0, OddsBatch("a", "x", 4, [])) is Take.APPLY
    assert _sync(link) == Sync.GAP
    assert link.take(0, OddsBatch("a", "y", 1, [])) is Take.APPLY
    assert _sync(link) == Sync.RECOVERING
    assert link.take(0, OddsBatch("a", "x", 5, [])) is Take.DROP


def _sync(link: Link) -> Sync:
    return link.sync
