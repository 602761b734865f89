"""What the model of the hub's world found, replayed step by step."""

from collections.abc import Iterator

import pytest

from touchline.gateway.frames import Format
from unit.gateway.test_hub_model import HubMachine, Reader

LOST_STEPS = 21
"""Steps after which a shard without a beat is shown as lost."""


@pytest.fixture
def world() -> Iterator[HubMachine]:
    machine = HubMachine()
    machine.start(conflate=True, tiny=False, healthy=True)
    yield machine
    machine.teardown()  # settles, and compares every client with the truth


def joined(world: HubMachine, how: Format, *topics: str) -> Reader:
    reader = Reader(len(world.all), how)
    world.all.append(reader)
    reader.topics = set(topics)
    world.join(reader)
    return reader


def test_a_stalled_client_that_asks_again_for_what_it_follows_is_told_what_goes(world: HubMachine) -> None:
    reader = joined(world, Format.WEBSOCKET, "*")
    world.stall(reader)
    world.subscribe(reader, ["*"])
    world.update("e0:MatchWinner", False, 4)
    world.flush(heal=True)
    world.unstall(reader)
    world.flush(heal=False)
    assert "e0:MatchWinner" not in reader.reader.markets


def test_an_event_stream_that_comes_back_is_told_of_a_departure_in_no_older_version(world: HubMachine) -> None:
    reader = joined(world, Format.EVENTS, "*")
    world.stall(reader)
    world.update("e0:MatchWinner", False, 4)
    world.update("e0:TotalGoals:2.5", False, 0)
    world.flush(heal=True)
    world.unstall(reader)
    world.flush(heal=False)
    assert "e0:MatchWinner" not in reader.reader.markets
    world.reconnect(reader)  # its last id is from before the departure; `StreamReader` refuses to go back


def test_an_event_stream_cut_off_amid_a_loss_is_stated_what_was_found_again(world: HubMachine) -> None:
    reader = joined(world, Format.EVENTS, "*")
    last_id = reader.events.last_id
    world.time_passes(LOST_STEPS)
    reader.events.last_id = (
        last_id  # as if the connection broke before the last of the lost states, which carries the id
    )
    world.update("e0:MatchWinner", False, 7)
    world.reconnect(reader)
    assert reader.reader.markets["e0:MatchWinner"]["status"] == "Open"
