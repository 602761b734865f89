"""What the simulation found in the product, each as small as it can be told. Unlike seeds, these do not age."""

from touchline.book.config import ProviderConfig
from touchline.book.link import BACK_AFTER_US, Link
from touchline.bus.messages import Beat, ShardBeat
from touchline.bus.wire import BookFrame, SnapshotEnd, pack, unpack
from touchline.domain.status import ProviderState
from touchline.gateway.frames import read_frames
from touchline.gateway.hub import Hub
from touchline.gateway.identity import Identity
from touchline.gateway.outputs import HubOutput, Write
from touchline.ingest.health import Health, Thresholds

SECOND = 1_000_000
THRESHOLDS = Thresholds(3 * SECOND, SECOND, 10_000, 3, 60 * SECOND, 990_000, synchronised=False)
SUBJECT = "book.0.Football.eng-premier-league.e1.MatchWinner"
MARKET = "e1:MatchWinner"


def _beat(inc: str, echo: int) -> Beat:
    return Beat("alpha", inc, ProviderState.CONNECTED.value, [0], 0, 0, 0, {"book-a": echo})


def _link() -> Link:
    link = Link("alpha")
    link.config = ProviderConfig("alpha")
    return link


def test_a_stamp_from_the_future_is_not_ours() -> None:
    link = _link()
    now = 5 * SECOND
    assert link.hear(now, _beat("1", 900 * SECOND), 0, "book-a")
    assert link.echo == -1, "nothing is proven by another clock"
    assert link.hear(now + SECOND, _beat("1", now), 0, "book-a"), "our own stamps count as soon as they come"
    assert link.echo == now


def test_a_late_word_of_a_dead_ingest_does_not_replace_the_living_one_for_ever() -> None:
    link = _link()
    link.hear(10 * SECOND, _beat("2", 10 * SECOND), 0, "book-a")
    link.hear(11 * SECOND, _beat("1", 9 * SECOND), 0, "book-a")
    assert link.inc == "1", "what was never heard of could be newer"
    link.hear(11 * SECOND + BACK_AFTER_US, _beat("2", 11 * SECOND + BACK_AFTER_US - 1), 0, "book-a")
    assert link.inc == "1"
    now = 11 * SECOND + BACK_AFTER_US + 1
    assert link.hear(now, _beat("2", now), 0, "book-a")
    assert link.inc == "2", "it proves to live, and the other one does not"


def test_a_replaced_ingest_stays_replaced_while_its_successor_lives() -> None:
    link = _link()
    link.hear(0, _beat("1", 0), 0, "book-a")
    for tick in range(1, 100):
        now = tick * SECOND // 10
        link.hear(now, _beat("2", now), 0, "book-a")
        assert not link.hear(now, _beat("1", now), 0, "book-a")
    assert link.inc == "2"


def test_a_heartbeat_that_was_held_back_breaks_no_silence() -> None:
    health = Health(0, THRESHOLDS)
    for tick in range(20):
        health.alive(tick * SECOND, tick * SECOND + 5_000, tick * SECOND, heartbeat=True)
    assert health.silence_us(19 * SECOND) == 0
    health.alive(25 * SECOND, 25 * SECOND + 5_000, 20 * SECOND, heartbeat=True)
    assert health.silence_us(25 * SECOND) == 5 * SECOND
    health.alive(26 * SECOND, 26 * SECOND + 5_000, 26 * SECOND, heartbeat=True)
    assert health.silence_us(26 * SECOND) == 0


def _state(epoch: int, seq: int) -> BookFrame:
    body = b'{"op":"state","m":"%b","v":"%d.%d","status":"Open","holds":[],"sel":{"home":"2.10"}}' % (
        MARKET.encode(),
        epoch,
        seq,
    )
    return unpack(pack("S", False, epoch, seq, 0, MARKET, body))


def _delta(epoch: int, prev: int, seq: int) -> BookFrame:
    body = b'{"op":"delta","m":"%b","p":"%d.%d","v":"%d.%d","sel":{"home":"2.20"}}' % (
        MARKET.encode(),
        epoch,
        prev,
        epoch,
        seq,
    )
    return unpack(pack("D", False, epoch, seq, prev, MARKET, body))


def _told(outputs: list[HubOutput]) -> list[tuple[str, str | None, str]]:
    objects = [one for output in outputs if isinstance(output, Write) for one in read_frames(output.payload)]
    return [(one["op"], one.get("p"), one["v"]) for one in objects if "v" in one]


def test_a_client_that_was_further_than_this_gateway_is_sent_nothing_older() -> None:
    hub = Hub(shards=1)
    hub.tick(0, SECOND)
    hub.snapshot(0, 0, [(SUBJECT, _state(1, 5))], SnapshotEnd(1, 5))
    hub.shard_beat(0, ShardBeat(0, 1, 5, "book-a", 0))
    hub.flush(0)
    hub.connect(0, "client", Identity("anna"))
    command = b'{"id":1,"op":"subscribe","topics":["sport:Football"],"resume":{"e1:MatchWinner":"1.7"}}'
    assert _told(hub.command(0, "client", command)) == [("state", None, "1.07")], "shut, as new as what the client has"
    hub.book(1, SUBJECT, _delta(1, 5, 6))
    assert _told(hub.flush(1)) == []
    hub.book(2, SUBJECT, _delta(1, 6, 7))
    assert _told(hub.flush(2)) == [("state", None, "1.7")]
    hub.book(3, SUBJECT, _delta(1, 7, 8))
    assert _told(hub.flush(3)) == [("delta", "1.7", "1.8")], "in step from here on"
