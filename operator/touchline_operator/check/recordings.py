"""Whether a provider's pods can find the recording that it names."""

from __future__ import annotations

import re
from collections.abc import Iterator

from touchline.api import RECORDINGS, RECORDINGS_PATTERN, SIMULATE, FeedProvider
from touchline.api.errors import show_path
from touchline.api.simulated import is_simulated
from touchline_operator.check.findings import Finding

RECORDINGS_DIR = "/recordings"
"""Where the volume of `touchline.dev/recordings` is in a pod; also its working directory."""


def unfindable(provider: FeedProvider) -> Iterator[Finding]:
    """A recording that is on no volume. One with an absolute path elsewhere may be in the image: that is not told."""
    field, file = _recording(provider)
    if not file:
        return
    where = provider.metadata.annotations.get(RECORDINGS)
    annotation = show_path(("metadata", "annotations", RECORDINGS))
    fix = "ConfigMap/NAME or PersistentVolumeClaim/NAME"
    if where is None and (not file.startswith("/") or file.startswith(f"{RECORDINGS_DIR}/")):
        message = f"{field}: pods have no volume with {file}; name one that has it: {annotation}, {fix}"
        yield Finding("NoRecordings", message)
    elif where is not None and re.fullmatch(RECORDINGS_PATTERN, where) is None:
        yield Finding("NoRecordings", f"{annotation}: {where!r} names no volume; write {fix}")


def _recording(provider: FeedProvider) -> tuple[str, str]:
    """The field that names a file, and the file; empty where none is played."""
    if provider.spec.replay is not None:
        return show_path(("spec", "replay", "file")), provider.spec.replay.file
    what, _, file = provider.metadata.annotations.get(SIMULATE, "").partition(":")
    if what == "recording" and is_simulated(provider):
        return show_path(("metadata", "annotations", SIMULATE)), file.strip()
    return "", ""
