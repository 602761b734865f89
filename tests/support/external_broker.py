"""The permissions that docs/external-nats.md asks for on somebody else's broker: as the page says them, and as the code has them."""

import re
from pathlib import Path
from typing import NamedTuple

from touchline.local import credentials

PAGE = Path(__file__).parents[2] / "docs" / "external-nats.md"
PROVIDER, SHARD = "<provider>", "<shard>"
INBOX = "_INBOX.>"
"""Who logs in with a credentials file has no name of its own to have its inboxes under."""
ROLES = ("book", "gateway", "recorder", "ingest")


class Permissions(NamedTuple):
    """Subjects that a role may publish and subscribe; placeholders stand for each provider and each shard."""

    publish: tuple[str, ...]
    subscribe: tuple[str, ...]

    def block(self) -> str:
        """As the page has it."""
        lines = [
            "publish",
            *(f"  {each}" for each in self.publish),
            "subscribe",
            *(f"  {each}" for each in self.subscribe),
        ]
        return "\n".join(lines) + "\n"

    def filled(self, *, shards: int, providers: list[str]) -> "Permissions":
        """With the names of an engine."""

        def fill(subjects: tuple[str, ...]) -> tuple[str, ...]:
            numbered = [each.replace(SHARD, str(shard)) for each in subjects for shard in range(shards)]
            return tuple(
                dict.fromkeys(each.replace(PROVIDER, provider) for each in numbered for provider in providers or [""])
            )

        return Permissions(fill(self.publish), fill(self.subscribe))


def granted(role: str) -> Permissions:
    """What managed brokers grant a role, with the inboxes of all in one place."""
    name = credentials.ingest_user(PROVIDER) if role == "ingest" else role
    everybody = credentials.users(shards=1, providers=[PROVIDER], password=lambda _: "")
    (user,) = (each for each in everybody if each.name == name)
    assert user.publish is not None
    assert user.subscribe is not None
    return Permissions(_shared(user.publish), _shared(user.subscribe))


def _shared(subjects: tuple[str, ...]) -> tuple[str, ...]:
    inboxes = (re.sub(r"^_INBOX_.*", INBOX, each) for each in subjects)
    return tuple(dict.fromkeys(re.sub(r"\bBETS_0\b", f"BETS_{SHARD}", each) for each in inboxes))


def documented(role: str) -> Permissions:
    """What the page says of a role."""
    _, _, rest = PAGE.read_text(encoding="utf-8").partition(f"### {role}\n")
    block = re.search(r"```text\npublish\n(.*?)subscribe\n(.*?)```", rest, re.DOTALL)
    assert block is not None, f"{PAGE.name} has no list for {role}"
    return Permissions(tuple(block[1].split()), tuple(block[2].split()))


def rewritten() -> str:
    """The page with the lists of the code."""
    text = PAGE.read_text(encoding="utf-8")
    for role in ROLES:
        before, _, rest = text.partition(f"### {role}\n")
        intro, _, after = rest.partition("```text\n")
        text = f"{before}### {role}\n{intro}```text\n{granted(role).block()}```{after.partition('```')[2]}"
    return text
