"""Headless Chromium (the distribution's package) for tests of the page."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright

# Without these Chromium talks to its maker at every start.
QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


def chromium() -> str:
    """The browser's path; skips the test where there is none, unless TOUCHLINE_REQUIRE_BROWSER says that there must be."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        reason = "no Chromium on this machine: apt-get install chromium"
        if os.environ.get("TOUCHLINE_REQUIRE_BROWSER"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@asynccontextmanager
async def open_page(url: str, **options: Any) -> AsyncIterator[Page]:
    """A fresh browser with one page at `url`. What the page logs as an error fails the test at the end."""
    complaints: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=QUIET)
        page = await browser.new_page(viewport={"width": 1360, "height": 900}, **options)
        page.on("pageerror", lambda error: complaints.append(f"uncaught: {error}"))
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        await page.goto(url)
        try:
            yield page
        finally:
            await browser.close()
    expected = (
        "WebSocket connection",
        "net::ERR_CONNECTION_REFUSED",
        "net::ERR_EMPTY_RESPONSE",
        "net::ERR_CONNECTION_RESET",
    )
    assert [text for text in complaints if not any(word in text for word in expected)] == []
