"""Two incarnations of one provider's ingest: a reader only moves forward, whatever the order in which messages come.

The property is told as the broker allows it: each incarnation's messages come in their order, but those of one that lost the lease may come
at any time after its successor's, and some never.
"""

from hypothesis import given
from hypothesis import strategies as st

from touchline.book.config import ProviderConfig
from touchline.book.link import BACK_AFTER_US, Link, Take
from touchline.bus.messages import Beat, OddsBatch, Resync
from touchline.domain.incarnation import epoch_of
from touchline.domain.status import ProviderState

SECOND = 1_000_000
WHOLE = int(Resync.FIRST | Resync.LAST)
NODE = "book-a"


def link() -> Link:
    made = Link("alpha")
    made.config = ProviderConfig("alpha")
    return made


def batch(inc: str, seq: int, resync: int = 0) -> OddsBatch:
    return OddsBatch("alpha", inc, seq, [], resync)


def beat(inc: str, seq: int, echo: int) -> Beat:
    return Beat("alpha", inc, ProviderState.CONNECTED.value, [seq], 0, 0, 0, {NODE: echo})


def test_a_batch_of_a_lower_epoch_is_dropped_even_by_a_reader_that_never_heard_its_incarnation() -> None:
    reader = link()
    assert reader.take(0, batch("2-b", 1, WHOLE)) is Take.APPLY_LAST
    reader.complete()
    assert reader.take(1, batch("1-a", 1, WHOLE)) is Take.DROP
    assert reader.take(2, batch("1-a", 7)) is Take.DROP
    assert not reader.hear(3, beat("1-a", 7, 2), 0, NODE)
    assert (reader.inc, reader.in_sync) == ("2-b", True)


def test_a_higher_epoch_replaces_at_once() -> None:
    reader = link()
    reader.take(0, batch("2-b", 1, WHOLE))
    assert reader.take(1, batch("3-c", 1, WHOLE)) is Take.APPLY_LAST
    assert reader.inc == "3-c"


def test_epochs_that_began_anew_are_believed_once_their_holder_proves_to_live_and_the_other_does_not() -> None:
    """The bucket of leases was lost: nobody would ever be heard again."""
    reader = link()
    reader.hear(10 * SECOND, beat("9-a", 0, 10 * SECOND), 0, NODE)
    now = 10 * SECOND + BACK_AFTER_US
    assert not reader.hear(now, beat("1-b", 0, now), 0, NODE)
    assert reader.hear(now + 1, beat("1-b", 0, now + 1), 0, NODE)
    assert reader.inc == "1-b"


def test_an_incarnation_without_an_epoch_is_met_as_ever() -> None:
    reader = link()
    reader.take(0, batch("5-a", 1, WHOLE))
    assert reader.take(1, batch("i6", 1, WHOLE)) is Take.APPLY_LAST
    assert reader.inc == "i6"
    assert reader.take(2, batch("5-a", 2)) is Take.DROP, "it was replaced"


@st.composite
def takeovers(draw: st.DrawFn) -> list[tuple[int, Beat | OddsBatch]]:
    """What a reader receives, with its time: terms that follow one another, each one's last words delayed at will.

    In a term's time its holder publishes batches and beats that echo stamps of at most that time; the next term begins later.
    """
    at = 0
    sent: list[tuple[int, Beat | OddsBatch]] = []
    for epoch in range(1, draw(st.integers(2, 5)) + 1):
        inc, last = f"{epoch}-run{draw(st.integers(0, 2))}", 0
        for seq in range(1, draw(st.integers(1, 6)) + 1):
            at += draw(st.integers(1, 400_000))
            message: Beat | OddsBatch = (
                batch(inc, seq, WHOLE if seq == 1 else 0)
                if draw(st.booleans())
                else beat(inc, seq, at - draw(st.integers(0, min(at, 300_000))))
            )
            # What is on its way comes in the order in which it was sent, as on one connection.
            last = max(last, at + draw(st.sampled_from([0, 0, 1_000, 500_000, 5_000_000, 60_000_000])))
            if draw(st.integers(0, 4)):
                sent.append((last, message))
        at += 300_000  # the margin of a lease at least
    return sorted(sent, key=lambda one: one[0])


@given(takeovers())
def test_a_reader_never_goes_back_to_an_earlier_term(received: list[tuple[int, Beat | OddsBatch]]) -> None:
    reader, newest = link(), 0
    for now, message in received:
        epoch = epoch_of(message.inc)
        if isinstance(message, Beat):
            taken = reader.hear(now, message, 0, NODE)
        else:
            what = reader.take(now, message)
            taken = what is not Take.DROP
            if what is Take.APPLY_LAST:
                reader.complete()
        if taken:
            assert epoch >= newest, f"{message} was taken after a word of epoch {newest}"
            newest = epoch
        assert epoch_of(reader.inc) == newest
