"""Replacing parts of modules and classes for the time of a run."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple


class Patch(NamedTuple):
    """`owner`, a module or a class, has `value` as its attribute `name`."""

    owner: Any
    name: str
    value: Any


@contextmanager
def patched(patches: Sequence[Patch]) -> Iterator[None]:
    """Put the patches in place, and everything back afterwards.

    Raises:
        AttributeError: an owner has no such attribute; the patch has lost its target.
    """
    before: list[Patch] = []
    try:
        for owner, name, value in patches:
            before.append(Patch(owner, name, vars(owner)[name] if name in vars(owner) else _missing(owner, name)))
            setattr(owner, name, value)
        yield
    finally:
        for owner, name, value in reversed(before):
            setattr(owner, name, value)


def _missing(owner: Any, name: str) -> Any:
    raise AttributeError(f"{owner!r} has no {name} of its own to replace")
