"""The frame of every child: apiVersion, kind, name, labels, owner and the hash of the plan."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from touchline.api import API_VERSION
from touchline_operator.world.custom import Custom
from touchline_operator.world.keys import CHILD_PLACES, PLAN_HASH, Manifest


def child(
    kind: str,
    name: str,
    owner: Custom,
    labels: Mapping[str, str],
    body: Mapping[str, Any],
) -> Manifest:
    """A child of `owner`, in its namespace; `body` is all beside the metadata."""
    return {
        "apiVersion": CHILD_PLACES[kind].api_version,
        "kind": kind,
        "metadata": {
            "name": name,
            "namespace": owner.key.namespace,
            "labels": dict(labels),
            "ownerReferences": [
                {
                    "apiVersion": API_VERSION,
                    "kind": owner.key.kind,
                    "name": owner.key.name,
                    "uid": owner.uid,
                    "controller": True,
                    "blockOwnerDeletion": True,
                }
            ],
        },
        **body,
    }


def sealed(manifest: Manifest) -> Manifest:
    """The manifest with the annotation that tells one plan from another."""
    text = json.dumps(manifest, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    metadata = dict(manifest["metadata"])
    metadata["annotations"] = {**metadata.get("annotations", {}), PLAN_HASH: digest}
    return {**manifest, "metadata": metadata}


def fingerprint(*parts: str) -> str:
    """A short hash of texts that a pod must be restarted for when they change, and that must not be shown."""
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()[:16]
