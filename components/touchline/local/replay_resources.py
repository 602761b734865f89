"""The resources that `touchline replay` runs with: those of `examples/replay`, which come with the package, and one file to play."""

from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

from touchline.api.load import load_files
from touchline.local.declared import Declared
from touchline.local.reading import declared

PROVIDER = "recording"
"""Name of the FeedProvider in `examples/replay`."""
FOLDER = Path("resources") / "replay"


def replay_of(recording: Path, speed: str) -> Declared:
    """An engine that plays one file; `speed` is a factor as text, or `Max`."""
    with resources.as_file(resources.files("touchline.local") / str(FOLDER)) as folder:
        packaged = declared(load_files([folder]))
    key = f"FeedProvider.{PROVIDER}"
    provider: dict[str, Any] = dict(packaged.config[key])
    spec = dict(provider["spec"])
    spec["replay"] = {**spec["replay"], "file": str(recording.absolute()), "speed": speed}
    return replace(packaged, config={**packaged.config, key: {**provider, "spec": spec}})
