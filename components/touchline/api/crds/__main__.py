"""`python -m touchline.api.crds OUTDIR [--check]`."""

import sys

from touchline.api import generated
from touchline.api.crds.document import crd_documents, crd_text


def main(arguments: list[str]) -> int:
    """Write or check the CRDs; returns the exit code."""
    files = {name: crd_text(document) for name, document in crd_documents().items()}
    return generated.run(
        arguments,
        program="python -m touchline.api.crds",
        what="the CustomResourceDefinitions",
        files=files,
        pattern="touchline.dev_*.yaml",
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
