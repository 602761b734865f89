"""Where the recordings are. They are not part of the project: TOUCHLINE_DATA, or `../shared/data` beside the checkout."""

import os
from pathlib import Path

import pytest

DATA = Path(os.environ.get("TOUCHLINE_DATA") or Path(__file__).resolve().parents[3] / "shared" / "data")
ABSENT = f"no recordings at {DATA}: set TOUCHLINE_DATA to the folder that holds betfair/"


def recording(name: str) -> Path:
    """One file by its path in the folder; the test that asks is skipped where there is none."""
    path = DATA / name
    if not path.exists():
        pytest.skip(ABSENT)
    return path


def betfair_files() -> list[Path]:
    """Every Betfair file, good, corrupt and of other kinds; empty where the folder is missing."""
    return sorted(path for path in (DATA / "betfair").glob("*/*") if path.is_file() and "LICENSE" not in path.name)
