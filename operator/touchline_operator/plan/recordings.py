"""The volume with recordings (`touchline.dev/recordings`), the same for a simulator and for a provider that is a Replay.

It is mounted read-only and is the container's working directory, so that the relative path that finds a file in local mode finds it here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from touchline.api import RECORDINGS_PATTERN
from touchline_operator.check.recordings import RECORDINGS_DIR
from touchline_operator.plan.pods import Volume, env_value, mount

VOLUME = "recordings"


def recordings_volume(where: str) -> list[Volume]:
    """The volume that an annotation names; nothing where it names none that can be read."""
    named = re.fullmatch(RECORDINGS_PATTERN, where)
    if named is None:
        return []
    kind, name = named[1], named[2]
    if kind == "ConfigMap":
        return [{"name": VOLUME, "configMap": {"name": name, "defaultMode": 0o444}}]
    return [{"name": VOLUME, "persistentVolumeClaim": {"claimName": name, "readOnly": True}}]


def with_recordings(container: Mapping[str, Any]) -> dict[str, Any]:
    """A container of a pod with that volume."""
    return {
        **container,
        # Nothing on the volume is a program: without this Python would look for its modules there first.
        "env": [*container.get("env", ()), env_value("PYTHONSAFEPATH", "1")],
        "volumeMounts": [*container["volumeMounts"], mount(VOLUME, RECORDINGS_DIR)],
        "workingDir": RECORDINGS_DIR,
    }
