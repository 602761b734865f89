"""The chart, rendered by Helm's own library as `helm install` would: values in, objects out. No helm binary, no cluster."""

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import helm_python
import yaml
from helm_python import HelmError, _native

__all__ = [
    "CHART",
    "NAMESPACE",
    "RELEASE",
    "ROOT",
    "HelmError",
    "of_kind",
    "quickstart",
    "render",
    "roles",
    "sources",
    "user",
]

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "touchline"
RELEASE = "touchline"
NAMESPACE = "touchline"
PROMETHEUS = "monitoring.coreos.com/v1"
Manifest = dict[str, Any]
Values = Mapping[str, Any]


def sources(
    values: Values | None = None,
    *,
    release: str = RELEASE,
    namespace: str = NAMESPACE,
    upgrade: bool = False,
    api_versions: tuple[str, ...] = (PROMETHEUS,),
) -> dict[str, str]:
    """What each template became, by its path below `templates/`. A value that no default names is an error.

    Raises:
        HelmError: the values are refused, or a template is wrong.
    """
    options = {
        "name": release,
        "namespace": namespace,
        "is_install": not upgrade,
        "is_upgrade": upgrade,
        "api_versions": list(api_versions),
        "strict": True,
    }
    rendered: dict[str, str] = json.loads(_rendered(json.dumps(values or {}), json.dumps(options)))
    return {path.partition("/templates/")[2]: text for path, text in sorted(rendered.items())}


@functools.cache
def _rendered(values: str, options: str) -> str:
    with helm_python.Chart.load(CHART) as chart:
        chart.validate_schema(json.loads(values))
        # `Chart.render` has these options but the last two, which the library below it knows.
        return _native.call_string("helm_render", chart._raw(), values, options)


def render(values: Values | None = None, *, release: str = RELEASE, namespace: str = NAMESPACE) -> list[Manifest]:
    """Every object of a release, hooks too; the CRDs apart. Raises HelmError."""
    texts = sources(values, release=release, namespace=namespace)
    return [
        document
        for path, text in texts.items()
        if path.endswith(".yaml")
        for document in json.loads(_parsed(text))
        if document is not None
    ]


@functools.cache
def _parsed(text: str) -> str:
    """YAML as JSON: parsed once, and what a test changes in it is the test's own."""
    return json.dumps(list(yaml.safe_load_all(text)))


def of_kind(manifests: list[Manifest], *kinds: str) -> list[Manifest]:
    """Those of some kinds."""
    return [each for each in manifests if each["kind"] in kinds]


def roles(values: Values | None = None, *, release: str = RELEASE, namespace: str = NAMESPACE) -> list[Manifest]:
    """What gives the operator its rights, and nothing that would start it."""
    kinds = ("ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")
    return of_kind(render(values, release=release, namespace=namespace), *kinds)


def user(*, release: str = RELEASE, namespace: str = NAMESPACE) -> str:
    """The name by which the API server knows the operator of a release."""
    (account,) = of_kind(roles(release=release, namespace=namespace), "ServiceAccount")
    return f"system:serviceaccount:{namespace}:{account['metadata']['name']}"


def quickstart() -> list[Manifest]:
    """The objects of examples/quickstart, in the order of their files."""
    files = sorted((ROOT / "examples" / "quickstart").glob("*.yaml"))
    return [document for file in files for document in yaml.safe_load_all(file.read_text(encoding="utf-8"))]
