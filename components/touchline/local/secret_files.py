"""Secrets as components find them: one folder for each Secret, one file for each key, for the owner's eyes only."""

import shutil
from collections.abc import Collection, Mapping
from pathlib import Path

from touchline.local.errors import Refused
from touchline.local.state_dir import StateDir, describe


def write(state: StateDir, secrets: Mapping[str, Mapping[str, bytes]], *, others: Collection[str] = ()) -> None:
    """Bring the folder to exactly these Secrets. `others` are folders that a simulator writes: they stay.

    Raises:
        StateDirError: it cannot be written.
        Refused: a name is no file name.
    """
    for name in (*secrets, *(key for values in secrets.values() for key in values)):
        if not name or "/" in name or name in {".", ".."}:
            raise Refused(
                f"{name!r} cannot be the name or a key of a Secret", fix="use letters, digits, '-', '_' and '.'"
            )
    try:
        for folder in state.secrets.iterdir():
            if folder.name not in secrets and folder.name not in others:
                _remove(folder)
        for name, values in secrets.items():
            folder = state.secrets / name
            folder.mkdir(mode=0o700, exist_ok=True)
            for stale in folder.iterdir():
                if stale.name not in values:
                    _remove(stale)
            for key, value in values.items():
                state.write_private(folder / key, value)
    except OSError as error:
        raise describe(error, state.root) from error


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
