"""Messages of raw capture: what is packed comes apart exactly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchline.bus.raw import FRAMES, RECEIVED, RawError, RawFrame, pack, unpack

FIRST_US = 1_790_000_000_000_000
arrivals = st.lists(st.tuples(st.binary(max_size=60), st.integers(0, 5_000)), min_size=1, max_size=20)


@given(arrivals, st.integers(1, 2**40))
def test_frames_come_apart_as_they_were_received(arrived: list[tuple[bytes, int]], first: int) -> None:
    at, frames = FIRST_US, []
    for index, (frame, later) in enumerate(arrived):
        at += later
        frames.append(RawFrame(at, "run.1", first + index, frame))
    headers, payload = pack(frames)
    assert payload == b"".join(frame for frame, _ in arrived)
    assert unpack(headers, payload) == frames
    assert (FRAMES in headers) == (len(frames) > 1)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({RECEIVED: "soon"}, "soon"),
        ({FRAMES: "3+0,4+0"}, "names 7 bytes, there are 6"),
        ({FRAMES: "3,3"}, "not a message of raw capture"),
    ],
)
def test_a_message_that_contradicts_itself_is_an_error(change: dict[str, str], complaint: str) -> None:
    headers, payload = pack([RawFrame(1, "run.1", 1, b"abc"), RawFrame(2, "run.1", 2, b"def")])
    with pytest.raises(RawError, match=complaint.replace(",", r"\,")):
        unpack(headers | change, payload)


def test_a_message_without_its_headers_is_an_error() -> None:
    with pytest.raises(RawError, match="Touchline-Recv-Ns"):
        unpack({}, b"abc")
