"""The reference documentation is what the models say."""

from pathlib import Path
from typing import Any

import pytest

from touchline.api import KINDS
from touchline.api.crds import crd_document
from touchline.api.reference import main, pages

ROOT = Path(__file__).parents[3]
PAGES = pages()


def test_the_pages_in_docs_are_what_the_models_say(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(ROOT / "docs" / "reference"), "--check"]) == 0, f"run `make crds`:\n{capsys.readouterr().out}"


def test_a_changed_page_is_noticed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 0
    (tmp_path / "market.md").write_text("changed\n", encoding="utf-8")
    assert main([str(tmp_path), "--check"]) == 1
    assert "-changed" in capsys.readouterr().out


def test_there_is_a_page_for_each_kind_and_an_index_of_them() -> None:
    found = pages()
    assert list(found) == ["index.md", *(f"{kind.lower()}.md" for kind in KINDS)]
    for kind in KINDS:
        assert f"[{kind}]({kind.lower()}.md)" in found["index.md"]


def fields(node: dict[str, Any]) -> list[tuple[str, str]]:
    found = []
    for name, child in node.get("properties", {}).items():
        found.append((name, child["description"]))
        found += fields(child["items"] if child["type"] == "array" else child)
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_of_a_kind_stands_on_its_page(kind: str) -> None:
    page = PAGES[f"{kind.lower()}.md"]
    schema = crd_document(KINDS[kind])["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
    for part in ("spec", "status"):
        for name, description in fields(schema[part]):
            assert f"| `{name}` |" in page
            assert description.replace("|", "\\|").replace("*", "\\*") in page
