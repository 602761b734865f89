"""Files that are generated from the models: written, or compared with what is there."""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path


def write(folder: Path, files: Mapping[str, str], pattern: str) -> None:
    """Write every file and remove those that match `pattern` but are no longer generated."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    for path in sorted(folder.glob(pattern)):
        if path.name not in files:
            path.unlink()


def drift(folder: Path, files: Mapping[str, str], pattern: str) -> str:
    """A unified diff from what is in the folder to what should be; empty where they are equal."""
    present = {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob(pattern))}
    diffs = [
        "".join(
            difflib.unified_diff(
                present.get(name, "").splitlines(keepends=True),
                files.get(name, "").splitlines(keepends=True),
                fromfile=str(folder / name) if name in present else "nothing",
                tofile=f"generated {name}" if name in files else "nothing",
            )
        )
        for name in sorted({*present, *files})
    ]
    return "".join(diffs)


def run(arguments: Sequence[str], *, program: str, what: str, files: Mapping[str, str], pattern: str) -> int:
    """The command line of a generator: OUTDIR and --check. Returns the exit code."""
    parser = argparse.ArgumentParser(prog=program, description=f"Write {what}, generated from the models.")
    parser.add_argument("outdir", type=Path, help="folder to write to")
    parser.add_argument("--check", action="store_true", help="write nothing; show what would change and exit with 1")
    options = parser.parse_args(arguments)
    if not options.check:
        write(options.outdir, files, pattern)
        return 0
    difference = drift(options.outdir, files, pattern)
    sys.stdout.write(difference)
    return 1 if difference else 0
