"""What goes wrong with each try is told once, and again when it is another trouble or has been over meanwhile."""

import logging

import pytest

from touchline.bus.trouble import Trouble


def test_the_same_trouble_is_told_once_another_one_and_a_new_one_again(caplog: pytest.LogCaptureFixture) -> None:
    trouble = Trouble(logging.getLogger("here"))
    for text in ("no bucket", "no bucket", "no answer", "no bucket"):
        trouble.tell(text)
    trouble.over()
    trouble.over()
    trouble.tell("no bucket")
    assert caplog.messages == ["no bucket", "no answer", "no bucket", "no bucket"]
    assert {(record.name, record.levelname) for record in caplog.records} == {("here", "WARNING")}


def test_troubles_about_different_things_do_not_hide_one_another(caplog: pytest.LogCaptureFixture) -> None:
    trouble = Trouble(logging.getLogger("here"))
    for _ in range(3):
        for shard in ("0", "1"):
            trouble.tell(f"shard {shard} cannot be read", about=shard)
    trouble.over(about="1")
    trouble.tell("shard 0 cannot be read", about="0")
    trouble.tell("shard 1 cannot be read", about="1")
    assert caplog.messages == ["shard 0 cannot be read", "shard 1 cannot be read", "shard 1 cannot be read"]
    trouble.over()
    trouble.tell("shard 0 cannot be read", about="0")
    assert len(caplog.messages) == 4
