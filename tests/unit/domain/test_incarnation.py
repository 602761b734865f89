"""Names of incarnations and their order."""

import pytest

from touchline.domain.incarnation import epoch_of, incarnation, superseded


@pytest.mark.parametrize(
    ("name", "epoch"),
    [("17-a3f", 17), ("1-1", 1), ("a3f9", 0), ("alpha-1", 0), ("17", 0), ("", 0), ("-1", 0), ("²-x", 0)],
)
def test_the_epoch_stands_before_the_first_dash(name: str, epoch: int) -> None:
    assert epoch_of(name) == epoch


def test_a_name_tells_its_epoch() -> None:
    assert epoch_of(incarnation(12, "0af3")) == 12


@pytest.mark.parametrize(
    ("name", "by", "expected"),
    [
        ("1-a", "2-b", True),
        ("2-b", "1-a", False),
        ("9-a", "10-b", True),
        ("2-a", "2-b", True),
        ("2-a", "2-a", False),
        ("a", "2-b", False),
        ("2-b", "a", False),
        ("1-a", "", False),
        ("alpha-1", "alpha-2", False),
    ],
)
def test_only_epochs_are_compared_and_none_is_shared(name: str, by: str, expected: bool) -> None:
    assert superseded(name, by) is expected
