"""Container images without a registry: an archive made of files, for containerd to import.

The format is the one that `docker save` writes: a manifest, a configuration named after its digest, and one layer.
"""

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

_CHUNK = 1 << 20


def of_files(
    archive: Path, *, reference: str, files: Mapping[str, Path], entrypoint: Sequence[str], user: str = "65532:65532"
) -> Path:
    """Write an image that holds nothing but a few programs (path in the image -> file here); returns the archive."""
    layer = archive.with_suffix(".layer")
    with tarfile.open(layer, "w") as tar:
        for inside, source in sorted(files.items()):
            with source.open("rb") as content:
                member = tarfile.TarInfo(inside.lstrip("/"))
                member.size = source.stat().st_size
                member.mode = 0o755
                tar.addfile(member, content)
    try:
        return of_layer(
            archive, reference=reference, layer=layer, config={"Entrypoint": list(entrypoint), "User": user}
        )
    finally:
        layer.unlink()


def of_layer(archive: Path, *, reference: str, layer: Path, config: Mapping[str, object]) -> Path:
    """Write an image of one layer (an uncompressed tar) under a reference such as `localhost/pause:1`."""
    digest = hashlib.sha256()
    with layer.open("rb") as content:
        while chunk := content.read(_CHUNK):
            digest.update(chunk)
    layer_id = digest.hexdigest()
    settings = {
        "architecture": "amd64",
        "os": "linux",
        "config": dict(config),
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer_id}"]},
    }
    configuration = json.dumps(settings, sort_keys=True).encode()
    name = f"{hashlib.sha256(configuration).hexdigest()}.json"
    manifest = json.dumps([{"Config": name, "RepoTags": [reference], "Layers": [f"{layer_id}/layer.tar"]}]).encode()
    unfinished = archive.with_suffix(".unfinished")
    with tarfile.open(unfinished, "w") as tar:
        for inside, text in ((name, configuration), ("manifest.json", manifest)):
            member = tarfile.TarInfo(inside)
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text))
        tar.add(layer, arcname=f"{layer_id}/layer.tar")
    unfinished.rename(archive)
    return archive
