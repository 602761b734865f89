"""Who may say what: the broker's users against a golden file, and the rules that must hold whatever the file says."""

import json
from pathlib import Path

import pytest

from touchline.local import credentials

GOLDEN = Path(__file__).parent / "golden" / "users.json"
USERS = {
    user.name: user
    for user in credentials.users(shards=2, providers=["betfair", "another"], password=lambda name: f"secret of {name}")
}


def allows(patterns: tuple[str, ...] | None, subject: str) -> bool:
    """Whether a list of NATS subject patterns covers a subject (written out on its own, as the server defines it)."""
    if patterns is None:
        return True
    words = subject.split(".")
    for pattern in patterns:
        parts = pattern.split(".")
        if parts[-1] == ">":
            fits = len(words) >= len(parts)
            parts = parts[:-1]
        else:
            fits = len(words) == len(parts)
        if fits and all(part in {"*", word} for part, word in zip(parts, words, strict=False)):
            return True
    return False


def test_users_and_permissions_are_those_of_the_golden_file() -> None:
    """After a deliberate change: write `json.dumps([user.entry() …], indent=2)` to the file and read its diff."""
    entries = [user.entry() for user in USERS.values()]
    assert json.loads(GOLDEN.read_text()) == entries


@pytest.mark.parametrize("user", ["gateway", "cli", "ingest-betfair"])
@pytest.mark.parametrize(
    "subject", ["book.0.Football.epl.e1.MatchWinner", "bets.accepted.0", "decided.0", "beat.0", "$KV.lease.shard.0"]
)
def test_only_the_book_makes_prices_and_decisions(user: str, subject: str) -> None:
    assert allows(USERS["book"].publish, subject)
    assert not allows(USERS[user].publish, subject)


@pytest.mark.parametrize(
    "subject",
    [
        "raw.betfair",
        "quarantine.betfair.UnknownTeam",
        "odds.1.betfair",
        "odds.beat.betfair",
        "$KV.status.ingest.betfair",
        "$KV.status.standby.betfair",
        "$KV.lease.ingest.betfair",
    ],
)
def test_an_ingest_speaks_for_its_own_provider_only(subject: str) -> None:
    assert allows(USERS["ingest-betfair"].publish, subject)
    for other in ("ingest-another", "gateway", "book", "cli"):
        assert not allows(USERS[other].publish, subject)


def test_only_the_recorder_writes_the_log_and_it_writes_nothing_else() -> None:
    recorder = USERS["recorder"]
    assert [user.name for user in USERS.values() if allows(user.publish, "audit.segment")] == ["admin", "recorder"]
    for subject in ("book.0.Football.epl.e1.MatchWinner", "bets.accepted.0", "$KV.lease.shard.0", "$KV.status.book.x"):
        assert not allows(recorder.publish, subject)


@pytest.mark.parametrize("key", ["FeedProvider.betfair", "Market.x", "OddsEngine.main"])
def test_nobody_but_the_administrator_writes_resources(key: str) -> None:
    assert [user.name for user in USERS.values() if allows(user.publish, f"$KV.config.{key}")] == ["admin"]


def test_a_trader_halts_and_resumes() -> None:
    for key in ("Halt.market.6531", "Resume.event.6531"):
        assert allows(USERS["cli"].publish, f"$KV.config.{key}")


def test_nobody_hears_another_users_replies() -> None:
    for user in USERS.values():
        for other in USERS.values():
            if user is not other and user.subscribe is not None:
                assert not allows(user.subscribe, f"_INBOX_{other.name}.x.y")


def test_nobody_but_the_administrator_makes_or_deletes_streams() -> None:
    for subject in (
        "$JS.API.STREAM.CREATE.X",
        "$JS.API.STREAM.DELETE.BETS_0",
        "$JS.API.STREAM.PURGE.BETS_0",
        "$JS.API.STREAM.UPDATE.BETS_0",
    ):
        assert [user.name for user in USERS.values() if allows(user.publish, subject)] == ["admin"]


def test_everybody_who_follows_a_stream_may_acknowledge_and_answer_flow_control() -> None:
    followers = [user for user in USERS.values() if allows(user.publish, "$JS.API.CONSUMER.CREATE.KV_config.c")]
    assert {*USERS} - {user.name for user in followers} == {"recorder"}
    for user in followers:
        assert allows(user.publish, "$JS.ACK.BETS_0.c.1.2.3.4.5")
        assert allows(user.publish, "$JS.FC.KV_config.c.x")
