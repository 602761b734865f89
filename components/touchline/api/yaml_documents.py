"""YAML text as plain values, with the place of every field.

Kubernetes reads YAML as JSON: keys are text, there are no dates, and a repeated key is a mistake. PyYAML keeps places only
in its node tree, so the values are made from the nodes here, in one pass that also bounds depth and size: aliases can
make a small file expand without end.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from touchline.api.errors import FieldPath, show_path
from touchline.api.problems import Problem

MAX_DEPTH = 64
MAX_NODES = 200_000
_TIMESTAMP = "tag:yaml.org,2002:timestamp"
_PLAIN_TAGS = tuple(f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null"))
_MERGE = "tag:yaml.org,2002:merge"
# libyaml where PyYAML was built with it: ten times as fast, same nodes.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_RESOLVERS = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != _TIMESTAMP]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class Place(NamedTuple):
    """Line and column, counted from 1."""

    line: int
    column: int


@dataclass(slots=True)
class YamlDocument:
    """One document: its value, and the place of each field (of its key; in lists, of the item)."""

    file: str
    value: Any
    places: dict[FieldPath, Place] = field(default_factory=dict)

    def place(self, path: FieldPath) -> Place:
        """The place of a field, or of the nearest block around it where the field is not there."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.places:
                return self.places[path[:length]]
        return Place(1, 1)

    def problem(self, path: FieldPath, message: str, fix: str = "") -> Problem:
        """An error at a field."""
        line, column = self.place(path)
        return Problem(self.file, line, column, show_path(path), message, fix)


class _TooLarge(Exception):
    pass


def read_documents(file: str, text: str) -> tuple[list[YamlDocument], list[Problem]]:
    """The documents of a YAML text, and what is wrong with it. Documents before broken YAML are kept."""
    documents: list[YamlDocument] = []
    problems: list[Problem] = []
    try:
        loader = _LOADER(text)
    except yaml.reader.ReaderError as error:  # text that YAML may not hold, such as control characters
        return [], [_unreadable(file, text, error)]
    loader.yaml_implicit_resolvers = _RESOLVERS
    try:
        while loader.check_node():
            node = loader.get_node()
            document = YamlDocument(file, None)
            found = _Walk(loader, document).run(node)
            problems += found
            if not found and document.value is not None:
                documents.append(document)
    except yaml.MarkedYAMLError as error:
        problems.append(_broken(file, text, error))
    except yaml.reader.ReaderError as error:
        problems.append(_unreadable(file, text, error))
    finally:
        loader.dispose()
    return documents, problems


def _broken(file: str, text: str, error: yaml.MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
    what = " ".join(part for part in (error.context, error.problem) if part)
    fix = "look at the indentation and quotes of this line and the one before"
    here = "".join(text.splitlines()[line - 1 : line])
    if "\t" in here[:column]:
        fix = "indent with spaces, not with tabs"
    return Problem(file, line, column, "", f"is not YAML: {what}", fix)


def _unreadable(file: str, text: str, error: yaml.reader.ReaderError) -> Problem:
    before = text[: error.position] if isinstance(error.position, int) else ""
    line = before.count("\n") + 1
    column = len(before) - (before.rfind("\n") + 1) + 1
    return Problem(file, line, column, "", f"is not YAML: {error.reason}", "remove the character")


class _Walk:
    """One pass over the nodes of one document."""

    def __init__(self, loader: Any, document: YamlDocument) -> None:
        self._loader = loader
        self._document = document
        self._problems: list[Problem] = []
        self._nodes = 0
        self._merged: set[int] = set()

    def run(self, root: Node) -> list[Problem]:
        """Fill the document; returns what is wrong."""
        try:
            self._mark((), root)
            self._document.value = self._value(root, ())
        except _TooLarge as error:
            self._problems.append(self._document.problem((), str(error)))
        return self._problems

    def _mark(self, path: FieldPath, node: Node) -> None:
        mark = node.start_mark
        self._document.places[path] = Place(mark.line + 1, mark.column + 1)

    def _value(self, node: Node, path: FieldPath) -> Any:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise _TooLarge(f"has more than {MAX_NODES} values")
        if len(path) > MAX_DEPTH:
            raise _TooLarge(f"is nested deeper than {MAX_DEPTH} levels")
        match node:
            case ScalarNode():
                return self._scalar(node, path)
            case SequenceNode():
                return [self._item(child, (*path, index)) for index, child in enumerate(node.value)]
            case MappingNode():
                return self._mapping(node, path)
            case _:
                raise TypeError(f"a node that YAML does not have: {node!r}")

    def _item(self, node: Node, path: FieldPath) -> Any:
        self._mark(path, node)
        return self._value(node, path)

    def _scalar(self, node: ScalarNode, path: FieldPath) -> Any:
        if node.tag not in _PLAIN_TAGS:
            self._problems.append(self._document.problem(path, f"may not use the tag {node.tag}", "remove it"))
            return None
        try:
            return self._loader.construct_object(node)
        except (yaml.constructor.ConstructorError, ValueError):
            self._problems.append(self._document.problem(path, f"{node.value!r} cannot be read", "put it in quotes"))
            return None

    def _mapping(self, node: MappingNode, path: FieldPath) -> dict[str, Any]:
        if id(node) not in self._merged:
            self._refuse_repeated(node, path)
            self._merged.add(id(node))
            try:
                self._loader.flatten_mapping(node)
            except yaml.constructor.ConstructorError as error:
                self._problems.append(self._document.problem(path, f"is not YAML: {error.problem}"))
        result: dict[str, Any] = {}
        for key, child in node.value:
            if not isinstance(key, ScalarNode):
                self._problems.append(self._document.problem(path, "has a key that is no text"))
                continue
            name = str(key.value)
            self._mark((*path, name), key)
            result[name] = self._value(child, (*path, name))
        return result

    def _refuse_repeated(self, node: MappingNode, path: FieldPath) -> None:
        first: dict[str, int] = {}
        for key, _ in node.value:
            if not isinstance(key, ScalarNode) or key.tag == _MERGE:
                continue
            name = str(key.value)
            line = key.start_mark.line + 1
            if name in first:
                where = show_path((*path, name))
                message = f'there is a second "{name}" here, the first is on line {first[name]}'
                self._problems.append(
                    Problem(self._document.file, line, key.start_mark.column + 1, where, message, "remove one of them")
                )
            first.setdefault(name, line)
