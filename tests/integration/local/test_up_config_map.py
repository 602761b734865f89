"""`touchline up` with an EntityMap whose entries stand in a ConfigMap: prices come under its names, and an edited line is live."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.engine import QUICKSTART, Engine
from support.waiting import wait_until

pytestmark = pytest.mark.servers


def as_table(spec: dict[str, Any]) -> str:
    """The leagues and teams of an EntityMap as CSV; they are taken out of it."""
    lines = ["kind,id,name,parent,alias_name,alias_id,provider,protocol"]
    for kind, parent in (("league", ""), ("team", "league")):
        for entry in spec.pop(f"{kind}s", []):
            assert not any("," in str(value) for value in entry.values() if not isinstance(value, list))
            for alias in entry.get("aliases") or [{}]:
                words = [kind, entry["id"], entry["name"], entry.get(parent, "")]
                words += [str(alias.get(name, "")) for name in ("name", "id", "provider", "protocol")]
                lines.append(",".join(words))
    return "\n".join(lines) + "\n"


def split_map(folder: Path) -> Path:
    """The quickstart with its football names in a ConfigMap; that file."""
    folder.mkdir()
    table = folder / "clubs.yaml"
    for source in QUICKSTART.glob("*.yaml"):
        documents = list(yaml.safe_load_all(source.read_text()))
        for document in documents:
            if document["kind"] == "EntityMap":
                text = as_table(document["spec"])
                document["spec"]["source"] = {"configMapRef": {"name": "clubs", "key": "clubs.csv"}}
                write_table(table, text)
        (folder / source.name).write_text(yaml.safe_dump_all(documents))
    assert table.exists()
    return table


def write_table(file: Path, text: str) -> None:
    metadata = {"name": "clubs"}
    file.write_text(
        json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"clubs.csv": text}})
    )


def test_names_come_from_the_config_map_and_follow_its_edits(tmp_path: Path) -> None:
    table = split_map(tmp_path / "files")
    with Engine([tmp_path / "files"], tmp_path) as engine:
        engine.ready()
        seen = engine.command("watch", "--json", "--count", "40").stdout
        frames = [json.loads(line) for line in seen.splitlines()]
        leagues = {frame["meta"]["league"] for frame in frames if frame.get("op") == "state"}
        known = json.loads(table.read_text())["data"]["clubs.csv"]
        assert leagues
        assert all(f"league,{league}," in known for league in leagues), leagues
        before = len(engine.output)
        write_table(table, known + "team,nobody,Nobody United,,,,,\n")
        engine.says("applied EntityMap.", after=before)
        write_table(table, known + "club,nobody,Nobody United,,,,,\n")
        engine.says("kind must be league, team or player", after=before)
        assert engine.running


def test_without_its_config_map_nothing_starts_and_the_reference_is_shown(tmp_path: Path) -> None:
    split_map(tmp_path / "files").unlink()
    with Engine([tmp_path / "files"], tmp_path) as engine:
        assert engine.ended() == 1
        told = " ".join(engine.output.split())
        assert 'spec.source.configMapRef.name: no ConfigMap is named "clubs"' in told
        assert "add the ConfigMap to the files" in told
    wait_until(lambda: not engine.state.exists())
