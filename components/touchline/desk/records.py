"""What a shard's stream of decisions holds, as JSON objects: the terms of its leaders, and every decision.

The stream is the truth about bets. Everything the desk remembers is made from it again after a takeover, so a record
carries all of that: the request, the prices taken, and the document that the bettor was or will be told.

A record whose `epoch` is lower than that of an `EpochRecord` before it is void: its writer had lost its authority. The store's
own fence (`touchline.desk.store`) keeps such records out; readers hold to the rule all the same.
"""

from enum import StrEnum

import msgspec

from touchline.bus.messages import BetRequest


class DecisionKind(StrEnum):
    """What was decided (PROTOCOL, "decision")."""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"
    REPRICED = "Repriced"
    PENDING = "Pending"
    """Passed the first check; decided when its in-play delay is over."""
    REVIEW = "Review"

    @property
    def final(self) -> bool:
        return self is not DecisionKind.PENDING

    @property
    def word(self) -> str:
        """The word in the stream's subject."""
        return self.value.lower()


class EpochRecord(msgspec.Struct, tag="epoch", tag_field="record"):
    """A leader's first act in its term. From here on, records of lower epochs are void."""

    epoch: int
    node: str
    shard: int
    at: int
    durability: str


class BetRecord(msgspec.Struct, tag="bet", tag_field="record"):
    """One decision. `at` is epoch microseconds; `prices` the micro odds taken, by leg, for accepted and pending bets."""

    epoch: int
    node: str
    at: int
    id: str
    decision: DecisionKind
    request: BetRequest
    document: msgspec.Raw
    """The public decision, as answered."""
    prices: list[int] = []
    delay_us: int = 0
    """Pending: how long after its first check the bet is decided."""


EPOCH_WORD = "epoch"

encode_record = msgspec.json.Encoder().encode
decode_record = msgspec.json.Decoder(EpochRecord | BetRecord).decode
