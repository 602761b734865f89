"""What the desk tells its node to do. Outputs are carried out in the order given."""

from dataclasses import dataclass

from touchline.bus.messages import BetReply, Decided


@dataclass(frozen=True, slots=True)
class Append:
    """Store a record if the stream's last sequence is `expected_seq` and its last epoch record is at `fence_seq`.

    The number alone would not fence: with several appends on their way, a new leader's epoch record may take the place of an older
    one's first record, whose second record then expects just the number that it finds. `fence_seq` is 0 for an epoch record itself.
    `at` is the decision's time on the node's own clock: the store sends nothing that has waited too long.
    """

    token: int
    subject: str
    record: bytes
    expected_seq: int
    msg_id: str
    fence_seq: int
    at: int


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer the request that came with this token."""

    token: int
    reply: BetReply


@dataclass(frozen=True, slots=True)
class Announce:
    """Tell everybody the final decision of a delayed bet."""

    decided: Decided


@dataclass(frozen=True, slots=True)
class StepDown:
    """This node may not decide any longer (or could not begin to). The desk itself has stopped already.

    The node reads the stream to its end and, if it still holds the lease, calls `Desk.lead` again; if that is answered with another
    `StepDown` because the stream knows a later term, it gives the lease up.
    """

    why: str


DeskOutput = Append | Answer | Announce | StepDown
