"""The auditor: reads an engine's decisions from the broker and compares them with what bettors were told and with the provider's truth."""

import json
from dataclasses import dataclass
from typing import Any

from support.bettors import Answers
from support.led import once_led
from support.stored import Auditable, read_messages
from touchline.bus import subjects
from touchline.bus.listing import keys_of
from touchline.desk.records import BetRecord, EpochRecord, decode_record

_TYPES = {"MATCH_ODDS": "MatchWinner", "OVER_UNDER_25": "TotalGoals"}
"""As the quickstart's EntityMap has it."""

SLACK_US = 300_000
"""Between a change at the simulator and its record, and between the clocks' readings: the machines are shared."""


@dataclass
class Audit:
    """Every decision of an engine in stored order, by shard."""

    records: dict[int, list[EpochRecord | BetRecord]]

    @property
    def bets(self) -> list[BetRecord]:
        return [record for records in self.records.values() for record in records if isinstance(record, BetRecord)]

    @property
    def epochs(self) -> dict[int, int]:
        """The newest epoch of each shard."""
        return {shard: max((record.epoch for record in records), default=0) for shard, records in self.records.items()}

    def final(self) -> dict[str, BetRecord]:
        """The one final decision of each key.

        Raises:
            AssertionError: a bet was decided twice.
        """
        found: dict[str, BetRecord] = {}
        for record in self.bets:
            if record.decision.final:
                name = f"{record.request.customer}/{record.request.key}"
                assert name not in found, f"bet {name} was decided twice: {found[name]} and {record}"
                found[name] = record
        return {record.request.key: record for record in found.values()}

    def check(self, answers: Answers) -> None:
        """Nothing that a bettor was told is missing or different, epochs only rise, nothing was decided twice.

        Raises:
            AssertionError: one of it is not so.
        """
        final = self.final()
        for key, told in answers.final.items():
            assert key in final, f"bettor was told {told['decision']} on {key}, but no decision is stored"
            assert json.loads(bytes(final[key].document)) == told
        for shard, records in self.records.items():
            epochs = [record.epoch for record in records]
            assert epochs == sorted(epochs), f"epochs of shard {shard} go back: {epochs}"


async def audit(engine: Auditable) -> Audit:
    """Read every stored decision."""
    nc = await engine.admin()
    try:
        js = nc.jetstream(timeout=5)
        names = [info.config.name or "" for info in await once_led(js.streams_info)]
        records: dict[int, list[EpochRecord | BetRecord]] = {}
        for name in sorted(name for name in names if name.startswith("BETS_")):
            shard = int(name.removeprefix("BETS_"))
            records[shard] = []
            async for message in read_messages(nc, name, subjects.bets("*", shard)):
                records[shard].append(decode_record(message.data))
        return Audit(records)
    finally:
        await nc.close()


async def truth(engine: Auditable) -> dict[str, dict[str, Any]]:
    """What each simulated provider really said, and when: by provider, then by its own market id."""
    found: dict[str, dict[str, Any]] = {}
    for simulator in await engine.simulated():
        found |= {name: provider["markets"] for name, provider in simulator["providers"].items()}
    return found


async def check_against_truth(
    engine: Auditable, told: dict[str, dict[str, Any]], records: list[BetRecord], max_age_us: int
) -> int:
    """Every accepted price was one that some provider offered, on an open market, within `max_age_us` before the decision.

    Returns how many bets were compared (markets that the simulator has forgotten are not).

    Raises:
        AssertionError: a bet was accepted on a price that nobody offered then.
    """
    events = await once_led(lambda: _internal_ids(engine))
    compared = 0
    for record in records:
        event, kind = record.request.legs[0].market.split(":")[:2]
        histories = [
            market["history"]
            for provider, markets in told.items()
            for market in markets.values()
            if events.get((provider, str(market["event"]))) == event and _TYPES.get(market["type"]) == kind
        ]
        if not histories:
            continue
        compared += 1
        price = record.prices[0] / 1_000_000
        since = record.at - max_age_us - SLACK_US
        assert any(_offered(history, price, since, record.at + SLACK_US) for history in histories), (
            f"{record.request.legs[0]} was accepted at {price} (t={record.at}) but nobody offered it then: {histories}"
        )
    return compared


def _offered(history: list[dict[str, Any]], price: float, since: int, until: int) -> bool:
    """Whether some state that was in force at any moment of the window is open and has this price."""
    for index, state in enumerate(history):
        ends = history[index + 1]["at_us"] if index + 1 < len(history) else until
        in_force = state["at_us"] <= until and ends >= since
        if in_force and state["status"] == "OPEN" and any(abs(best - price) < 1e-9 for best in state["best"].values()):
            return True
    return False


async def _internal_ids(engine: Auditable) -> dict[tuple[str, str], str]:
    """Internal event id by provider and its own event id."""
    nc = await engine.admin()
    try:
        js = nc.jetstream(timeout=5)
        bucket = await js.key_value(subjects.EVENTS_BUCKET)
        found: dict[tuple[str, str], str] = {}
        for key in await keys_of(js, subjects.EVENTS_BUCKET, "p."):
            _, provider, native = key.split(".")
            entry = await bucket.get(key)
            found[provider, bytes.fromhex(native).decode()] = (entry.value or b"").decode()
        return found
    finally:
        await nc.close()
