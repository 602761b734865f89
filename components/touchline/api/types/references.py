"""Names, and references to other objects in the same namespace.

A reference is `fooRef: {name: …}`. A target that is missing is a condition on the object (and an error of
`touchline validate`), never a crash.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from touchline.api.types.block import Block
from touchline.api.types.rules import Shape

# RFC 1123 subdomain, the rule for names of Secrets and ConfigMaps.
ObjectName = Annotated[
    str,
    Shape(
        pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
        max_length=253,
        says="must be a name of lower-case letters, digits, - and .",
    ),
]
# Our own objects name NATS subjects and children: a label, so that the name is one token in both.
LABEL_PATTERN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
LABEL_LENGTH = 63
LabelName = Annotated[
    str,
    Shape(
        pattern=LABEL_PATTERN, max_length=LABEL_LENGTH, says="must be a name of lower-case letters, digits and - only"
    ),
]
ObjectKey = Annotated[
    str, Shape(pattern=r"^[-._a-zA-Z0-9]+$", max_length=253, says="must be a key of letters, digits, -, _ and .")
]
# Entity ids are tokens of NATS subjects and parts of market ids: no dots, colons, spaces or wildcards.
ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]*$"
ID_LENGTH = 63
EntityId = Annotated[
    str, Shape(pattern=ID_PATTERN, max_length=ID_LENGTH, says="must be an id of letters, digits, - and _")
]
EntityIdOrAll = Annotated[
    str,
    Shape(
        pattern=r"^(\*|[A-Za-z0-9][A-Za-z0-9_-]*)$",
        max_length=ID_LENGTH,
        says="must be an id of letters, digits, - and _, or *",
    ),
]
Text = Annotated[str, Shape(pattern=r"^[^\x00-\x1f]+$", max_length=256, says="must be text on one line")]
HostPort = Annotated[
    str,
    Shape(
        pattern=r"^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:]+\]):[0-9]{1,5}$",
        max_length=261,
        says="must be host:port, such as feed.example.com:443",
    ),
]
HttpUrl = Annotated[
    str,
    Shape(
        pattern=r"^https?://[A-Za-z0-9._\[\]:-]+(/[^ ]*)?$", max_length=2048, says="must be an http:// or https:// URL"
    ),
]


class NameRef(Block):
    """A reference by name to an object in the same namespace."""

    name: ObjectName = Field(description="Name of the object, in the same namespace.")


class SecretKeyRef(Block):
    """A reference to a Secret, or to one key of it."""

    name: ObjectName = Field(description="Name of the Secret, in the same namespace.")
    key: ObjectKey | None = Field(default=None, description="Key in the Secret; left out, the field's own default.")


class ConfigMapKeyRef(Block):
    """A reference to one key of a ConfigMap."""

    name: ObjectName = Field(description="Name of the ConfigMap, in the same namespace.")
    key: ObjectKey = Field(description="Key in the ConfigMap.")
