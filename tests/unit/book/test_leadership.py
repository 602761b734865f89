"""Epochs: a new leader tells everything anew, a standby tells nothing, and both know the same."""

import json

import pytest

from support.book_scene import MS, SECOND, M, Scene, opened
from touchline.book.outputs import Publish
from touchline.bus import wire
from touchline.domain.status import MarketStatus
from touchline.domain.version import Version


def test_a_new_epoch_begins_with_a_state_of_every_market_in_the_order_of_their_ids() -> None:
    scene = opened()
    scene.image("a", {"yes": "2.00"}, market="e1:BothToScore")
    scene.image("a", {"home": "2.00"}, market="e0:MatchWinner")
    scene.take(scene.book.stand_by(scene.now, "lease lost"))
    frames = scene.take(scene.book.lead(scene.now, 5))
    assert [(frame["op"], frame["m"], frame["v"]) for frame in frames] == [
        ("state", "e0:MatchWinner", "5.1"),
        ("state", "e1:BothToScore", "5.2"),
        ("state", M, "5.3"),
    ]
    assert scene.update("a", {"home": "2.02"})[0]["v"] == "5.4"
    assert scene.quote().version == Version(5, 4)


@pytest.mark.parametrize("epoch", [0, 1])
def test_an_epoch_never_comes_twice(epoch: int) -> None:
    scene = opened()
    with pytest.raises(ValueError, match="not above 1"):
        scene.book.lead(scene.now, epoch)


def test_a_standby_publishes_nothing_and_knows_everything() -> None:
    scene = Scene(leading=False)
    scene.image("a", {"home": "2.00", "away": "1.90"})
    scene.beat("a")
    scene.update("a", {"home": "2.02"})
    scene.tick()
    assert scene.published == []
    assert scene.book.seq == 0
    assert scene.price("home") == 2_020_000
    frames = scene.take(scene.book.lead(scene.now, 3))
    assert (frames[0]["status"], frames[0]["sel"]) == ("Open", {"home": "2.02", "away": "1.90"})


def test_a_standby_offers_nothing() -> None:
    scene = Scene(leading=False)
    scene.image("a", {"home": "2.00"})
    scene.beat("a")
    assert (scene.status(), scene.reasons()) == (MarketStatus.SUSPENDED, ["AuthorityLost"])
    scene.take(scene.book.lead(scene.now, 1))
    assert scene.status() is MarketStatus.OPEN
    scene.book.stand_by(scene.now, "a pause")
    assert scene.reasons() == ["AuthorityLost"]


def test_standing_by_twice_says_nothing_the_second_time() -> None:
    scene = opened()
    assert len(scene.book.stand_by(scene.now, "x")) == 1
    assert scene.book.stand_by(scene.now, "x") == []


def test_leader_and_standby_hold_the_same_book_after_the_same_inputs() -> None:
    leader, standby = Scene(), Scene(leading=False)
    for scene in (leader, standby):
        scene.image("a", {"home": "2.00", "away": "1.90"})
        scene.beat("a")
        scene.update("a", {"home": "2.02"})
        scene.pass_time(SECOND)
        scene.pass_time(300 * MS, "a")
    standby.take(standby.book.lead(standby.now, 2))
    mine, other = (json.loads(wire.unpack(scene.book.snapshot()[0][0][1]).body) for scene in (leader, standby))
    assert {key: mine[key] for key in ("status", "holds", "sel", "meta")} == {
        key: other[key] for key in ("status", "holds", "sel", "meta")
    }


def test_a_book_that_leads_before_it_has_heard_anything_holds_what_it_then_hears() -> None:
    scene = Scene()
    outputs = scene.image("a", {"home": "2.00"})
    assert outputs[0]["holds"][0]["reason"] == "StalePrice"
    assert scene.book.quote(scene.now, "e9:MatchWinner") is None
    assert scene.book.explain(scene.now, "e9:MatchWinner") is None


def test_every_update_is_urgent_exactly_when_it_shuts_the_market() -> None:
    scene = opened()
    outputs = scene.book.tick(scene.now + SECOND, scene.wall + SECOND)
    published = [output for output in outputs if isinstance(output, Publish)]
    assert [wire.unpack(update.payload).urgent for update in published] == [True]
