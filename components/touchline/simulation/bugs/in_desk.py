"""Bugs in deciding bets."""

from touchline.book.outputs import Quote
from touchline.book.shard import ShardBook
from touchline.bus.messages import BetReply, BetRequest
from touchline.desk import judgement
from touchline.desk.desk import Desk
from touchline.desk.judgement import JudgedLeg, Verdict
from touchline.desk.memory import Entry, Memory
from touchline.desk.outputs import Answer, Append, DeskOutput
from touchline.desk.quotes import Prices
from touchline.desk.records import BetRecord, DecisionKind, decode_record
from touchline.simulation.bugs.bug import Bug
from touchline.simulation.patching import Patch


def _answered_before_stored() -> list[Patch]:
    right = Desk.bet

    def bet(self: Desk, now: int, wall: int, request: BetRequest, book: Prices, token: int) -> list[DeskOutput]:
        outputs = right(self, now, wall, request, book, token)
        for output in list(outputs):
            if isinstance(output, Append):
                record = decode_record(output.record)
                if isinstance(record, BetRecord):
                    outputs.append(Answer(token, BetReply(201, record.document)))
        return outputs

    return [Patch(Desk, "bet", bet)]


def _keys_forgotten() -> list[Patch]:
    right = Desk.lead

    def lead(self: Desk, now: int, wall: int, epoch: int) -> list[DeskOutput]:
        self.memory = Memory()
        return right(self, now, wall, epoch)

    return [Patch(Desk, "lead", lead)]


def _no_second_check() -> list[Patch]:
    def check_again(self: Desk, now: int, wall: int, entry: Entry, request: BetRequest, book: Prices) -> Append:  # noqa: ARG001
        self._release(request, entry.prices)
        legs = tuple(JudgedLeg(leg.version, price) for leg, price in zip(request.legs, entry.prices, strict=True))
        return self._decide(now, wall, request, Verdict(DecisionKind.ACCEPTED, legs), entry.bet, [])

    return [Patch(Desk, "_check_again", check_again)]


def _fresh_at_the_last_tick() -> list[Patch]:
    right = ShardBook.quote

    def quote(self: ShardBook, now: int, market: str) -> Quote | None:
        found = right(self, now, market)
        return found._replace(fresh=True) if found is not None else None

    return [Patch(ShardBook, "quote", quote)]


def _terms_ignored() -> list[Patch]:
    return [Patch(judgement, "_check_prices", lambda *_: None)]


DESK_BUGS = (
    Bug("answered-before-stored", "a bettor is told before the decision is stored", _answered_before_stored),
    Bug("keys-forgotten", "a new leader does not know the keys of the one before", _keys_forgotten),
    Bug("no-second-check", "a delayed bet is accepted without being checked again", _no_second_check),
    Bug("fresh-at-the-last-tick", "a bet trusts what the last tick found fresh", _fresh_at_the_last_tick),
    Bug("terms-ignored", "a bet is taken at any price, whatever its bettor allowed", _terms_ignored),
)
