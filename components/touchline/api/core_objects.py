"""The two kinds of Kubernetes itself that local mode reads from files: Secret and ConfigMap."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from touchline.api.types.block import Block, Flag
from touchline.api.types.references import ObjectKey, ObjectName
from touchline.api.types.resource import ObjectMeta


def _base64(text: str) -> str:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise PydanticCustomError("base64", "must be base64; write plain text under stringData instead") from None
    return text


Base64 = Annotated[str, AfterValidator(_base64)]


class CoreMeta(ObjectMeta):
    """Metadata of Kubernetes' own kinds, whose names may have dots."""

    name: ObjectName = Field(description="Name, unique for its kind in the namespace.")  # type: ignore[assignment,unused-ignore]


class _CoreObject(Block):
    metadata: CoreMeta = Field(description="Standard object metadata.")
    immutable: Flag | None = Field(default=None, description="Whether the API server refuses changes.")

    @property
    def name(self) -> str:
        """The object's name."""
        return self.metadata.name

    @property
    def namespace(self) -> str:
        """The object's namespace; `default` where a file names none."""
        return self.metadata.namespace or "default"


class Secret(_CoreObject):
    """A Secret. Its values are never shown by `repr`."""

    api_version: Literal["v1"] = Field(description="Version of the kind.")
    kind: Literal["Secret"] = Field(description="Kind.")
    type: str = Field(default="Opaque", description="Type of the Secret.")
    data: dict[ObjectKey, Base64] = Field(default_factory=dict, repr=False, description="Values in base64.")
    string_data: dict[ObjectKey, str] = Field(default_factory=dict, repr=False, description="Values as they are.")

    @property
    def values(self) -> dict[str, bytes]:
        """Every value by its key; stringData wins over data, as on the API server."""
        decoded = {key: base64.b64decode(text) for key, text in self.data.items()}
        return decoded | {key: text.encode() for key, text in self.string_data.items()}


class ConfigMap(_CoreObject):
    """A ConfigMap."""

    api_version: Literal["v1"] = Field(description="Version of the kind.")
    kind: Literal["ConfigMap"] = Field(description="Kind.")
    data: dict[ObjectKey, str] = Field(default_factory=dict, description="Values as text.")
    binary_data: dict[ObjectKey, Base64] = Field(default_factory=dict, repr=False, description="Values in base64.")

    @property
    def values(self) -> dict[str, bytes]:
        """Every value by its key."""
        decoded = {key: base64.b64decode(text) for key, text in self.binary_data.items()}
        return decoded | {key: text.encode() for key, text in self.data.items()}


CORE_KINDS: dict[tuple[Any, Any], type[Secret | ConfigMap]] = {
    ("v1", "Secret"): Secret,
    ("v1", "ConfigMap"): ConfigMap,
}
