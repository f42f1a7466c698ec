"""Reads a YAML 1.2 file as plain values, with the line of every key, and lists its duplicate keys.

Knows nothing about what the keys mean: config and ontology judge them.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from kgtune.errors import ConfigError, Problem

# Deeper than any file of ours; an alias that contains itself would otherwise never end.
MAX_DEPTH = 20

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class YamlDocument:
    """A parsed file: plain values, the 1-based line of each key path, and what was wrong with keys."""

    where: str
    values: dict[str, Any]
    lines: dict[KeyPath, int] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    def place(self, path: KeyPath) -> str:
        """Name a key's place, ``config.yaml:12``; of a key that is not there, its nearest parent's."""
        for end in range(len(path), 0, -1):
            if (line := self.lines.get(path[:end])) is not None:
                return f"{self.where}:{line}"
        return self.where


def read(path: Path) -> YamlDocument:
    """Read a file whose root is a mapping, or raise a ConfigError that names the file."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 text (byte {error.start}). Save the file as UTF-8.") from None
    except OSError as error:
        raise ConfigError(f"{path}: can't be read: {error.strerror or error}. Give the path of a YAML file.") from None
    return parse(text, where=str(path))


def parse(text: str, *, where: str) -> YamlDocument:
    """Parse YAML text whose root is a mapping. An empty text is an empty mapping."""
    yaml = _yaml()
    try:
        root = yaml.compose(text)
        if root is None:
            return YamlDocument(where, {})
        if not isinstance(root, MappingNode):
            raise ConfigError(f'{where}: the root is {_kind(root)}, not a mapping. Write "key: value" lines.')
        reader = _Reader(yaml, where)
        values = reader.plain(root, ())
    except YAMLError as error:
        raise ConfigError(_syntax_text(error, where)) from None
    return YamlDocument(where, values, reader.lines, tuple(reader.problems))


def parse_value(text: str) -> Any:
    """Read one value as YAML reads it: ``2e-4`` is a number, ``true`` a truth value, ``[a, b]`` a list."""
    yaml = _yaml()
    try:
        root = yaml.compose(text)
        return None if root is None else _Reader(yaml, "value").plain(root, ())
    except YAMLError as error:
        raise ConfigError(_syntax_text(error, "value")) from None


def _yaml() -> YAML:
    return YAML(typ="safe", pure=True)


class _Reader:
    """Walks the node tree once, since a constructed mapping has forgotten its duplicates and lines."""

    def __init__(self, yaml: YAML, where: str) -> None:
        self.yaml = yaml
        self.where = where
        self.lines: dict[KeyPath, int] = {}
        self.problems: list[Problem] = []

    def plain(self, node: Node, path: KeyPath) -> Any:
        if len(path) > MAX_DEPTH:
            fix = "Remove the alias that holds itself."
            raise ConfigError(f"{self.where}: is nested more than {MAX_DEPTH} deep. {fix}")
        if isinstance(node, MappingNode):
            return self._mapping(node, path)
        if isinstance(node, SequenceNode):
            return [self.plain(item, (*path, index)) for index, item in enumerate(node.value)]
        return self.yaml.constructor.construct_object(node)

    def _mapping(self, node: MappingNode, path: KeyPath) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            key = self.plain(key_node, path)
            if not isinstance(key, str):
                self._problem(line, f"the key {key!r} is not text.", f'Write it in quotes: "{key_node.value}".')
                key = str(key_node.value) if isinstance(key, Hashable) else repr(key)
            here = (*path, key)
            if key in values:
                dotted = ".".join(map(str, here))
                what = f'"{dotted}" stands here a second time, first in line {self.lines[here]}.'
                self._problem(line, what, "Keep one of the two.")
            self.lines[here] = line
            values[key] = self.plain(value_node, here)
        return values

    def _problem(self, line: int, what: str, fix: str) -> None:
        self.problems.append(Problem("E-YAML", f"{self.where}:{line}", what, fix))


def _kind(node: Node) -> str:
    return "a list" if isinstance(node, SequenceNode) else "a single value"


def _syntax_text(error: YAMLError, where: str) -> str:
    if isinstance(error, MarkedYAMLError) and error.problem_mark is not None:
        place = f"{where}:{error.problem_mark.line + 1}"
        return f"{place}: is not YAML: {error.problem}. Mend the line, or quote the value."
    return f"{where}: is not YAML: {error}. Mend the file."
