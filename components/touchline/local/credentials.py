"""Each role's broker user and the least that it may publish and subscribe (DESIGN, section 10).

The same table holds in a cluster. Reading a stream or bucket takes several API subjects of JetStream; writing one takes only
its subject. The tokens of `$JS.ACK` and `$JS.FC` change with server 2.15, so those two are granted whole.
"""

import secrets
from collections.abc import Callable, Iterable
from typing import NamedTuple

from touchline.bus import subjects
from touchline.bus.connection import inbox_prefix

ADMIN = "admin"
BOOK = "book"
CLI = "cli"
GATEWAY = "gateway"
RECORDER = "recorder"

_FLOW = ("$JS.ACK.>", "$JS.FC.>")
_ASKERS = (ADMIN, CLI, GATEWAY)
"""Users whose requests a book node answers."""


class User(NamedTuple):
    """One broker user. Empty lists allow nothing; `None` allows everything."""

    name: str
    password: str
    publish: tuple[str, ...] | None
    subscribe: tuple[str, ...] | None

    def entry(self) -> dict[str, object]:
        """The user as nats-server's configuration spells it."""
        entry: dict[str, object] = {"user": self.name, "password": self.password}
        if self.publish is not None and self.subscribe is not None:
            entry["permissions"] = {
                "publish": {"allow": list(self.publish)},
                "subscribe": {"allow": list(self.subscribe)},
            }
        return entry


def ingest_user(provider: str) -> str:
    return f"ingest-{provider}"


def new_password() -> str:
    """A password that nobody has to remember."""
    return secrets.token_urlsafe(24)


def users(*, shards: int, providers: Iterable[str], password: Callable[[str], str]) -> list[User]:
    """Every user of one engine, in a stable order: admin, book, gateway, cli, recorder, then each provider's ingest.

    `password` is asked for each user by name.
    """
    return [
        User(ADMIN, password(ADMIN), None, None),
        _book(password(BOOK), shards),
        _gateway(password(GATEWAY)),
        _cli(password(CLI)),
        _recorder(password(RECORDER), shards),
        *(_ingest(password(ingest_user(provider)), provider) for provider in sorted(providers)),
    ]


def _book(password: str, shards: int) -> User:
    """Makes prices and decisions: the only one that may publish `book.*` and `bets.*`."""
    return User(
        BOOK,
        password,
        publish=(
            "book.>",
            "beat.*",
            "bets.*.*",
            "decided.*",
            subjects.all_probes(),
            subjects.resync("*"),
            *(f"{inbox_prefix(asker)}.>" for asker in _ASKERS),
            *_writes(subjects.LEASE_BUCKET, "shard.*"),
            *_writes(subjects.LEASE_BUCKET, "pending.*"),
            *_writes(subjects.STATUS_BUCKET, "book.*"),
            *_reads_bucket(subjects.CONFIG_BUCKET),
            *_reads_bucket(subjects.LEASE_BUCKET),
            *_opens_bucket(subjects.STATUS_BUCKET),
            *(subject for shard in range(shards) for subject in _reads_stream(subjects.bets_stream(shard))),
            *_FLOW,
        ),
        subscribe=(
            "odds.*.*",
            "control.snapshot.*",
            "control.market.*",
            "bet.*",
            "betlookup.*",
            *_own_inbox(BOOK),
        ),
    )


def _gateway(password: str) -> User:
    """Reads the book and asks for bets; can publish neither prices nor decisions."""
    return User(
        GATEWAY,
        password,
        publish=(
            "control.snapshot.*",
            "control.market.*",
            "bet.*",
            "betlookup.*",
            *_writes(subjects.STATUS_BUCKET, "gateway.*"),
            *_reads_bucket(subjects.CONFIG_BUCKET),
            *_reads_bucket(subjects.STATUS_BUCKET),
            *_FLOW,
        ),
        subscribe=("book.>", "beat.*", "decided.*", *_own_inbox(GATEWAY)),
    )


def _cli(password: str) -> User:
    """A trader at a terminal: halts and resumes, and looks."""
    return User(
        CLI,
        password,
        publish=(
            *_writes(subjects.CONFIG_BUCKET, "Halt.>"),
            *_writes(subjects.CONFIG_BUCKET, "Resume.>"),
            *_reads_bucket(subjects.CONFIG_BUCKET),
            *_reads_bucket(subjects.STATUS_BUCKET),
            *_FLOW,
        ),
        subscribe=_own_inbox(CLI),
    )


def _recorder(password: str, shards: int) -> User:
    """Reads prices and decisions, and is the only one that may write the audit log."""
    sources = (subjects.BOOK_STREAM, *(subjects.bets_stream(shard) for shard in range(shards)))
    return User(
        RECORDER,
        password,
        publish=(
            subjects.AUDIT,
            *_writes(subjects.STATUS_BUCKET, "recorder.*"),
            *_opens_bucket(subjects.STATUS_BUCKET),
            f"$JS.API.STREAM.MSG.GET.{subjects.AUDIT_STREAM}",
            *(subject for stream in (subjects.AUDIT_STREAM, *sources) for subject in _looks_into(stream)),
        ),
        subscribe=_own_inbox(RECORDER),
    )


def _ingest(password: str, provider: str) -> User:
    """One provider's voice: its own capture, quarantine, odds, beats, lease and status, and the map of event identities."""
    return User(
        ingest_user(provider),
        password,
        publish=(
            subjects.raw(provider),
            f"quarantine.{provider}.>",
            f"odds.*.{provider}",
            *_writes(subjects.EVENTS_BUCKET, ">"),
            *_writes(subjects.STATUS_BUCKET, f"ingest.{provider}"),
            *_writes(subjects.STATUS_BUCKET, f"standby.{provider}"),
            *_writes(subjects.LEASE_BUCKET, f"ingest.{provider}"),
            f"$JS.API.STREAM.MSG.GET.KV_{subjects.LEASE_BUCKET}",
            *_reads_bucket(subjects.CONFIG_BUCKET),
            *_reads_bucket(subjects.EVENTS_BUCKET),
            *_opens_bucket(subjects.STATUS_BUCKET),
            *_FLOW,
        ),
        subscribe=(subjects.all_probes(), subjects.resync(provider), *_own_inbox(ingest_user(provider))),
    )


def _own_inbox(user: str) -> tuple[str, ...]:
    return (f"{inbox_prefix(user)}.>",)


def _writes(bucket: str, keys: str) -> tuple[str, ...]:
    return (f"$KV.{bucket}.{keys}",)


def _opens_bucket(bucket: str) -> tuple[str, ...]:
    """What nats-py asks before it hands out a bucket."""
    return (f"$JS.API.STREAM.INFO.KV_{bucket}",)


def _reads_bucket(bucket: str) -> tuple[str, ...]:
    return _reads_stream(f"KV_{bucket}")


def _reads_stream(stream: str) -> tuple[str, ...]:
    """Get messages, and follow with a consumer of one's own."""
    return (
        *_looks_into(stream),
        f"$JS.API.STREAM.MSG.GET.{stream}",
        f"$JS.API.DIRECT.GET.{stream}.>",
        f"$JS.API.CONSUMER.CREATE.{stream}",
        f"$JS.API.CONSUMER.CREATE.{stream}.>",
        f"$JS.API.CONSUMER.INFO.{stream}.*",
        f"$JS.API.CONSUMER.DELETE.{stream}.*",
        f"$JS.API.CONSUMER.MSG.NEXT.{stream}.*",
    )


def _looks_into(stream: str) -> tuple[str, ...]:
    """How far it reaches, and messages by their sequence, without a consumer."""
    return (f"$JS.API.STREAM.INFO.{stream}", f"$JS.API.DIRECT.GET.{stream}")
