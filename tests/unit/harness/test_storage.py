"""Volumes: each is a folder of its own on one node, and a claim that names no class gets one."""

import json
from pathlib import Path

from touchline_e2e import storage


def test_every_volume_is_a_folder_on_the_node_that_it_is_bound_to(tmp_path: Path) -> None:
    folders = {name: storage.make_folders(tmp_path / name) for name in ("n1", "n2")}
    storage_class, *volumes = json.loads(storage.documents(folders))["items"]
    assert storage_class["metadata"]["annotations"] == {"storageclass.kubernetes.io/is-default-class": "true"}
    paths = [Path(volume["spec"]["local"]["path"]) for volume in volumes]
    assert len(set(paths)) == len({volume["metadata"]["name"] for volume in volumes}) == 2 * storage.VOLUMES
    assert all(path.is_dir() for path in paths)
    for volume, path in zip(volumes, paths, strict=True):
        term = volume["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"][0]["matchExpressions"][0]
        assert term["values"] == [path.parents[1].name]
        assert volume["spec"]["storageClassName"] == storage_class["metadata"]["name"]
