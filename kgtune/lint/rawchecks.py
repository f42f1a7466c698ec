"""What only the raw items show, before a reader has made sense of them: mistyped keys, ids alike, things given twice.

Knows nothing about labels or texts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from kgtune.grounding import match_key
from kgtune.lint import json_text, rawvalues
from kgtune.lint.files import SourceText, read_source
from kgtune.lint.findings import Finding, Place
from kgtune.sources.fields import ENTITY_KEYS, ITEM_KEYS, RELATIONSHIP_KEYS, ROW_KEYS
from kgtune.spelling import nearest

_KNOWN = {"entities": ENTITY_KEYS, "relationships": RELATIONSHIP_KEYS, "items": ITEM_KEYS | ROW_KEYS}
# Of an item the others are required, and a reader says which key is meant for one that is missing.
_OPTIONAL = frozenset({"id", "doc_id", "group_id", "lang", "split"})


def findings(path: Path) -> Iterator[Finding]:
    """Yield what the raw items of a JSON file show; nothing for another file or a broken one."""
    source = read_source(path)
    if source is None or source.text.lstrip()[:1] not in ("[", "{"):
        return
    checks = _Checks(source)
    found: list[Finding] = []
    try:
        for item in json_text.items(source.text):
            found += checks.of_item(item.value, item.path, Place(str(path), 0, item.index + 1), item.start)
    except (ValueError, RecursionError):  # the reader says what is broken
        return
    yield from found
    yield from checks.of_file()


class _Checks:
    """Goes through the items of one file and keeps what only all of them show."""

    def __init__(self, source: SourceText) -> None:
        self._source = source
        self._keys: dict[tuple[str, str], tuple[str, Place, int]] = {}  # kind, key -> meant key, place, count
        self._scales: dict[str, tuple[Place, object]] = {}  # the first confidence of either scale

    def of_item(self, item: Any, item_path: str, place: Place, start: int) -> Iterator[Finding]:
        graph = _graph_of(item, item_path)
        prefix = "" if item_path or not isinstance(item, dict) or "entities" in item else f"{rawvalues.OUTPUT}."
        lines = _Lines(self._source, start, place, item, item_path)
        for kind in ("entities", "relationships"):
            for index, one in enumerate(graph[kind]):
                path = item_path or f"{prefix}{kind}[{index}]"
                self._mistyped(one, kind, path, lines)
                if kind == "entities":
                    yield from _several_labels(one, path, lines)
                else:
                    self._scale(one.get("confidence"), f"{path}.confidence", lines)
        if not item_path:
            if isinstance(item, dict) and ("entities" in item or rawvalues.OUTPUT in item):
                self._mistyped(item, "items", "", lines)
            yield from _twice(graph, prefix, lines)
            yield from _alike(graph, prefix, lines)

    def of_file(self) -> Iterator[Finding]:
        for (kind, key), (meant, place, number) in self._keys.items():
            yield Finding("W-KEY", place, key, meant, {"kind": kind, "number": number})
        if len(self._scales) > 1:
            (place, value), (other, other_value) = self._scales["of 100"], self._scales["of 1"]
            facts = {"other": other_value, "first": str(other)}
            yield Finding("W-CONFIDENCE-SCALES", place, str(value), facts=facts)

    def _mistyped(self, item: Mapping[str, Any], kind: str, path: str, lines: _Lines) -> None:
        known = _KNOWN[kind]
        for key in [key for key in item if key not in known]:
            if (kind, key) in self._keys:
                meant, place, number = self._keys[kind, key]
                self._keys[kind, key] = (meant, place, number + 1)
            elif (meant_key := nearest(key, (known if path else _OPTIONAL) - item.keys())) is not None:
                self._keys[kind, key] = (meant_key, lines.place(f"{path}.{key}" if path else key), 1)

    def _scale(self, value: object, path: str, lines: _Lines) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float) or value in (0, 1):
            return
        if value < 0 or 1 < value < 2 or value > 100:  # an error of its own
            return
        scale = "of 100" if value > 1 else "of 1"
        if scale not in self._scales:
            self._scales[scale] = (lines.place(path), value)


class _Lines:
    """Gives a value of one item its place; looks for its line only when it is asked."""

    def __init__(self, source: SourceText, start: int, place: Place, item: Any, item_path: str) -> None:
        self._source, self._start, self._place, self._item_path = source, start, place, item_path
        identity = item.get("id") if isinstance(item, dict) and not item_path else None
        self._id = str(identity) if isinstance(identity, str | int) else ""

    def place(self, path: str) -> Place:
        below = path.removeprefix(self._item_path).lstrip(".")
        nodes = {key: node.start for key, node in json_text.parse(self._source.text, self._start).walk()}
        offset = nodes.get(below, nodes.get(rawvalues.OUTPUT, self._start))
        record = 0 if self._item_path else self._place.record
        return Place(self._place.file, self._source.line_of(offset), record, self._id, path)


def _graph_of(item: Any, item_path: str) -> dict[str, list[dict[str, Any]]]:
    """Return the entities and relationships in an item, those that are objects at their index."""
    if item_path:
        kind = item_path.partition("[")[0]
        return {"entities": [], "relationships": [], kind: [item if isinstance(item, dict) else {}]}
    value = item if isinstance(item, dict) else {}
    if isinstance(output := value.get(rawvalues.OUTPUT), dict | str) and "text" not in value:
        value = output if isinstance(output, dict) else rawvalues.row_graph(output) or {}
    lists = {kind: value.get(kind) for kind in ("entities", "relationships")}
    return {
        kind: [one if isinstance(one, dict) else {} for one in found] if isinstance(found, list) else []
        for kind, found in lists.items()
    }


def _several_labels(entity: Mapping[str, Any], path: str, lines: _Lines) -> Iterator[Finding]:
    key = rawvalues.label_key(entity)
    labels = entity.get(key)
    if isinstance(labels, list) and len(labels) > 1:
        yield Finding("W-SEVERAL-LABELS", lines.place(f"{path}.{key}"), rawvalues.shown(labels), str(labels[0]))


def _twice(graph: Mapping[str, list[dict[str, Any]]], prefix: str, lines: _Lines) -> Iterator[Finding]:
    """Point at what a reader merges: the same entity, or the same relationship, again."""
    for kind, keys in (("entities", ("id", "name")), ("relationships", ("type", "source", "target", "evidence"))):
        seen: Counter[tuple[str, ...]] = Counter()
        for index, one in enumerate(graph[kind]):
            key = tuple(str(one.get(name) or "").strip() for name in keys)
            seen[key] += 1
            if any(key) and key[0] and seen[key] == 2:
                yield Finding("N-GIVEN-TWICE", lines.place(f"{prefix}{kind}[{index}]"), " ".join(key[:3]))


def _alike(graph: Mapping[str, list[dict[str, Any]]], prefix: str, lines: _Lines) -> Iterator[Finding]:
    """Point at ids that differ only in case, width or space: one of them is likely a slip."""
    seen: dict[str, str] = {}
    for index, entity in enumerate(graph["entities"]):
        identity = entity.get("id")
        if not isinstance(identity, str) or not identity.strip():
            continue
        first = seen.setdefault(match_key(identity), identity.strip())
        if first != identity.strip():
            yield Finding("W-ID-ALIKE", lines.place(f"{prefix}entities[{index}].id"), identity.strip(), first)
