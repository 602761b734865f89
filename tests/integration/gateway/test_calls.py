"""The gateway's HTTP side on the same port: queries, bets, Server-Sent Events, tokens, the page, and what strangers send."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from websockets.exceptions import InvalidStatus

from support.gateway_stage import Stage
from support.stream_reader import EventReader, StreamReader
from touchline.bus.messages import Decided, encode

pytestmark = pytest.mark.servers

MARKET = "e0:MatchWinner"
ISSUER = "https://id.example.com"
JWT = {"auth": {"jwt": {"issuer": ISSUER, "audience": "touchline", "jwksSecretRef": {"name": "jwks"}, "leeway": "0s"}}}


def bet(key: str) -> dict[str, Any]:
    legs = [{"market": MARKET, "selection": "home", "price": "2.00", "version": "1.1"}]
    return {"key": key, "stake": "10.00", "legs": legs}


async def test_one_port_serves_queries_descriptions_the_page_and_figures(stage: Stage) -> None:
    await stage.start_gateway()
    async with stage.http() as http:
        page = (await http.get("/v1/events", params={"limit": 2})).json()
        rest = (await http.get("/v1/events", params={"limit": 2, "cursor": page["cursor"]})).json()
        assert [event["id"] for event in page["events"] + rest["events"]] == ["e0", "e1", "e3"]
        assert rest["cursor"] is None
        league = (await http.get("/v1/events", params={"league": "epl", "sport": "Football"})).json()
        assert [event["id"] for event in league["events"]] == ["e0"]
        event = (await http.get("/v1/events/e0")).json()
        assert [market["id"] for market in event["markets"]] == ["e0:MatchWinner", "e0:TotalGoals:2.5"]
        market = (await http.get(f"/v1/markets/{MARKET}")).json()
        assert (market["source"], market["detail"]["market"], market["version"]) == ("Leader", MARKET, "1.1")
        assert (await http.get("/openapi.json")).json()["paths"].keys() >= {"/v1/bets", "/v1/events", "/v1/stream"}
        assert (await http.get("/asyncapi.json")).json()["asyncapi"] == "3.0.0"
        assert (await http.get("/docs")).status_code == 200
        assert "touchline_gateway_markets 4.0" in (await http.get("/metrics")).text
        front = await http.get("/")
        assert "script-src 'self'" in front.headers["content-security-policy"]
        again = await http.get("/", headers={"if-none-match": front.headers["etag"]})
        assert again.status_code == 304
        script = await http.get("/assets/app.js")
        assert script.headers["content-type"].startswith("text/javascript")
        for path in (
            "/assets/..%2f__init__.py",
            "/assets/nothing.js",
            "/nowhere",
            "/v1/events/none",
            "/v1/markets/x:Y",
        ):
            missing = await http.get(path)
            assert missing.status_code == 404, path
            assert missing.headers["content-type"] == "application/problem+json"
    async with stage.socket() as client:
        assert await client.subscribe("*") == 4


async def test_a_market_whose_leader_does_not_answer_is_told_from_what_is_known(stage: Stage) -> None:
    await stage.start_gateway()
    stage.answering = False
    async with stage.http() as http:
        market = (await http.get(f"/v1/markets/{MARKET}")).json()
    assert (market["source"], market["detail"]) == ("Gateway", None)


async def test_a_bet_is_decided_once_however_it_comes(stage: Stage) -> None:
    await stage.start_gateway()
    stage.decisions["k-1"] = {"key": "k-1", "id": "b-1", "decision": "Accepted"}
    async with stage.http() as http:
        answer = await http.post("/v1/bets", json=bet("k-1"))
        assert (answer.status_code, answer.json()["decision"]) == (201, "Accepted")
        customer = stage.bets[-1].customer
        assert (await http.get("/v1/bets/k-1")).json()["id"] == "b-1"
        assert stage.lookups[-1].customer == customer, "the cookie keeps an anonymous customer's bets together"
        assert (await http.get("/v1/bets/unknown")).status_code == 404
        stage.bet_status = 409
        assert (await http.post("/v1/bets", json=bet("k-1"))).status_code == 409
        stage.bet_status = 201
    async with stage.socket() as client:
        await client.send(op="bet", **bet("k-1"))
        await client.until(lambda: client.reader.bets)
        assert client.reader.bets[0]["id"] == "b-1"


async def test_a_bet_without_an_answer_is_asked_again_and_then_told_so(stage: Stage) -> None:
    await stage.start_gateway()
    async with stage.http() as http, stage.socket() as client:
        answer = await http.post("/v1/bets", json=bet("silent"))
        assert (answer.status_code, answer.headers["retry-after"]) == (504, "1")
        assert len(stage.bets) >= 2
        assert {request.key for request in stage.bets} == {"silent"}
        await client.send(op="bet", **bet("silent"))
        await client.until(lambda: client.reader.errors)
        assert client.reader.errors[0]["problem"]["status"] == 504


async def test_a_delayed_decision_is_pushed_to_the_bettor(stage: Stage) -> None:
    await stage.start_gateway()
    stage.bet_status = 202
    stage.decisions["late"] = {"key": "late", "id": "b-2", "decision": "Pending"}
    async with stage.socket() as client, stage.socket() as stranger:
        await client.send(op="bet", **bet("late"))
        await client.until(lambda: client.reader.bets)
        final = msgspec.Raw(b'{"key":"late","id":"b-2","decision":"Accepted"}')
        await stage.nc.publish("decided.0", encode(Decided(stage.bets[-1].customer, "late", final)))
        await client.until(lambda: len(client.reader.bets) == 2)
        assert client.reader.bets[1]["decision"] == "Accepted"
        assert stranger.reader.bets == []


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        (b"{", 400, None),
        (b"[]", 422, ""),
        (json.dumps({**bet("k"), "stake": "-1"}).encode(), 422, "/stake"),
        (json.dumps({**bet("k"), "key": "no spaces"}).encode(), 422, "/key"),
        (b'{"key":"' + b"x" * 70_000, 413, None),
    ],
)
async def test_a_malformed_bet_is_a_problem_with_a_pointer(
    stage: Stage, body: bytes, status: int, pointer: str | None
) -> None:
    await stage.start_gateway()
    async with stage.http() as http:
        answer = await http.post("/v1/bets", content=body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    if pointer is not None:
        assert answer.json()["errors"][0]["pointer"] == pointer
    assert stage.bets == []


@asynccontextmanager
async def event_stream(
    http: httpx.AsyncClient, reader: EventReader, topics: str
) -> AsyncIterator[AsyncIterator[bytes]]:
    headers = {"last-event-id": reader.last_id} if reader.last_id else {}
    async with http.stream("GET", "/v1/stream", params={"topics": topics}, headers=headers) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        yield response.aiter_bytes()


async def read_until(parts: AsyncIterator[bytes], reader: EventReader, done: Any) -> None:
    async with asyncio.timeout(20):
        while not done():
            reader.feed(await anext(parts))


async def test_an_event_stream_resumes_where_it_ended_and_hears_of_markets_that_went(stage: Stage) -> None:
    await stage.start_gateway()
    leader = stage.leader(MARKET)
    reader = EventReader(StreamReader(lenient=True))
    async with stage.http() as http:
        async with event_stream(http, reader, "event:e0") as parts:
            await read_until(parts, reader, lambda: reader.reader.synced)
            await stage.publish(leader.price(MARKET, home="2.20"))
            await read_until(parts, reader, lambda: reader.reader.markets[MARKET]["sel"]["home"] == "2.20")
        states = reader.reader.states
        await stage.publish(leader.price(MARKET, home="2.30"), leader.remove("e0:TotalGoals:2.5"))
        resumed = EventReader(reader.reader, reader.last_id)
        reader.reader.synced.clear()
        async with event_stream(http, resumed, "event:e0") as parts:
            await read_until(parts, resumed, lambda: reader.reader.synced)
            await read_until(parts, resumed, lambda: len(reader.reader.markets) == 1)
    assert reader.reader.oks[-1]["resumed"] is True
    assert reader.reader.markets[MARKET] == leader.markets[MARKET].document(1)
    assert reader.reader.states == states, "only what changed was sent"


async def test_tokens_of_each_kind_are_accepted_and_bad_ones_refused(stage: Stage) -> None:
    keys: dict[str, Any] = {
        "RS256": rsa.generate_private_key(public_exponent=65537, key_size=2048),
        "ES256": ec.generate_private_key(ec.SECP256R1()),
        "EdDSA": ed25519.Ed25519PrivateKey.generate(),
    }
    published = []
    for name, key in keys.items():
        algorithm = jwt.get_algorithm_by_name(name)
        published.append({**json.loads(algorithm.to_jwk(key.public_key())), "kid": name, "alg": name, "use": "sig"})
    (stage.secrets / "jwks").mkdir()
    (stage.secrets / "jwks" / "jwks.json").write_text(json.dumps({"keys": published}))
    await stage.declare(JWT)
    await stage.start_gateway()

    def token(kind: str = "ES256", kid: str = "", **changes: Any) -> str:
        claims = {
            "iss": ISSUER,
            "aud": "touchline",
            "sub": "alice",
            "exp": int(time.time()) + 60,
            "jurisdiction": "US-NJ",
        }
        claims = {name: value for name, value in {**claims, **changes}.items() if value is not None}
        return jwt.encode(claims, keys[kind], algorithm=kind, headers={"kid": kid or kind})

    stage.decisions["k-1"] = {"key": "k-1", "id": "b-1", "decision": "Accepted"}
    for kind in keys:
        async with stage.http(authorization=f"Bearer {token(kind)}") as http:
            assert (await http.post("/v1/bets", json=bet("k-1"))).status_code == 201
            assert (stage.bets[-1].customer, stage.bets[-1].jurisdiction) == ("alice", "US-NJ")
    refused = {
        "": 401,
        token(iss="https://elsewhere.example.com"): 401,
        token(aud="other"): 401,
        token(exp=int(time.time()) - 5): 401,
        token(exp=None): 401,
        token("ES256", kid="RS256"): 401,
        token(jurisdiction=None): 403,
        token()[:-4] + "AAAA": 401,
    }
    for bad, status in refused.items():
        async with stage.http(**({"authorization": f"Bearer {bad}"} if bad else {})) as http:
            assert (await http.get("/v1/events")).status_code == status
    async with stage.socket(additional_headers={"Authorization": f"Bearer {token()}"}) as client:
        assert await client.subscribe("*") == 4
    with pytest.raises(InvalidStatus):
        async with stage.socket(additional_headers={"Authorization": "Bearer nonsense"}):
            pass
    async with stage.socket() as client:
        await client.send(op="auth", token=token(exp=int(time.time()) + 3))
        assert await client.subscribe("*") == 4
        assert (await client.closed())[0] == 4401
    async with stage.socket() as client:
        await client.send(op="subscribe", topics=["*"])
        assert (await client.closed())[0] == 4401


async def test_strangers_and_garbage_leave_the_others_undisturbed(stage: Stage) -> None:
    await stage.start_gateway()
    async with stage.socket() as client:
        await client.subscribe("*")
        for data in (b"\x00\xff" * 400, b"GET /v1/ws HTTP/1.1\r\n\r\n", b"GET " + b"x" * 40_000, b"\r\n\r\n"):
            with socket.create_connection(("127.0.0.1", stage.port), timeout=5) as stranger:
                stranger.sendall(data)
                stranger.shutdown(socket.SHUT_WR)
                await asyncio.to_thread(_read_out, stranger)
        for message, code in ((b"\x00", 4400), ("no json", 4400), ("x" * 70_000, 1009)):
            async with stage.socket() as bad:
                await bad.connection.send(message)
                assert (await bad.closed())[0] == code
        async with stage.socket() as pieces:
            await pieces.connection.send(iter(['{"id":1,"op":"subs', 'cribe","topics":', '["*"]}']))
            await pieces.until(lambda: 1 in pieces.reader.synced)
        leader = stage.leader(MARKET)
        await stage.publish(leader.price(MARKET, home="7.00"))
        await client.shows(MARKET, **leader.markets[MARKET].document(1))


def _read_out(stranger: socket.socket) -> None:
    try:
        while stranger.recv(1 << 16):
            pass
    except ConnectionResetError:
        pass


async def test_a_gateway_without_leaders_starts_from_the_cache_and_shows_it_suspended(stage: Stage) -> None:
    await stage.fill_cache(stage.leaders)
    stage.beating = stage.answering = False
    await stage.start_gateway()
    async with stage.socket() as client:
        assert await client.subscribe("*") == 4
        market = client.reader.markets[MARKET]
        assert (market["status"], market["holds"][-1]["reason"]) == ("Suspended", "AuthorityLost")
        stage.beating = stage.answering = True
        await client.shows(MARKET, **stage.leader(MARKET).markets[MARKET].document(1))


async def test_the_cache_may_die_and_come_back(stage: Stage) -> None:
    assert stage.valkey is not None
    stage.valkey.kill()
    await stage.start_gateway()
    async with stage.http() as http, stage.socket() as client:
        ready = (await http.get("/readyz")).json()
        assert ready["ready"]
        assert ready["cache"].startswith("away")
        assert await client.subscribe("*") == 4
        stage.valkey.start()
        async with asyncio.timeout(20):
            while (await http.get("/readyz")).json()["cache"] != "connected":  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.05)
