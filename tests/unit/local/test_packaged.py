"""What an installed wheel must bring with it, beside the code."""

import subprocess
import sys
import zipfile
from pathlib import Path

REPOSITORY = Path(__file__).parents[3]


def test_the_wheel_brings_the_resources_of_replay(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(words, cwd=REPOSITORY, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        for example in (REPOSITORY / "examples" / "replay").glob("*.yaml"):
            packaged = archive.read(f"touchline/local/resources/replay/{example.name}")
            assert packaged == example.read_bytes()
