"""Reading custom resources (and the Secrets and ConfigMaps they name) from YAML files.

Nothing here raises for what a user wrote: every mistake becomes a `Problem` with file, line, field and fix, and as much as
possible is read in spite of it, so that one run tells them all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from touchline.api.core_objects import CORE_KINDS, ConfigMap, Secret
from touchline.api.crosscheck import Loaded, crosscheck
from touchline.api.errors import InvalidResource, UnknownKind
from touchline.api.faults import did_you_mean, faults_of
from touchline.api.kinds import KINDS, Resource, parse_resource
from touchline.api.problems import Problem, Severity
from touchline.api.types.resource import GROUP
from touchline.api.yaml_documents import YamlDocument, read_documents

MAX_FILE_BYTES = 8 * 2**20
_SUFFIXES = (".yaml", ".yml")
# Kubernetes' ObjectMeta (meta/v1).
_METADATA_FIELDS = (
    "annotations",
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "finalizers",
    "generateName",
    "generation",
    "labels",
    "managedFields",
    "name",
    "namespace",
    "ownerReferences",
    "resourceVersion",
    "selfLink",
    "uid",
)

Kind = TypeVar("Kind")


@dataclass(frozen=True, slots=True)
class LoadResult:
    """What was read: the valid objects in the order of the files, and every problem."""

    loaded: tuple[Loaded, ...]
    problems: tuple[Problem, ...]
    files: tuple[Path, ...]

    @property
    def errors(self) -> tuple[Problem, ...]:
        """Problems that keep the set from being used."""
        return tuple(problem for problem in self.problems if problem.severity is Severity.ERROR)

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """Problems that do not."""
        return tuple(problem for problem in self.problems if problem.severity is Severity.WARNING)

    @property
    def ok(self) -> bool:
        """Whether the set can be used."""
        return not self.errors

    @property
    def resources(self) -> tuple[Resource, ...]:
        """The custom resources."""
        return tuple(item.object for item in self.loaded if not isinstance(item.object, Secret | ConfigMap))

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """The Secrets."""
        return self.of(Secret)

    @property
    def config_maps(self) -> tuple[ConfigMap, ...]:
        """The ConfigMaps."""
        return self.of(ConfigMap)

    def of(self, kind: type[Kind]) -> tuple[Kind, ...]:
        """The objects of one kind: `result.of(Market)`."""
        return tuple(item.object for item in self.loaded if isinstance(item.object, kind))


def load_files(paths: Sequence[Path], *, cross_check: bool = True) -> LoadResult:
    """Read files, and the .yaml and .yml files of folders and the folders in them, in the order of their names.

    With `cross_check` the objects are also checked against each other (`touchline.api.crosscheck`).
    """
    files, problems = _expand(paths)
    loaded: list[Loaded] = []
    for file in files:
        text, problem = _text(file)
        if problem is not None:
            problems.append(problem)
            continue
        objects, wrong = _objects(str(file), text)
        loaded += objects
        problems += wrong
    return _result(loaded, problems, files, cross_check=cross_check)


def load_text(text: str, *, name: str = "<stdin>", cross_check: bool = True) -> LoadResult:
    """Read one YAML text, such as standard input; `name` stands for its file."""
    loaded, problems = _objects(name, text)
    return _result(loaded, problems, [], cross_check=cross_check)


def _result(loaded: list[Loaded], problems: list[Problem], files: list[Path], *, cross_check: bool) -> LoadResult:
    found = list(problems)
    if cross_check:
        # With an invalid object left out, others would be told that it is missing: first things first.
        broken = any(problem.severity is Severity.ERROR for problem in problems)
        found += [] if broken else crosscheck(loaded)
    order = {str(file): index for index, file in enumerate(files)}
    found.sort(key=lambda problem: (order.get(problem.file, -1), problem.line, problem.column))
    return LoadResult(tuple(loaded), tuple(found), tuple(files))


def _expand(paths: Sequence[Path]) -> tuple[list[Path], list[Problem]]:
    files: list[Path] = []
    problems: list[Problem] = []
    for path in paths:
        if path.is_dir():
            inside = [file for file in sorted(path.rglob("*")) if _is_manifest(file, path)]
            if not inside:
                problems.append(Problem(str(path), 0, 0, "", "holds no .yaml or .yml file"))
            files += inside
        elif path.exists():
            files.append(path)
        else:
            problems.append(Problem(str(path), 0, 0, "", "there is no such file or folder", _near(path)))
    return list(dict.fromkeys(files)), problems


def _is_manifest(file: Path, folder: Path) -> bool:
    hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
    return file.suffix in _SUFFIXES and not hidden and file.is_file()


def _near(path: Path) -> str:
    if not path.parent.is_dir():
        return ""
    return did_you_mean(path.name, [entry.name for entry in path.parent.iterdir()])


def _text(file: Path) -> tuple[str, Problem | None]:
    try:
        size = file.stat().st_size
        if size > MAX_FILE_BYTES:
            return "", Problem(str(file), 0, 0, "", f"is larger than {MAX_FILE_BYTES // 2**20} MiB", "split it")
        return file.read_text(encoding="utf-8-sig"), None
    except UnicodeDecodeError as error:
        fix = "save it as UTF-8"
        return "", Problem(str(file), 0, 0, "", f"is not text in UTF-8 (byte {error.start})", fix)
    except OSError as error:
        return "", Problem(str(file), 0, 0, "", f"cannot be read: {error.strerror}")


def _objects(file: str, text: str) -> tuple[list[Loaded], list[Problem]]:
    documents, problems = read_documents(file, text)
    loaded: list[Loaded] = []
    for document in documents:
        found, wrong = _object(document)
        problems += wrong
        if found is not None:
            loaded.append(found)
    return loaded, problems


def _object(document: YamlDocument) -> tuple[Loaded | None, list[Problem]]:
    value = document.value
    if not isinstance(value, dict):
        fix = "a resource starts with apiVersion and kind"
        return None, [document.problem((), "is no object with fields", fix)]
    warnings = list(_metadata_warnings(document, value))
    core = CORE_KINDS.get((value.get("apiVersion"), value.get("kind")))
    try:
        if core is not None:
            return Loaded(core.model_validate(value), document), warnings
        if _is_foreign(value):
            what = f"{value['kind']} of {value['apiVersion']} is not used by Touchline itself and was left out"
            return None, [_warning(document.problem(("kind",), what))]
        return Loaded(parse_resource(value), document), warnings
    except UnknownKind as error:
        faults = [error.fault]
    except InvalidResource as error:
        faults = list(error.faults)
    except ValidationError as error:
        faults = faults_of(error, core) if core is not None else []
    return None, warnings + [document.problem(fault.path, fault.message, fault.fix) for fault in faults]


def _is_foreign(value: Mapping[str, Any]) -> bool:
    """Whether an object is plainly one of somebody else's kinds, such as a Deployment beside our resources."""
    version, kind = value.get("apiVersion"), value.get("kind")
    if not isinstance(version, str) or not isinstance(kind, str) or version.startswith(f"{GROUP}/"):
        return False
    return kind not in KINDS and not did_you_mean(kind, KINDS)


def _metadata_warnings(document: YamlDocument, value: Mapping[str, Any]) -> Iterator[Problem]:
    metadata = value.get("metadata")
    if not isinstance(metadata, dict):
        return
    for name in metadata:
        if name not in _METADATA_FIELDS:
            message, fix = f"Kubernetes knows no field {name!r} here", did_you_mean(name, _METADATA_FIELDS)
            yield _warning(document.problem(("metadata", name), message, fix))


def _warning(problem: Problem) -> Problem:
    return Problem(
        problem.file, problem.line, problem.column, problem.path, problem.message, problem.fix, Severity.WARNING
    )
