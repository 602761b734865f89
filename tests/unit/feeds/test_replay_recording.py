"""Reading recorded files: every shape, every compression, every way in which a file can be broken."""

import bz2
import gzip
import json
from pathlib import Path

import pytest

from support.betfair_messages import heartbeat, image, mcm
from touchline.feeds.interface import FrameTooLong, TransportError
from touchline.feeds.replay.recording import Recording

LINES = [mcm(image(), clk=f"c{number}") for number in range(200)]


def frames(path: Path) -> list[bytes]:
    return [line.frame for line in Recording(path).lines()]


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("pack", [bytes, bz2.compress, gzip.compress], ids=["plain", "bz2", "gz"])
def test_a_frame_is_exactly_the_line_whatever_the_compression_and_line_ends(
    tmp_path: Path, pack: type[bytes], end: bytes
) -> None:
    path = tmp_path / "no-telling-name"
    path.write_bytes(pack(end.join(LINES) + end))
    assert frames(path) == LINES


def test_several_compressed_streams_in_one_file_are_read_on(tmp_path: Path) -> None:
    path = tmp_path / "r.bz2"
    path.write_bytes(bz2.compress(b"\n".join(LINES[:100]) + b"\n") + bz2.compress(b"\n".join(LINES[100:])))
    assert frames(path) == LINES


def test_blank_lines_are_no_frames_and_a_last_line_needs_no_end(tmp_path: Path) -> None:
    path = tmp_path / "r"
    path.write_bytes(b"\n\r\n".join(LINES[:3]))
    assert frames(path) == LINES[:3]


def test_lines_are_numbered_as_an_editor_shows_them(tmp_path: Path) -> None:
    path = tmp_path / "r"
    path.write_bytes(LINES[0] + b"\n\n" + LINES[1] + b"\n")
    assert [line.number for line in Recording(path).lines()] == [1, 3]


def test_a_byte_order_mark_stays_part_of_its_frame(tmp_path: Path) -> None:
    path = tmp_path / "r"
    path.write_bytes(b"\xef\xbb\xbf" + LINES[0] + b"\n" + LINES[1])
    assert frames(path) == [b"\xef\xbb\xbf" + LINES[0], LINES[1]]


def test_one_message_over_many_lines_is_one_frame(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    document = json.dumps(json.loads(LINES[0]), indent=2).encode()
    path.write_bytes(document + b"\n")
    assert frames(path) == [document]


@pytest.mark.parametrize("indent", [None, 2])
def test_an_array_of_messages_is_one_frame_for_each(tmp_path: Path, indent: int | None) -> None:
    path = tmp_path / "r.json"
    messages = [json.loads(line) for line in (LINES[0], heartbeat())]
    path.write_text(json.dumps(messages, indent=indent))
    assert [json.loads(frame) for frame in frames(path)] == messages
    assert all(frame in path.read_bytes() for frame in frames(path))


def test_a_broken_first_line_does_not_stop_the_others(tmp_path: Path) -> None:
    path = tmp_path / "r"
    path.write_bytes(b"{broken\n" + LINES[0] + b"\n")
    assert frames(path) == [b"{broken", LINES[0]]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(TransportError, match=r"nowhere\.bz2: cannot be read: No such file"):
        Recording(tmp_path / "nowhere.bz2")


def test_a_folder_is_not_a_recording(tmp_path: Path) -> None:
    with pytest.raises(TransportError, match="Is a directory"):
        Recording(tmp_path)


@pytest.mark.parametrize("content", [b"", bz2.compress(b""), gzip.compress(b"")], ids=["plain", "bz2", "gz"])
def test_an_empty_file_is_said_to_be_empty(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "r"
    path.write_bytes(content)
    with pytest.raises(TransportError, match="is empty"):
        Recording(path)


def test_an_archive_is_to_be_unpacked_first(tmp_path: Path) -> None:
    path = tmp_path / "r.zip"
    path.write_bytes(b"PK\x03\x04whatever")
    with pytest.raises(TransportError, match="unpack it first"):
        Recording(path)


@pytest.mark.parametrize("pack", [bz2.compress, gzip.compress], ids=["bz2", "gz"])
def test_a_file_that_breaks_off_gives_what_it_has_and_then_names_file_and_line(
    tmp_path: Path, pack: type[bytes]
) -> None:
    path = tmp_path / "half"
    content = b"".join(
        json.dumps({"op": "mcm", "pt": number, "clk": str(number * 7919)}).encode() + b"\n" for number in range(60_000)
    )
    packed = pack(content)
    path.write_bytes(packed[: len(packed) * 9 // 10])
    lines = Recording(path).lines()
    got = []
    with pytest.raises(TransportError, match=r"half, after line [0-9]+: "):  # noqa: PT012 - what came before counts too
        for line in lines:
            got.append(line.frame)
    assert len(got) > 1000
    assert content.startswith(b"\n".join(got[:-1]))


def test_damaged_bytes_name_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "damaged.bz2"
    path.write_bytes(b"BZh9" + b"no such block" * 10)
    with pytest.raises(TransportError, match=r"damaged\.bz2: cannot be read"):
        Recording(path)


def test_a_line_without_end_is_refused_with_its_head_and_never_held(tmp_path: Path) -> None:
    path = tmp_path / "r"
    path.write_bytes(LINES[0] + b"\n" + b"x" * 100_000)
    recording = Recording(path, max_frame=10_000)
    lines = recording.lines()
    assert next(lines).frame == LINES[0]
    with pytest.raises(FrameTooLong, match="line 2: longer than 10000 bytes") as refusal:
        next(lines)
    assert refusal.value.head == b"x" * 1024


def test_a_line_of_exactly_the_bound_passes(tmp_path: Path) -> None:
    path = tmp_path / "r"
    path.write_bytes(LINES[0] + b"\n" + b"x" * 10_000 + b"\n")
    assert len([line.frame for line in Recording(path, max_frame=10_000).lines()][1]) == 10_000


def test_the_position_moves_through_the_file(tmp_path: Path) -> None:
    path = tmp_path / "r"
    path.write_bytes(b"\n".join(LINES * 100))
    recording = Recording(path)
    lines = recording.lines()
    next(lines)
    first = recording.position
    assert 0 < first < recording.size
    assert len(list(lines)) == len(LINES) * 100 - 1
    assert recording.position == recording.size
