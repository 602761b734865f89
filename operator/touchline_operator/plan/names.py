"""Names and labels of children. Selectors are made of labels that never change, so that an upgrade restarts nothing by itself."""

import hashlib

from touchline.api import GROUP
from touchline_operator.world.keys import MANAGER

LONGEST = 52
"""A StatefulSet's name is in its pods' label `controller-revision-hash`, 11 characters longer and at most 63."""
ENGINE_LABEL = f"{GROUP}/engine"
PROVIDER_LABEL = f"{GROUP}/provider"


def child_name(owner: str, part: str, *, longest: int = LONGEST) -> str:
    """`<owner>-<part>`; where that is too long the owner is cut, and a hash keeps the name its own."""
    name = f"{owner}-{part}"
    if len(name) <= longest:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    room = longest - len(part) - len(digest) - 2
    return f"{owner[:room].rstrip('-')}-{digest}-{part}"


def selector(instance: str, component: str) -> dict[str, str]:
    """What a component's pods are found by."""
    return {
        "app.kubernetes.io/name": "touchline",
        "app.kubernetes.io/instance": instance,
        "app.kubernetes.io/component": component,
    }


def labels(instance: str, component: str) -> dict[str, str]:
    """What every child and its pods carry."""
    return selector(instance, component) | {
        "app.kubernetes.io/part-of": "touchline",
        "app.kubernetes.io/managed-by": MANAGER,
    }
