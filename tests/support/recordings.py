"""Where the recordings are. They are not part of the project: TOUCHLINE_DATA, or `../shared/data` beside the checkout."""

import os
from pathlib import Path
from typing import NoReturn

import pytest

DATA = Path(os.environ.get("TOUCHLINE_DATA") or Path(__file__).resolve().parents[3] / "shared" / "data")


def absent() -> NoReturn:
    """Skip the test that asks for recordings where there are none, or fail it with TOUCHLINE_REQUIRE_RECORDINGS=1."""
    what = f"no recordings at {DATA}: set TOUCHLINE_DATA to the folder that holds betfair/"
    if os.environ.get("TOUCHLINE_REQUIRE_RECORDINGS"):
        pytest.fail(what)
    pytest.skip(what)


def recording(name: str) -> Path:
    """One file by its path in the folder."""
    path = DATA / name
    if not path.exists():
        absent()
    return path


def betfair_files() -> list[Path]:
    """Every Betfair file, good, corrupt and of other kinds; empty where the folder is missing."""
    return sorted(path for path in (DATA / "betfair").glob("*/*") if path.is_file() and "LICENSE" not in path.name)
