"""The reference at /docs in a real browser: all that the gateway describes is there and can be tried; nothing comes from elsewhere."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import axe_core_python
import pytest
from playwright.async_api import Page, expect

from support.browser import open_page
from support.gateway_stage import Stage

pytestmark = [pytest.mark.browser, pytest.mark.servers]

AXE = Path(axe_core_python.__file__).parent / "axe.min.js"


@pytest.fixture
async def page(stage: Stage) -> AsyncIterator[Page]:
    """The page, drawn; at the end, every request that it made was to the gateway itself."""
    await stage.start_gateway()
    asked: list[str] = []
    async with open_page("about:blank") as opened:
        opened.on("request", lambda request: asked.append(request.url))
        await opened.goto(f"{stage.url}/docs")
        await opened.locator("article").first.wait_for()
        yield opened
    assert f"{stage.url}/openapi.json" in asked
    assert [url for url in asked if not url.startswith((f"{stage.url}/", "data:"))] == []


async def test_every_call_and_every_message_is_described(page: Page, stage: Stage) -> None:
    async with stage.http() as http:
        calls = (await http.get("/openapi.json")).json()["paths"]
        messages = (await http.get("/asyncapi.json")).json()["components"]["messages"]
    operations = {f"{verb.upper()} {path}" for path, verbs in calls.items() for verb in verbs}
    drawn = {" ".join((await title.inner_text()).split()) for title in await page.locator("article h3").all()}
    assert operations <= drawn
    assert {
        f"{way} {message['name']}" for message in messages.values() for way in ("send", "hear")
    } >= drawn - operations
    assert len(drawn - operations) == len(messages)
    bet = page.locator("article", has=page.locator("h3", has_text="/v1/bets")).first
    await expect(bet.locator("dt", has_text="withinPercent")).to_contain_text("string")
    await expect(bet.locator("dt", has_text="priceChange").locator("+ dd")).to_contain_text(
        "one of Exact, AcceptBetter"
    )
    await expect(bet.locator("dl dl dt", has_text="selection")).to_contain_text("required")


async def test_a_call_can_be_tried_and_shows_its_answer(page: Page, stage: Stage) -> None:
    listing = page.locator("article", has=page.locator("h3 code", has_text="/v1/events")).first
    await listing.locator("summary", has_text="Try it").click()
    await listing.get_by_label("limit").fill("1")
    await listing.get_by_role("button", name="Send").click()
    output = listing.locator("pre[role=status]")
    await expect(output).to_contain_text("GET /v1/events?limit=1")
    await expect(output).to_contain_text('"id": "e0"')


async def test_a_bet_can_be_tried_from_its_example(page: Page, stage: Stage) -> None:
    article = page.locator("article#" + await _operation(stage, "/v1/bets", "post"))
    await article.locator("summary", has_text="Try it").click()
    body = json.loads(await article.locator("textarea").input_value())
    stage.decisions[body["key"]] = {"key": body["key"], "id": "b1", "decision": "Accepted"}
    await article.get_by_role("button", name="Send").click()
    await expect(article.locator("pre[role=status]")).to_contain_text("201")
    await expect(article.locator("pre[role=status]")).to_contain_text('"decision": "Accepted"')
    assert stage.bets[0].legs[0].selection == body["legs"][0]["selection"]


async def _operation(stage: Stage, path: str, verb: str) -> str:
    async with stage.http() as http:
        return str((await http.get("/openapi.json")).json()["paths"][path][verb]["operationId"])


async def test_no_accessibility_rule_is_broken(page: Page) -> None:
    await page.evaluate(AXE.read_text(encoding="utf-8"))
    found = await page.evaluate("axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'best-practice']})")
    assert [
        (rule["id"], rule["nodes"][0]["target"], rule["nodes"][0]["failureSummary"]) for rule in found["violations"]
    ] == []
    await page.set_viewport_size({"width": 390, "height": 800})
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
