"""The health scripts for Argo CD and the settings that hold them. What they say of statuses: tests/integration/operator/test_gitops.py.

`UPDATE_GOLDEN=1` writes `argocd-cm.yaml` anew.
"""

import os
from pathlib import Path

import yaml

from touchline.api import KINDS

FOLDER = Path(__file__).parents[3] / "docs" / "gitops" / "argocd"
SETTINGS = FOLDER / "argocd-cm.yaml"
HEAD = """\
# The health scripts of this folder as settings of Argo CD. It adds its keys to an argocd-cm that is there and leaves the others alone:
# kubectl apply --server-side --field-manager=touchline-health -n argocd -f argocd-cm.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: argocd-cm
  labels:
    app.kubernetes.io/part-of: argocd
data:
"""


def scripts() -> dict[str, str]:
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.lua"))}


def settings() -> str:
    text = HEAD
    for kind, script in scripts().items():
        text += f"  resource.customizations.health.touchline.dev_{kind}: |\n"
        text += "".join(f"    {line}\n" if line else "\n" for line in script.splitlines())
    return text


def test_every_kind_has_a_script_of_its_own() -> None:
    assert set(scripts()) == set(KINDS)


def test_the_scripts_say_the_same_of_every_kind() -> None:
    for kind, script in scripts().items():
        assert f"touchline.dev_{kind} in argocd-cm" in script.splitlines()[0]
    assert len({script.partition("\n")[2] for script in scripts().values()}) == 1


def test_the_settings_are_the_scripts() -> None:
    if os.environ.get("UPDATE_GOLDEN") == "1":
        SETTINGS.write_text(settings(), encoding="utf-8")
    assert SETTINGS.read_text(encoding="utf-8") == settings(), "UPDATE_GOLDEN=1 writes it anew"
    found = yaml.safe_load(settings())["data"]
    assert found == {f"resource.customizations.health.touchline.dev_{kind}": text for kind, text in scripts().items()}
