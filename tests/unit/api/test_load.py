"""Reading files: every mistake is told with file, line, field and what to do, and the rest is read all the same."""

from pathlib import Path

import pytest

from touchline.api import FeedProvider, Market, OddsEngine
from touchline.api.core_objects import Secret
from touchline.api.load import MAX_FILE_BYTES, load_files, load_text
from touchline.api.problems import Problem, Severity
from touchline.api.render import render, render_all
from touchline.api.yaml_documents import read_documents

ENGINE = """\
apiVersion: touchline.dev/v1alpha1
kind: OddsEngine
metadata:
  name: main
spec:
  currency: GBP
  nats: {managed: {replicas: 1}}
  gateway:
    auth:
      anonymous: {}
  bets:
    durability: Fsync
"""


def told(text: str, *, cross_check: bool = False) -> list[str]:
    return [render(problem) for problem in load_text(text, name="f.yaml", cross_check=cross_check).problems]


def test_a_valid_file_gives_its_resources_and_no_problem(tmp_path: Path) -> None:
    file = tmp_path / "engine.yaml"
    file.write_text(ENGINE, encoding="utf-8")
    result = load_files([file])
    assert result.ok
    assert result.problems == ()
    assert [engine.name for engine in result.of(OddsEngine)] == ["main"]
    assert result.resources == result.of(OddsEngine)
    assert result.files == (file,)


def test_folders_are_read_through_in_the_order_of_names_without_hidden_and_foreign_files(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / ".git").mkdir()
    for name in ("b/2.yml", "a.yaml", "notes.txt", ".git/x.yaml", ".hidden.yaml"):
        (tmp_path / name).write_text(ENGINE, encoding="utf-8")
    result = load_files([tmp_path, tmp_path / "a.yaml"], cross_check=False)
    assert [file.relative_to(tmp_path).as_posix() for file in result.files] == ["a.yaml", "b/2.yml"]


def test_several_documents_are_read_and_empty_ones_passed_over() -> None:
    result = load_text(f"---\n{ENGINE}---\n# nothing\n---\n{ENGINE.replace('main', 'second')}", cross_check=False)
    assert [engine.name for engine in result.of(OddsEngine)] == ["main", "second"]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (
            "currency: GBP",
            "currensy: GBP",
            [
                "f.yaml:6:3: spec.currensy: there is no field 'currensy' here; did you mean \"currency\"?",
                "f.yaml:5:1: spec.currency: must be given; Currency of stakes and limits, as an ISO 4217 code",
            ],
        ),
        (
            "durability: Fsync",
            "durability: fsync",
            [
                "f.yaml:12:5: spec.bets.durability: must be one of Fsync, Quorum, GlobalQuorum, not 'fsync'; "
                'did you mean "Fsync"?'
            ],
        ),
        ("currency: GBP", "currency: 5", ['f.yaml:6:3: spec.currency: must be text, not 5; put it in quotes: "5"']),
        (
            "currency: GBP",
            "currency: NO",
            [
                "f.yaml:6:3: spec.currency: must be text, not false; put it in quotes: YAML reads yes, no, on and off as "
                "true and false"
            ],
        ),
        (
            "currency: GBP",
            'currency: GBP\n  shards: "8"',
            ["f.yaml:7:3: spec.shards: must be a whole number, not '8'; write 8 without quotes"],
        ),
        ("currency: GBP", "currency: GBP\n  shards: 300", ["f.yaml:7:3: spec.shards: must be at most 256, not 300"]),
        ("currency: GBP", "currency: GBP\n  shards: 0", ["f.yaml:7:3: spec.shards: must be at least 1, not 0"]),
        ("currency: GBP", "currency: pounds", ["f.yaml:6:3: spec.currency: must have at most 3 characters"]),
        (
            "durability: Fsync",
            "durability: Quorum",
            [
                "f.yaml:12:5: spec.bets.durability: must have nats.managed.replicas of at least 3 for bets.durability Quorum"
            ],
        ),
        (
            "anonymous: {}",
            "anonymous: []",
            ["f.yaml:10:7: spec.gateway.auth.anonymous: must be an object with fields, not a list"],
        ),
        (
            "durability: Fsync",
            "deadline: 5",
            [
                "f.yaml:12:5: spec.bets.deadline: must be a duration in text with a unit, such as 500ms or 1m30s",
            ],
        ),
        (
            "name: main",
            "nmae: main",
            [
                "f.yaml:4:3: warning: metadata.nmae: Kubernetes knows no field 'nmae' here; did you mean \"name\"?",
                "f.yaml:3:1: metadata.name: must be given; Name, unique for its kind in the namespace",
            ],
        ),
        (
            "kind: OddsEngine",
            "kind: OdsEngine",
            ["f.yaml:2:1: kind: there is no kind 'OdsEngine' in touchline.dev; did you mean \"OddsEngine\"?"],
        ),
        (
            "v1alpha1",
            "v1",
            ["f.yaml:1:1: apiVersion: 'touchline.dev/v1' is no version of OddsEngine; write touchline.dev/v1alpha1"],
        ),
    ],
)
def test_each_mistake_is_told_at_its_line_with_what_to_do(before: str, after: str, expected: list[str]) -> None:
    text = ENGINE.replace(before, after)
    assert text != ENGINE
    assert sorted(told(text)) == sorted(expected)


def test_a_number_for_money_is_told_to_be_quoted() -> None:
    text = """\
apiVersion: touchline.dev/v1alpha1
kind: Market
metadata: {name: m}
spec:
  feeds: {providers: [{name: a}]}
  suspensionPolicyRef: {name: p}
  betting: {stake: {min: 1.00}}
"""
    assert told(text) == ['f.yaml:7:21: spec.betting.stake.min: must be a decimal in quotes; write "1.0"']


def test_every_mistake_of_a_file_is_told_at_once() -> None:
    text = ENGINE.replace("GBP", "gbp").replace("Fsync", "Fsink").replace("anonymous", "anonimous")
    assert len(told(f"{text}---\nkind: Nothing\n")) == 4


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: b: c\n", 1, "mapping values are not allowed"),
        ("a:\n  - b\n c: d\n", 3, "is not YAML"),
        ("a: 'b\n", 2, "is not YAML"),
        ("a:\n\tb: c\n", 2, "indent with spaces"),
        ("a: [1, 2\n", 2, "is not YAML"),
        ("a: *nowhere\n", 1, "undefined alias"),
        ("a: \x07\n", 1, "is not YAML"),
        ("a: !!python/object:os.system x\n", 1, "may not use the tag"),
        ("a: 1\nb: 2\na: 3\n", 3, 'there is a second "a" here, the first is on line 1'),
        ("? [a]\n: b\n", 1, "has a key that is no text"),
        ("- a\n", 1, "is no object with fields"),
        ("text\n", 1, "is no object with fields"),
        ("a: !!int x\n", 1, "cannot be read"),
    ],
)
def test_broken_yaml_is_told_with_its_line(text: str, line: int, words: str) -> None:
    problems = load_text(text, name="f.yaml").problems
    assert problems
    assert problems[0].line == line, problems
    assert any(words in render(problem) for problem in problems), problems


def test_documents_before_broken_yaml_are_kept() -> None:
    result = load_text(f"{ENGINE}---\na: b: c\n", cross_check=False)
    assert [engine.name for engine in result.of(OddsEngine)] == ["main"]
    assert not result.ok


def test_aliases_and_merges_are_understood_and_an_override_is_no_repetition() -> None:
    documents, problems = read_documents("f", "base: &b {x: 1, y: 2}\none: {<<: *b, y: 3}\ntwo: *b\nthree: {<<: *b}\n")
    assert problems == []
    assert documents[0].value["one"] == {"x": 1, "y": 3}
    assert documents[0].value["two"] == {"x": 1, "y": 2}
    assert documents[0].value["three"] == {"x": 1, "y": 2}


def test_a_file_that_expands_without_end_is_refused_quickly() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    _, problems = read_documents("f", "\n".join(lines))
    assert "more than 200000 values" in problems[0].message
    _, problems = read_documents("f", "a: &a [*a]")
    assert "nested deeper" in problems[0].message or "undefined alias" in problems[0].message
    _, problems = read_documents("f", "[" * 100 + "]" * 100)
    assert "nested deeper than 64" in problems[0].message


def test_dates_stay_text_and_places_count_from_one() -> None:
    documents, _ = read_documents("f", "a:\n  - b: 2026-03-01\n    c: 2026-03-01T15:00:00Z\n")
    assert documents[0].value == {"a": [{"b": "2026-03-01", "c": "2026-03-01T15:00:00Z"}]}
    assert documents[0].place(("a", 0, "c")) == (3, 5)
    assert documents[0].place(("a", 0)) == (2, 5)
    assert documents[0].place(("a", 0, "nothing", "deeper")) == (2, 5)


def test_files_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    (tmp_path / "engine.yaml").write_text(ENGINE, encoding="utf-8")
    (tmp_path / "latin.yaml").write_bytes("name: Köln".encode("latin-1"))
    (tmp_path / "empty").mkdir()
    with (tmp_path / "huge.yaml").open("wb") as huge:
        huge.truncate(MAX_FILE_BYTES + 1)
    names = ["engin.yaml", "latin.yaml", "huge.yaml", "empty", "no/such"]
    problems = load_files([tmp_path / name for name in names]).problems
    shown = {Path(problem.file).name: render(problem) for problem in problems}
    assert 'there is no such file or folder; did you mean "engine.yaml"?' in shown["engin.yaml"]
    assert "is not text in UTF-8 (byte 7); save it as UTF-8" in shown["latin.yaml"]
    assert "is larger than 8 MiB; split it" in shown["huge.yaml"]
    assert "holds no .yaml or .yml file" in shown["empty"]
    assert shown["such"].endswith("no/such: there is no such file or folder")


def test_a_byte_order_mark_is_read_over(tmp_path: Path) -> None:
    file = tmp_path / "engine.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + ENGINE.encode())
    assert load_files([file]).ok


def test_secrets_are_read_decoded_and_never_shown() -> None:
    text = """\
apiVersion: v1
kind: Secret
metadata: {name: betfair.account}
stringData: {appKey: plain, both: wins}
data: {sessionToken: aGlkZGVu, both: bG9zZXM=}
"""
    secret = load_text(text).secrets[0]
    assert secret.values == {"appKey": b"plain", "sessionToken": b"hidden", "both": b"wins"}
    assert "plain" not in repr(secret)
    assert "aGlkZGVu" not in repr(secret)


def test_a_secret_with_plain_text_for_base64_is_told_about_string_data() -> None:
    text = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {appKey: not base64!}\n"
    assert told(text) == ["f.yaml:4:8: data.appKey: must be base64; write plain text under stringData instead"]


def test_a_config_map_is_read() -> None:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {teams.csv: x}\nbinaryData: {b: aGk=}\n"
    assert load_text(text).config_maps[0].values == {"teams.csv": b"x", "b": b"hi"}


def test_kinds_of_others_are_left_out_with_a_warning() -> None:
    result = load_text("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\n", name="f.yaml")
    assert result.ok
    assert [problem.severity for problem in result.problems] == [Severity.WARNING]
    assert result.loaded == ()


def test_objects_are_only_compared_once_each_of_them_is_valid() -> None:
    broken = ENGINE.replace("GBP", "gbp")
    market = """\
apiVersion: touchline.dev/v1alpha1
kind: Market
metadata: {name: m}
spec:
  feeds: {providers: [{name: x}]}
  suspensionPolicyRef: {name: y}
"""
    problems = load_text(f"{broken}---\n{market}").problems
    assert [problem.path for problem in problems] == ["spec.currency"]


def test_a_report_counts_what_it_found() -> None:
    error = Problem("f.yaml", 3, 5, "spec.x", "must be y", "write y")
    warning = Problem("dir", 0, 0, "", "is odd", severity=Severity.WARNING)
    assert render_all([error, warning, warning]).splitlines() == [
        "f.yaml:3:5: spec.x: must be y; write y",
        "dir: warning: is odd",
        "dir: warning: is odd",
        "1 error, 2 warnings",
    ]
    assert render_all([]) == ""


def test_a_result_gives_objects_by_kind() -> None:
    result = load_text(ENGINE)
    assert result.of(Market) == ()
    assert result.of(FeedProvider) == ()
    assert result.of(Secret) == result.secrets
