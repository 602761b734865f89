"""A BetfairSession under a virtual clock, driven message by message."""

import json
from typing import Any

from support.betfair_messages import image, line, mcm
from support.feed_outputs import Reader, only
from touchline.domain.status import ProviderState
from touchline.feeds.backoff import Backoff
from touchline.feeds.betfair.options import Credentials, Subscription
from touchline.feeds.betfair.session import BetfairSession
from touchline.feeds.interface import Output, Send

S = 1_000_000
OK = {"op": "status", "statusCode": "SUCCESS", "connectionClosed": False}


class Line:
    """A session on a connection of its own, with a clock that only moves when told to."""

    def __init__(self, **subscription: Any) -> None:
        self.now = 100 * S
        self.session = BetfairSession(
            Credentials("the-app-key", "the-token", "betfair-secret"),
            Subscription(**subscription),
            backoff=Backoff(first_us=100_000, cap_us=800_000),
            endpoint="sim:443",
        )
        self.reader = Reader()

    def take(self, outputs: list[Output]) -> list[Output]:
        self.reader.take(outputs)
        return outputs

    def connected(self) -> list[Output]:
        return self.take(self.session.connected(self.now, 0))

    def receive(self, frame: bytes, *, after: int = 1000) -> list[Output]:
        if after > S // 10:
            self.tick(after=after)
        else:
            self.now += after
        return self.take(self.session.received(self.now, 0, frame))

    def tick(self, *, after: int) -> list[Output]:
        """Time passes in steps of a tenth of a second, as the contract has it; what came of all of them."""
        outputs: list[Output] = []
        end = self.now + after
        while True:
            self.now = min(end, self.now + S // 10)
            outputs += self.take(self.session.tick(self.now, 0))
            if self.now == end:
                return outputs

    def pause(self, *, of: int) -> list[Output]:
        """We ourselves stood still."""
        self.now += of
        return self.take(self.session.tick(self.now, 0))

    def disconnected(self) -> list[Output]:
        return self.take(self.session.disconnected(self.now, 0, "closed by the server"))

    def subscribed(self) -> dict[str, Any]:
        """Connect as far as the subscription; the request that was sent."""
        self.connected()
        (authentication,) = sent(self.receive(line(op="connection", connectionId="c")))
        (subscription,) = sent(self.receive(line(**OK, id=authentication["id"])))
        return subscription

    def streaming(self, *changes: dict[str, Any], clk: str = "c1", initial_clk: str = "i1") -> int:
        """Connect as far as the image; the id of the subscription."""
        identity: int = self.subscribed()["id"]
        parts = changes or (image(),)
        self.receive(
            mcm(*parts, ct="SUB_IMAGE", id=identity, clk=clk, initialClk=initial_clk, heartbeatMs=1000, conflateMs=0)
        )
        assert self.reader.state is ProviderState.CONNECTED
        return identity


def sent(outputs: list[Output]) -> list[dict[str, Any]]:
    payloads = [output.payload for output in only(outputs, Send)]
    assert all(payload.endswith(b"\r\n") and payload.count(b"\n") == 1 for payload in payloads)
    return [json.loads(payload) for payload in payloads]
