"""The harness of the test clusters in a process of its own, which can be killed without a chance to clean up."""

import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def lone_harness(script: str, scratch: Path) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """A process that runs a script, and the words of the first line that this prints. `scratch` takes all its temporary files.

    It is killed when the block ends, if not before.
    """
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "TMPDIR": str(scratch)}
    argv = [sys.executable, "-c", textwrap.dedent(script)]
    with subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE, text=True) as harness:
        assert harness.stdout is not None
        try:
            yield harness, harness.stdout.readline().split()
        finally:
            harness.kill()
