"""From a finding's place in a document to the very line in the user's file, and the index that it has there.

Knows nothing about what was found. A reader merges what is given twice and pulls entities in from other chunks, so
that the third entity of a document may be the fifth of the file: the file is looked at again, where it is JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from kgtune.graph import Graph
from kgtune.lint import json_text
from kgtune.lint.files import SourceText, read_source
from kgtune.lint.findings import Place
from kgtune.lint.json_text import Item
from kgtune.lint.rawvalues import label_key

_INDEXED = re.compile(r"(?P<list>entities|relationships)\[(?P<index>\d+)\](?:\.(?P<key>\w+))?")
_EDGE_KEYS = ("type", "source", "target", "evidence")


class Locator:
    """Follows the files while documents come in their order; holds one file at a time."""

    def __init__(self) -> None:
        self._file: _File | None = None

    def located(self, place: Place, graph: Graph | None = None) -> Place:
        """Return the place with its line, and with the index of the user's file in its path.

        `graph` is the document's: in a graph indexed by chunk its ids say which of the file's items is meant.
        """
        if not place.file or not place.line:
            return place
        return self._at(place.file).located(place, graph)

    def as_read(self, place: Place) -> Place:
        """Return a reader's place with the line of its value: its path is the user's own, its line the item's."""
        if not place.file or not place.line or not place.record or not place.path:
            return place
        return self._at(place.file).as_read(place)

    def _at(self, name: str) -> _File:
        if self._file is None or self._file.name != name:
            self._file = _File(name)
        return self._file


class _File:
    def __init__(self, name: str) -> None:
        self.name = name
        self._source = read_source(Path(name))
        self._items: Iterator[Item] | None = None
        self._item: Item | None = None
        self._lines: tuple[int, dict[str, int]] = (-1, {})  # of the item last looked at: start, path -> offset
        self._by_id: dict[tuple[str, str], Item] | None = None

    def located(self, place: Place, graph: Graph | None) -> Place:
        if self._source is None:
            return place
        try:
            if place.record:
                return self._in_record(place, self._source)
            return self._in_graph_file(place, self._source, graph)
        except (ValueError, RecursionError):  # no JSON, or too deep: the reader's own place has to do
            return place

    def as_read(self, place: Place) -> Place:
        if self._source is None:
            return place
        try:
            item = self._advance_to(place.record - 1, self._source)
            if item is None or item.path or not isinstance(item.value, dict):
                return place
            is_row = "text" not in item.value and "output" in item.value
            path = f"output.{place.path}" if is_row and not place.path.startswith("output") else place.path
            return replace(place, line=self._line(self._source, item, path, place.line))
        except (ValueError, RecursionError):  # broken JSON: the reader's own place has to do
            return place

    def _in_record(self, place: Place, source: SourceText) -> Place:
        item = self._advance_to(place.record - 1, source)
        if item is None or item.path or not isinstance(item.value, dict):
            return place
        path = _raw_path(place.path, item.value)
        return replace(place, line=self._line(source, item, path, place.line), path=path)

    def _advance_to(self, index: int, source: SourceText) -> Item | None:
        if self._items is None or self._item is None or self._item.index > index:
            self._items, self._item = json_text.items(source.text), None
        while self._item is None or self._item.index < index:
            self._item = next(self._items, None)
            if self._item is None:
                return None
        return self._item if self._item.index == index else None

    def _in_graph_file(self, place: Place, source: SourceText, graph: Graph | None) -> Place:
        """Of a chunk's document: find the file's item by what the relationship or entity says."""
        match = _INDEXED.fullmatch(place.path)
        if match is None or graph is None or not place.id:
            return place
        item = self._graph_items(source).get((match["list"], _key_in(graph, match["list"], int(match["index"]))))
        if item is None:
            return place
        path = _raw_key(match["key"], item.value, match["list"])
        line = self._line(source, item, path, place.line)
        return replace(place, line=line, path=f"{item.path}.{path}" if path else item.path)

    def _graph_items(self, source: SourceText) -> Mapping[tuple[str, str], Item]:
        if self._by_id is None:
            self._by_id = {}
            for item in json_text.items(source.text):
                kind = item.path.partition("[")[0]
                if kind and isinstance(item.value, dict):
                    self._by_id.setdefault((kind, _key_of(kind, item.value)), item)
        return self._by_id

    def _line(self, source: SourceText, item: Item, path: str, otherwise: int) -> int:
        """Return the line of a value; of one that is missing, that of the nearest value around it."""
        if "\n" not in source.text[item.start : item.end]:
            return otherwise if not item.path else source.line_of(item.start)
        if self._lines[0] != item.start:
            node = json_text.parse(source.text, item.start)
            self._lines = (item.start, {key: below.start for key, below in node.walk()})
        offsets = self._lines[1]
        while path and path not in offsets:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return source.line_of(offsets.get(path, item.start))


def _raw_path(path: str, item: Mapping[str, Any]) -> str:
    """Turn the path in a document's graph into the path in the item as it is written."""
    prefix, value = "", item
    if "text" not in item and "output" in item:
        if path == "text":
            return "input"
        output = item["output"]
        prefix, value = "output.", json.loads(output) if isinstance(output, str) else output
    match = _INDEXED.fullmatch(path)
    if match is None or not isinstance(value, dict):
        return path
    raw = value.get(match["list"])
    index = _raw_index(raw, match["list"], int(match["index"]))
    key = _raw_key(match["key"], raw[index], match["list"]) if isinstance(raw, list) and index < len(raw) else ""
    return f"{prefix}{match['list']}[{index}]" + (f".{key}" if key else "")


def _raw_index(raw: object, kind: str, index: int) -> int:
    """Count over what the reader has merged: of what is given twice, the first is meant."""
    if not isinstance(raw, list):
        return index
    seen: set[str] = set()
    for number, one in enumerate(raw):
        key = _key_of(kind, one) if isinstance(one, dict) else str(number)
        if key not in seen:
            seen.add(key)
            if len(seen) == index + 1:
                return number
    return index


def _key_of(kind: str, item: Mapping[str, Any]) -> str:
    """Return what tells an item from others of its list, as the readers see it."""
    if kind == "entities":
        return str(item.get("id") if item.get("id") is not None else item.get("name")).strip()
    return "\0".join(str(item.get(key) or "").strip() for key in _EDGE_KEYS)


def _key_in(graph: Graph, kind: str, index: int) -> str:
    if kind == "entities":
        return graph.entities[index].id
    edge = graph.relationships[index]
    return "\0".join(str(getattr(edge, key)) for key in _EDGE_KEYS)


def _raw_key(key: str | None, item: Mapping[str, Any], kind: str) -> str:
    if key != "labels" or kind != "entities":
        return key or ""
    return label_key(item)
