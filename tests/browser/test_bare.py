"""From a clean clone to moving prices in a browser, as README.md promises: one command, nothing installed before.

A second installation takes a minute or more, so the everyday run borrows the packages of the environment that runs the tests;
with TOUCHLINE_BARE=1, as continuous integration sets it, `make` installs everything itself.
"""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.async_api import expect

from support.browser import chromium, open_page
from support.clone import Made, borrow_environment, clone
from support.waiting import until
from touchline.local.servers import free_port

pytestmark = [pytest.mark.browser, pytest.mark.servers]

INSTALLS = bool(os.environ.get("TOUCHLINE_BARE"))
INSTALL_S = 900.0
PROMISED_S = 10.0
"""From installed to moving prices, on a machine with nothing else to do; on a busy one in proportion (`crowding`)."""
PATIENT = 30_000

PRICES = "[...document.querySelectorAll('button[data-selection] b')].map(e => e.textContent.replace(/[^0-9.]/g, ''))"
MOVED = f"""before => {{
    const now = {PRICES};
    return now.length >= before.length && before.some((price, i) => price && now[i] && price !== now[i]);
}}"""


def crowding() -> float:
    """How many processes want each core at this moment, at least 1: whose start it is, waits that much longer for it."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


async def test_make_run_in_a_clean_clone_shows_moving_prices_and_ctrl_c_leaves_nothing(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    chromium()
    promised = PROMISED_S * crowding()
    folder = clone(tmp_path)
    if not INSTALLS:
        borrow_environment(folder)
    port = free_port()
    async with open_page("about:blank") as page:
        with Made(folder, "run", f"PORT={port}") as made:
            await until(lambda: made.says("ready in"), within=INSTALL_S if INSTALLS else 60.0)
            await page.goto(f"http://127.0.0.1:{port}/")
            await page.locator("button[data-selection]").first.wait_for(timeout=PATIENT)
            before = await page.evaluate(PRICES)
            await page.wait_for_function(MOVED, arg=before, timeout=PATIENT)
            took = time.time() - made.installed
            record_property("seconds to install", made.installed - made.started)
            record_property("seconds from installed to moving prices", took)
            await expect(page.locator("#connection")).to_have_text("Live")
            assert "Traceback" not in made.output
            assert len(made.left()) >= 8, "the engine's processes are not recognised as its own"
            made.interrupt()
            await until(lambda: not made.running, within=30.0)
            await until(lambda: not made.left(), within=5.0)
            # make ends by the signal that it was sent, as a shell expects; the engine itself has stopped in order.
            assert made.process.returncode in {0, -signal.SIGINT, 130}, made.output
            assert "stopped" in made.output.splitlines()[-1] or "stopped" in made.output.splitlines()[-2], made.output
            assert "killed" not in made.output
    print(f"installed after {made.installed - made.started:.1f} s, prices moved {took:.1f} s later")
    assert took < promised, f"{took:.1f} s (promised: {promised:.1f} s) from installed to moving prices:\n{made.output}"
