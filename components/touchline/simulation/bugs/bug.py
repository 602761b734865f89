"""What a deliberate bug is."""

from collections.abc import Callable
from typing import NamedTuple

from touchline.simulation.patching import Patch


class Bug(NamedTuple):
    """`what` is one sentence for people; `patches` makes what has to be replaced, anew for each run."""

    name: str
    what: str
    patches: Callable[[], list[Patch]]
