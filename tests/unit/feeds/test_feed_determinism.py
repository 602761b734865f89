"""The parts of feeds and simulators that decide hold no clock, no I/O, no randomness of their own and no hash order."""

from pathlib import Path

import pytest

import touchline
from support.determinism import violations

PACKAGE = Path(touchline.__file__).parent
SHELLS = {
    "feeds/betfair/connection.py",
    "feeds/replay/recording.py",
    "feeds/replay/transport.py",
    "feeds/replay/adapter.py",
}
"""They open sockets and files."""
ADAPTERS = {"feeds/betfair/adapter.py", "feeds/interface.py"}
"""They declare coroutines, and decide nothing in them."""
FEEDS = [
    str(path.relative_to(PACKAGE))
    for path in sorted((PACKAGE / "feeds").rglob("*.py"))
    if str(path.relative_to(PACKAGE)) not in SHELLS | ADAPTERS
]
SIMULATOR = ["exchange", "subscriber", "criteria", "raw_book", "truth", "football", "clubs", "faults"]


@pytest.mark.parametrize("name", [*FEEDS, *(f"sim/{name}.py" for name in SIMULATOR)])
def test_a_state_machine_depends_on_its_inputs_alone(name: str) -> None:
    assert violations((PACKAGE / name).read_text(encoding="utf-8"), name) == []
