"""A simulated exchange and one subscriber: requests, images, resumes, filters, heartbeats, conflation."""

import json
from typing import Any

import pytest

from support.betfair_messages import change, definition, line, runner
from touchline.sim.exchange import HISTORY, Exchange
from touchline.sim.raw_book import Change
from touchline.sim.subscriber import SEGMENT_MARKETS, Account, Answer, Subscriber

S = 1_000_000


class Client:
    """A subscriber that has authenticated, and what it was sent."""

    def __init__(self, exchange: Exchange, account: Account | None = None) -> None:
        self.subscriber = Subscriber(exchange, account or Account(), "1")
        self.requests = 0

    def ask(self, op: str, **request: Any) -> Answer:
        self.requests += 1
        return self.subscriber.received(0, 5_000, line(op=op, id=self.requests, **request))

    def authenticated(self) -> "Client":
        assert self.ask("authentication", appKey="k", session="s").messages[0]["statusCode"] == "SUCCESS"
        return self

    def subscribe(self, **request: Any) -> list[Change]:
        answer = self.ask("marketSubscription", **request)
        assert answer.messages[0]["statusCode"] == "SUCCESS", answer.messages
        return answer.messages[1:]


def filled(count: int = 2, **more: Any) -> Exchange:
    exchange = Exchange("run")
    markets = [
        change(
            f"1.{number}",
            runner(1, atb=[[2.0, 5]], batb=[[0, 2.0, 5]], ltp=2.0),
            definition=definition(event=str(number), **more),
        )
        for number in range(count)
    ]
    exchange.publish(markets, 1_000)
    return exchange


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"appKey": "", "session": "s"}, "NO_APP_KEY"),
        ({"appKey": "k"}, "NO_SESSION"),
        ({"appKey": "wrong", "session": "s"}, "INVALID_APP_KEY"),
        ({"appKey": "k", "session": "wrong"}, "INVALID_SESSION_INFORMATION"),
    ],
)
def test_wrong_credentials_are_refused_and_the_connection_closed(request_: dict[str, str], code: str) -> None:
    answer = Client(filled(), Account("k", "s")).ask("authentication", **request_)
    assert answer.close
    assert answer.messages[0]["errorCode"] == code
    assert answer.messages[0]["connectionClosed"]


def test_a_subscription_holds_so_many_markets_and_no_more() -> None:
    for count, refused in ((3, False), (4, True)):
        client = Client(filled(count), Account(markets=3))
        client.ask("authentication", appKey="k", session="s")
        answer = client.ask("marketSubscription")
        assert (answer.messages[0].get("errorCode") == "SUBSCRIPTION_LIMIT_EXCEEDED") is refused
        assert answer.close is refused
    client = Client(filled(4), Account(markets=3))
    client.ask("authentication", appKey="k", session="s")
    assert not client.ask("marketSubscription", marketFilter={"marketIds": ["1.0", "1.1"]}).close
    named = [f"2.{number}" for number in range(4)]  # not there yet, but asked for
    assert client.ask("marketSubscription", marketFilter={"marketIds": named}).close


def test_nothing_is_answered_before_authentication() -> None:
    answer = Client(filled()).ask("marketSubscription")
    assert answer.messages[0]["errorCode"] == "NO_SESSION"
    assert answer.close


def test_what_is_no_request_is_refused() -> None:
    answer = Client(filled()).subscriber.received(0, 0, b"{junk")
    assert (answer.messages[0]["errorCode"], answer.close) == ("INVALID_INPUT", True)
    assert Client(filled()).authenticated().ask("orderSubscription").messages[0]["errorCode"] == "INVALID_REQUEST"


def test_a_subscription_begins_with_an_image_of_everything() -> None:
    (message,) = Client(filled()).authenticated().subscribe(heartbeatMs=1000)
    assert (message["ct"], message["heartbeatMs"], message["conflateMs"]) == ("SUB_IMAGE", 1000, 0)
    assert [part["id"] for part in message["mc"]] == ["1.0", "1.1"]
    assert all(part["img"] for part in message["mc"])


@pytest.mark.parametrize(("asked", "granted"), [(100, 500), (60_000, 5000), (None, 5000), (700, 700)])
def test_the_heartbeat_is_kept_within_the_protocols_bounds(asked: int | None, granted: int) -> None:
    assert Client(filled()).authenticated().subscribe(heartbeatMs=asked)[0]["heartbeatMs"] == granted


def test_large_images_are_segmented_if_the_subscriber_can_take_it() -> None:
    exchange = filled(SEGMENT_MARKETS * 2 + 1)
    messages = Client(exchange).authenticated().subscribe(segmentationEnabled=True)
    assert [message["segmentType"] for message in messages] == ["SEG_START", "SEG", "SEG_END"]
    assert "initialClk" in messages[0]
    (whole,) = Client(exchange).authenticated().subscribe(segmentationEnabled=False)
    assert "segmentType" not in whole
    assert len(whole["mc"]) == SEGMENT_MARKETS * 2 + 1


def test_deltas_reach_whoever_asked_for_their_market() -> None:
    exchange = filled()
    client = Client(exchange).authenticated()
    client.subscribe(marketFilter={"marketIds": ["1.1"]})
    published = exchange.publish(
        [change("1.0", runner(1, atb=[[3.0, 1]])), change("1.1", runner(1, atb=[[3.0, 1]]))], 2_000
    )
    (message,) = client.subscriber.publish(0, published)
    assert message["pt"] == 2_000
    assert [part["id"] for part in message["mc"]] == ["1.1"]


@pytest.mark.parametrize(
    ("market_filter", "expected"),
    [
        ({"eventIds": ["1"]}, ["1.1"]),
        ({"eventTypeIds": ["2"]}, []),
        ({"marketTypes": ["MATCH_ODDS"], "countryCodes": ["GB"]}, ["1.0", "1.1"]),
        ({"turnInPlayEnabled": False}, []),
        ({"turnInPlayEnabled": True, "bspMarket": False}, ["1.0", "1.1"]),
        ({"marketIds": []}, ["1.0", "1.1"]),
    ],
)
def test_markets_are_filtered_by_their_definition(market_filter: dict[str, Any], expected: list[str]) -> None:
    (message,) = Client(filled()).authenticated().subscribe(marketFilter=market_filter)
    assert [part["id"] for part in message["mc"]] == expected


@pytest.mark.parametrize(
    ("fields", "keys"),
    [
        (["EX_ALL_OFFERS"], {"id", "atb"}),
        (["EX_BEST_OFFERS", "EX_LTP"], {"id", "batb", "ltp"}),
        ([], {"id", "atb", "batb", "ltp"}),
    ],
)
def test_only_the_data_that_was_asked_for_is_sent(fields: list[str], keys: set[str]) -> None:
    (message,) = Client(filled()).authenticated().subscribe(marketDataFilter={"fields": fields})
    assert set(message["mc"][0]["rc"][0]) == keys
    assert ("marketDefinition" in message["mc"][0]) == (not fields)


def test_a_resume_brings_what_was_missed_and_no_more() -> None:
    exchange = filled()
    (head,) = Client(exchange).authenticated().subscribe()
    exchange.publish([change("1.0", runner(1, atb=[[2.0, 0], [2.5, 1]]))], 2_000)
    exchange.publish([change("1.0", runner(1, atb=[[2.5, 0]]))], 3_000)
    (message,) = Client(exchange).authenticated().subscribe(initialClk=head["initialClk"], clk=head["clk"])
    assert message["ct"] == "RESUB_DELTA"
    assert [part["id"] for part in message["mc"]] == ["1.0"]
    assert sorted(message["mc"][0]["rc"][0]["atb"]) == [[2.0, 0], [2.5, 0]]
    assert "img" not in message["mc"][0]


def test_a_resume_that_missed_nothing_is_empty() -> None:
    exchange = filled()
    (head,) = Client(exchange).authenticated().subscribe()
    (message,) = Client(exchange).authenticated().subscribe(initialClk=head["initialClk"], clk=head["clk"])
    assert (message["ct"], message["mc"]) == ("RESUB_DELTA", [])


def refused(exchange: Exchange, **request: Any) -> bool:
    answer = Client(exchange).authenticated().ask("marketSubscription", **request)
    return answer.messages[0].get("errorCode") == "INVALID_CLOCK" and not answer.close


def test_a_clock_of_other_criteria_of_another_run_or_from_nowhere_is_refused() -> None:
    exchange = filled()
    (head,) = Client(exchange).authenticated().subscribe()
    clocks = {"initialClk": head["initialClk"], "clk": head["clk"]}
    assert refused(exchange, **clocks, marketFilter={"eventIds": ["1"]})
    assert refused(Exchange("another"), **clocks)
    assert refused(exchange, initialClk=head["initialClk"], clk="AAAA")
    assert refused(exchange, initialClk=head["initialClk"], clk="no base64")
    assert not refused(exchange, **clocks)


def test_a_clock_from_too_long_ago_is_refused() -> None:
    exchange = filled()
    (head,) = Client(exchange).authenticated().subscribe()
    for number in range(HISTORY + 2):
        exchange.publish([change("1.0", tv=number)], number)
    assert refused(exchange, initialClk=head["initialClk"], clk=head["clk"])


def test_heartbeats_fill_the_silence() -> None:
    exchange = filled()
    client = Client(exchange).authenticated()
    assert client.subscriber.tick(9 * S, 0) == []
    client.subscribe(heartbeatMs=500)
    assert client.subscriber.tick(S // 2 - 1, 0) == []
    (message,) = client.subscriber.tick(S // 2, 7)
    assert (message["ct"], message["pt"]) == ("HEARTBEAT", 7)
    assert client.subscriber.tick(S // 2 + 1, 0) == []


def test_conflated_changes_come_together_and_the_clock_waits_for_them() -> None:
    exchange = filled()
    client = Client(exchange).authenticated()
    (head,) = client.subscribe(conflateMs=1000, heartbeatMs=500)
    for at, price in ((1, 3.0), (2, 3.5)):
        published = exchange.publish([change("1.0", runner(1, atb=[[price, 1]]))], at)
        assert client.subscriber.publish(at, published) == []
    (beat,) = client.subscriber.tick(S // 2, 0)
    assert (beat["ct"], beat["clk"]) == ("HEARTBEAT", head["clk"])
    (message,) = client.subscriber.tick(S + 1, 9)
    assert message["mc"][0]["con"]
    assert sorted(message["mc"][0]["rc"][0]["atb"]) == [[3.0, 1], [3.5, 1]]
    assert message["clk"] != head["clk"]


def test_the_first_that_is_heard_of_a_market_is_its_image() -> None:
    exchange = Exchange("run")
    first = exchange.publish([change("1.1", definition=definition()), change("1.1", runner(1, atb=[[2.0, 1]]))], 1)
    assert [part.get("img") for part in first.changes] == [True, None]
    assert [part.get("img") for part in exchange.publish([change("1.1", tv=1)], 2).changes] == [None]


def test_a_market_that_was_removed_is_in_no_image() -> None:
    exchange = filled()
    exchange.remove("1.0")
    (message,) = Client(exchange).authenticated().subscribe()
    assert [part["id"] for part in message["mc"]] == ["1.1"]


def test_a_keep_alive_is_answered() -> None:
    assert json.dumps(Client(filled()).authenticated().ask("heartbeat").messages[0]).count("SUCCESS") == 1
