"""The house rules that a machine can check: what must never exist, and what README and Makefile promise each other."""

import ast
import operator
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_the_operator_folder_never_shadows_the_standard_library() -> None:
    assert not (ROOT / "operator" / "__init__.py").exists()
    assert operator.itemgetter(0)(["x"]) == "x"


def test_every_make_target_that_the_documents_name_exists() -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    documents = [ROOT / "README.md", ROOT / "e2e" / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    named = {
        (document.name, target)
        for document in documents
        for target in re.findall(
            r"`make ([a-z0-9-]+)|^\s*make ([a-z0-9-]+)", document.read_text(encoding="utf-8"), re.MULTILINE
        )
        for target in target
        if target
    }
    assert [pair for pair in sorted(named) if pair[1] not in targets] == []


def test_every_link_between_documents_leads_somewhere() -> None:
    documents = [
        ROOT / "README.md",
        ROOT / "CHANGELOG.md",
        ROOT / "e2e" / "README.md",
        *sorted((ROOT / "docs").rglob("*.md")),
    ]
    broken = [
        f"{document.relative_to(ROOT)} -> {link}"
        for document in documents
        for link in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)(?:#[^)]*)?\)", document.read_text(encoding="utf-8"))
        if not (document.parent / link).exists()
    ]
    assert broken == []


def test_every_package_says_what_it_is_for() -> None:
    silent = [
        path.relative_to(ROOT).as_posix()
        for root in ("components", "operator", "e2e")
        for path in sorted((ROOT / root).rglob("*.py"))
        if path.stat().st_size and not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert silent == []


def test_the_continuous_integration_runs_the_readmes_test_command() -> None:
    assert "make test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "make test" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_no_registry_or_private_path_is_named_in_the_lock_file() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "--hash=sha256:" in lock
    assert not re.search(r"https?://|--index-url|--find-links", lock)


def test_the_tree_holds_no_generated_leftovers() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout
    assert not [name for name in listed.splitlines() if name.endswith((".pyc", ".log", ".pid"))]


def test_every_variable_that_changes_a_test_run_is_described() -> None:
    read = {
        name
        for folder in (ROOT / "tests", ROOT / "e2e")
        for path in folder.rglob("*.py")
        for name in re.findall(
            r'(?:environ\.get\(|REQUIRED = )"((?:TOUCHLINE|HYPOTHESIS|UPDATE)_\w+)"', path.read_text(encoding="utf-8")
        )
    }
    described = set(
        re.findall(r"^\| `(\w+)` \|", (ROOT / "docs" / "testing.md").read_text(encoding="utf-8"), re.MULTILINE)
    )
    assert read == described
