"""The page at the gateway's root, in a real browser, against a whole engine with simulated providers."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import axe_core_python
import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, expect

from support.browser import open_page
from support.engine import QUICKSTART, Engine, engine

pytestmark = [pytest.mark.browser, pytest.mark.servers, pytest.mark.asyncio(loop_scope="module")]

AXE = Path(axe_core_python.__file__).parent / "axe.min.js"
PATIENT = 15_000


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def quickstart() -> AsyncIterator[Engine]:
    async with engine(QUICKSTART) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def page(quickstart: Engine) -> AsyncIterator[Page]:
    async with open_page(quickstart.url) as opened:
        await expect(opened.locator("#connection")).to_have_text("Live", timeout=PATIENT)
        await opened.locator("button[data-selection]").first.wait_for(timeout=PATIENT)
        yield opened


def open_price(page: Page, kind: str = "") -> Locator:
    return page.locator(f'tr[data-status="Open"][data-market*=":{kind}"] button:not(.shut)').first


async def command(running: Engine, *arguments: str) -> None:
    """Run the command line against this engine."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "touchline.local", *arguments, "--state-dir", str(running.state),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()


async def test_prices_move_and_say_in_which_direction(page: Page) -> None:
    await page.locator("button.up, button.down").first.wait_for(timeout=PATIENT)
    assert await page.locator("article h3").count() > 0
    texts = await page.locator("button[data-selection] b").all_inner_texts()
    assert all(re.fullmatch(r"[▲▼ \n]*(\d+\.\d{2,}|–)", text) for text in texts), texts


async def test_feed_health_names_every_provider_with_its_state(page: Page) -> None:
    for name in ("betfair-a", "betfair-b"):
        await expect(page.locator("#feeds li", has_text=f"{name}: Connected")).to_have_attribute(
            "title", re.compile("delay p99"), timeout=PATIENT
        )


async def test_a_halted_event_shows_its_reason_and_reopens(page: Page, quickstart: Engine) -> None:
    button = open_price(page)
    market = await button.get_attribute("data-market")
    assert market is not None
    event = market.split(":")[0]
    row = page.locator(f'tr[data-market="{market}"]')
    await button.click()
    await command(quickstart, "halt", "event", event, "--note", "test")
    await expect(row.locator("td.state")).to_contain_text("halted by a trader", timeout=5000)
    await expect(page.locator("#announcer")).to_contain_text("Suspended", timeout=5000)
    await expect(page.locator("#place")).to_be_disabled()
    await command(quickstart, "resume", "event", event)
    await expect(row.locator("td.state")).not_to_contain_text("halted by a trader", timeout=PATIENT)


async def test_the_chart_of_a_chosen_price_is_drawn_and_told_in_words(page: Page) -> None:
    await open_price(page).click()
    await expect(page.locator("#chart path.line")).to_have_attribute(
        "d", re.compile(r"^M[\d.]+ [\d.]+L"), timeout=PATIENT
    )
    await expect(page.locator("#chart-text")).to_contain_text(re.compile(r"\d+\.\d{2} now; between"))


async def test_a_bet_from_the_slip_is_decided_and_listed(page: Page) -> None:
    await open_price(page, "TotalGoals").click()
    await page.locator("#stake").fill("5.00")
    await page.locator("#place").click()
    await expect(page.locator("#decision")).to_have_attribute(
        "data-state", re.compile("accepted|rejected|repriced"), timeout=PATIENT
    )
    await expect(page.locator("#bets li").first).to_contain_text(
        re.compile("stake 5.00: (accepted at|rejected|not placed)")
    )


async def test_a_bet_in_play_waits_for_its_delay_and_is_then_decided(page: Page) -> None:
    in_play = page.locator(
        'article:has(small.live) tr[data-status="Open"][data-market$=":MatchWinner"] button:not(.shut)'
    ).first
    await in_play.click(timeout=60_000)
    await page.locator("#place").click()
    await expect(page.locator("#decision")).to_contain_text("bet delay", timeout=5000)
    await expect(page.locator("#decision")).to_have_attribute(
        "data-state", re.compile("accepted|rejected|repriced"), timeout=PATIENT
    )


async def test_everything_works_from_the_keyboard(page: Page) -> None:
    await page.keyboard.press("/")
    await expect(page.locator("#query")).to_be_focused()
    await page.keyboard.type("no such team anywhere")
    await expect(page.locator("article:visible")).to_have_count(0)
    await page.keyboard.press("Escape")
    await expect(page.locator("article:visible").first).to_be_visible()
    first = page.locator("button[data-selection]").first
    await first.focus()
    await page.keyboard.press("ArrowRight")
    second = page.locator("tr").first.locator("button").nth(1)
    await expect(second).to_be_focused()
    await page.keyboard.press("ArrowDown")
    await expect(page.locator("tr").nth(1).locator("button").nth(1)).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("#slip")).to_be_visible()
    assert await page.locator('button[aria-pressed="true"]').count() == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_no_accessibility_rule_is_broken(quickstart: Engine, scheme: str) -> None:
    async with open_page(quickstart.url, color_scheme=scheme, reduced_motion="reduce") as page:
        await open_price(page).click(timeout=PATIENT)
        # The content security policy refuses injected scripts, as it should: the checker is run by the debugger instead.
        await page.evaluate(AXE.read_text(encoding="utf-8"))
        found = await page.evaluate("axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'best-practice']})")
        assert [
            (rule["id"], rule["nodes"][0]["target"], rule["nodes"][0]["failureSummary"]) for rule in found["violations"]
        ] == []


async def test_the_theme_button_switches_and_is_remembered(page: Page) -> None:
    before = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    await page.locator("#theme").click()
    after = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert after != before
    await page.reload()
    assert await page.evaluate("getComputedStyle(document.body).backgroundColor") == after


async def test_a_killed_gateway_is_told_at_once_and_the_board_comes_back(page: Page, quickstart: Engine) -> None:
    quickstart.kill("gateway-1")
    await expect(page.locator("#connection")).to_contain_text("Connection lost", timeout=5000)
    assert await page.evaluate("document.body.classList.contains('offline')")
    await expect(page.locator("#connection")).to_have_text("Live", timeout=PATIENT)
    await page.locator("button.up, button.down").first.wait_for(timeout=PATIENT)


async def test_the_page_fits_a_narrow_screen(quickstart: Engine) -> None:
    async with open_page(quickstart.url) as page:
        await page.set_viewport_size({"width": 390, "height": 800})
        await page.locator("button[data-selection]").first.wait_for(timeout=PATIENT)
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
