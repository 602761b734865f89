"""Topics: what a client may subscribe to, and which of them a market belongs to.

`sport:Football`, `league:eng-premier-league`, `event:e7f3a1`, `type:MatchWinner` (with all its lines), `market:e7f3a1:TotalGoals:2.5`,
and `*` for everything. Comparison is exact: sport, league, event and type are the tokens of the update's subject.
"""

from typing import NamedTuple

from touchline.domain.keys import MalformedKey, MarketKey, is_token

ALL = "*"
KINDS = ("sport", "league", "event", "type", "market")


class MalformedTopic(ValueError):
    """A text that is not a topic; the message says how to write one."""


class Subject(NamedTuple):
    """A `book.*` subject taken apart."""

    shard: int
    sport: str
    league: str
    event: str
    type: str

    @classmethod
    def parse(cls, text: str) -> "Subject":
        """Read `book.<shard>.<sport>.<league>.<event>.<type>`.

        Raises:
            ValueError: the text has another form.
        """
        parts = text.split(".")
        if len(parts) != 6 or parts[0] != "book" or not parts[1].isdecimal():
            raise ValueError(f"{text!r} is not a subject of the book")
        return cls(int(parts[1]), *parts[2:])

    def topics(self, market: str) -> tuple[str, ...]:
        """Every topic that a market on this subject belongs to."""
        return (
            ALL,
            f"sport:{self.sport}",
            f"league:{self.league}",
            f"event:{self.event}",
            f"type:{self.type}",
            f"market:{market}",
        )


def parse_topic(text: str) -> str:
    """The same text, if it is a topic.

    Raises:
        MalformedTopic: it is not one.
    """
    if text == ALL:
        return text
    kind, colon, name = text.partition(":")
    if not colon or kind not in KINDS:
        raise MalformedTopic(
            f"{text[:80]!r} is not a topic: write '*' or one of {', '.join(KINDS)} with ':' and a name"
        )
    if kind == "market":
        try:
            MarketKey.parse(name)
        except MalformedKey as error:
            raise MalformedTopic(str(error)) from error
    elif not is_token(name):
        raise MalformedTopic(f"{text[:80]!r}: the name must be 1-64 letters, digits, '_' or '-'")
    return text
