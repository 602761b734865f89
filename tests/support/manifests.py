"""The examples of the project as plain objects and as folders that belong together."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"

SETS: dict[str, list[Path]] = {
    "quickstart": [EXAMPLES / "quickstart"],
    "replay": [EXAMPLES / "replay"],
    "recorded-feed": [EXAMPLES / "recorded-feed"],
    "single-region": [EXAMPLES / "single-region"],
    "kinds": [EXAMPLES / "kinds"],
    **{
        f"multi-region {region}": [EXAMPLES / "multi-region" / "common", EXAMPLES / "multi-region" / region]
        for region in ("us-east", "eu-west", "us-west")
    },
}
"""Folders that one cluster is given together."""


@cache
def _texts() -> tuple[str, ...]:
    """Every custom resource of every example as JSON, as the API server gets it: dates are text."""
    documents = [
        each for file in sorted(EXAMPLES.rglob("*.yaml")) for each in yaml.safe_load_all(file.read_text("utf-8"))
    ]
    ours = [each for each in documents if each["apiVersion"] == "touchline.dev/v1alpha1"]
    return tuple(json.dumps(each, default=lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%SZ")) for each in ours)


def objects() -> list[dict[str, Any]]:
    """Every custom resource of every example, as plain objects, free to be changed."""
    return [json.loads(text) for text in _texts()]


def sample(kind: str, name: str = "") -> dict[str, Any]:
    """One example object of a kind (by name, else the first), free to be changed."""
    return next(each for each in objects() if each["kind"] == kind and (not name or each["metadata"]["name"] == name))
