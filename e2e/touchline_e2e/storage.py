"""Persistent volumes of the harness's own cluster: folders on its nodes, waiting to be claimed, behind a default class.

Nothing provisions: there are as many as were made, each is used once, and all go with the cluster.
"""

import json
from pathlib import Path
from typing import Any

CLASS = "node"
VOLUMES = 32
"""On each node: a managed engine claims up to four, and a session of tests installs several."""
CAPACITY = "100Gi"
"""What each says that it holds; nobody enforces it."""


def make_folders(node_folder: Path) -> list[Path]:
    """The folders behind a node's volumes."""
    folders = [node_folder / "volumes" / str(number) for number in range(VOLUMES)]
    for folder in folders:
        folder.mkdir(parents=True)
    return folders


def documents(folders: dict[str, list[Path]]) -> str:
    """The StorageClass and a PersistentVolume for each folder of each node, as a List for `kubectl apply`."""
    storage_class = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": CLASS, "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
        "provisioner": "kubernetes.io/no-provisioner",
        # Only once a pod is placed: a volume is on one node, and the scheduler must be free to choose it.
        "volumeBindingMode": "WaitForFirstConsumer",
    }
    volumes = [_volume(node, path) for node, paths in folders.items() for path in paths]
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": [storage_class, *volumes]})


def _volume(node: str, path: Path) -> dict[str, Any]:
    term = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": f"{node}-{path.name}"},
        "spec": {
            "capacity": {"storage": CAPACITY},
            "accessModes": ["ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": "Retain",
            "storageClassName": CLASS,
            "local": {"path": str(path)},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [term]}]}},
        },
    }
