"""Versions `(epoch, seq)`: how readers know that they only move forward.

`epoch` counts the changes of a shard's leadership, `seq` the book updates of that shard within the epoch (one counter for
all markets of the shard, so a reader of the whole shard sees a missing update as a hole). A market's version is the
`(epoch, seq)` of its last update. Text form: `"<epoch>.<seq>"`.
"""

from typing import NamedTuple


class VersionError(ValueError):
    """A text that is not `<epoch>.<seq>` with two non-negative integers."""


class Version(NamedTuple):
    """Ordered as a tuple: first by epoch, then by seq. `Version(0, 0)` is older than every published version."""

    epoch: int
    seq: int

    def __str__(self) -> str:
        return f"{self.epoch}.{self.seq}"

    @classmethod
    def parse(cls, text: str) -> "Version":
        """Read `"3.1187"`.

        Raises:
            VersionError: the text has another form.
        """
        epoch, dot, seq = text.partition(".")
        if not dot or not (epoch.isascii() and epoch.isdigit() and seq.isascii() and seq.isdigit()) or len(text) > 40:
            raise VersionError(f"{text!r} is not a version: write <epoch>.<seq>, for example 3.1187")
        return cls(int(epoch), int(seq))


NEVER = Version(0, 0)
