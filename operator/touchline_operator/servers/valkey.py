"""`python -m touchline_operator.servers.valkey FOLDER`: become the valkey-server of the image, as primary or as replica of it.

The pod with ordinal 0 (POD_NAME) is the primary; the folder has `primary.conf` and `replica.conf`.
"""

import argparse
import os
from pathlib import Path

from touchline.local.servers import valkey_binary


def configuration(folder: Path, pod: str) -> Path:
    """The file that a pod is configured by."""
    return folder / ("primary.conf" if pod.endswith("-0") else "replica.conf")


def main() -> None:
    """Replace this process by the server."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="folder with the two configurations")
    options = parser.parse_args()
    binary = str(valkey_binary())
    os.execv(binary, [binary, str(configuration(options.folder, os.environ.get("POD_NAME", "")))])


if __name__ == "__main__":
    main()
