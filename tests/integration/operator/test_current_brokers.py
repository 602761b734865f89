"""When one of several brokers counts as ready: a rolling update restarts the next only then."""

from collections.abc import Iterator
from pathlib import Path

import nats
import pytest

from support.broker_cluster import STARTS_S, Brokers, three_brokers
from support.waiting import wait_until

pytestmark = pytest.mark.servers


@pytest.fixture
def brokers(tmp_path: Path) -> Iterator[Brokers]:
    with three_brokers(tmp_path) as found:
        yield found


async def test_a_broker_is_not_ready_before_its_copies_are_current_and_is_afterwards(brokers: Brokers) -> None:
    first = await nats.connect(f"nats://127.0.0.1:{brokers.clients[0]}")
    made = (await first.jetstream(timeout=10).add_stream(name="bets", subjects=["bets.>"], num_replicas=3)).cluster
    await first.close()
    # Not the stream's leader: what is written meanwhile must not have to wait for a new one.
    assert made is not None
    assert made.leader
    away = next(number for number in range(3) if made.leader != f"n{number}")
    others = [port for number, port in enumerate(brokers.clients) if number != away]
    client = await nats.connect([f"nats://127.0.0.1:{port}" for port in others])
    stream = client.jetstream(timeout=10)
    brokers.stop(away)
    for _ in range(200):
        await stream.publish("bets.0", b"x" * 20_000)
    answers: list[int] = []

    def ready() -> bool:
        answers.append(brokers.answer(away))
        return answers[-20:] == [200] * 20

    brokers.start(away)
    wait_until(ready, within=STARTS_S)
    assert 503 in answers, "it was ready at once, and would have let the next one be restarted"
    state = (await stream.stream_info("bets")).cluster
    assert state is not None
    assert state.replicas is not None
    assert all(each.current for each in state.replicas)
    await client.close()
