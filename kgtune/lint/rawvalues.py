"""Values of a raw item that are read as meant although they are written another way, and how they are written plainly.

Knows nothing about files or places: it says which value becomes what. Only what loses nothing is on the list.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kgtune.grounding import match_key
from kgtune.lint.findings import short
from kgtune.lint.spans import Respeller
from kgtune.ontology import Ontology, Seen
from kgtune.sources import fields
from kgtune.sources.findings import Findings

CODES = (
    "F-ID", "F-SPACE", "F-LABELS", "F-CONFIDENCE", "W-LABEL-SPELLING", "W-TYPE-SPELLING", "W-NAME-SPELLING",
    "W-EVIDENCE-SPELLING", "W-END-NAME",
)  # fmt: skip
LABEL_KEYS = ("labels", "label", "type")
OUTPUT = "output"
_ITEM_IDS = ("id", "doc_id", "group_id")


@dataclass(frozen=True, slots=True)
class Change:
    """A value and what it becomes, and the codes of what was wrong with it."""

    old: Any
    new: Any
    codes: tuple[str, ...]


Changes = dict[str, Change]


def changes(item: Any, item_path: str, ontology: Ontology) -> Changes:
    """Return what changes in a record or a member of a graph file, by path; of another format's record, nothing.

    Of a row whose `output` is a string the change at "output" only says that the graph in it changes.
    """
    if not isinstance(item, dict):
        return {}
    if item_path.startswith("entities"):
        return dict(_entity(item, "", Respeller(_chunks(item)), ontology))
    if item_path.startswith("relationships"):
        return dict(_relationship(item, "", Respeller(_chunks(item)), _Ends([]), ontology))
    found = dict(_ids(item)) if _is_graph(item) or OUTPUT in item else {}
    if _is_graph(item):
        return found | graph_changes(item, "", str(item.get("text") or ""), ontology)
    output = item.get(OUTPUT)
    text = str(item.get("input") or "")
    if isinstance(output, dict):
        return found | graph_changes(output, f"{OUTPUT}.", text, ontology)
    if isinstance(output, str) and (graph := row_graph(output)) and graph_changes(graph, "", text, ontology):
        found[OUTPUT] = Change(output, None, ())
    return found


def row_graph(output: str) -> dict[str, Any] | None:
    """Return the graph that a training row's string holds, None when it holds none."""
    try:
        graph = json.loads(output)
    except (ValueError, RecursionError):
        return None
    return graph if isinstance(graph, dict) and _is_graph(graph) else None


def graph_changes(graph: Mapping[str, Any], prefix: str, text: str, ontology: Ontology) -> Changes:
    """Return what changes in entities and relationships over one text."""
    respeller = Respeller(text)
    entities = [entity if isinstance(entity, dict) else {} for entity in graph["entities"]]
    ends = _Ends(entities)
    found: Changes = {}
    for i, entity in enumerate(entities):
        found |= dict(_entity(entity, f"{prefix}entities[{i}].", respeller, ontology))
    for i, edge in enumerate(graph["relationships"]):
        if isinstance(edge, dict):
            found |= dict(_relationship(edge, f"{prefix}relationships[{i}].", respeller, ends, ontology))
    return found


def count_names(item: Any, item_path: str, seen: Seen) -> None:
    """Count the labels and types of a record or a member of a graph file."""
    if not isinstance(item, dict):
        return
    if item_path:
        entities, edges = ([item], []) if item_path.startswith("entities") else ([], [item])
    else:
        output = item.get(OUTPUT)
        graph = item if _is_graph(item) else row_graph(output) if isinstance(output, str) else output
        if not isinstance(graph, dict) or not _is_graph(graph):
            return
        entities, edges = graph["entities"], graph["relationships"]
    for entity in entities:
        label = _only(entity.get(label_key(entity))) if isinstance(entity, dict) else None
        if isinstance(label, str) and label.strip():
            seen.labels[label.strip()] += 1
    for edge in edges:
        if isinstance(edge, dict) and isinstance(edge.get("type"), str) and edge["type"].strip():
            seen.types[edge["type"].strip()] += 1


def label_key(entity: Mapping[str, Any]) -> str:
    """Return the key under which an entity has its label: of several, the one that is read."""
    return next((key for key in LABEL_KEYS if entity.get(key)), LABEL_KEYS[0])


def shown(value: Any) -> str:
    """Write a value for a person: a string as it is, with quotes where white space would not show; else as JSON."""
    if isinstance(value, str) and value == value.strip():
        return value
    return short(json.dumps(value, ensure_ascii=False))


class _Ends:
    """The ids that a relationship may point to, and the names that only one entity has."""

    def __init__(self, entities: list[dict[str, Any]]) -> None:
        self.ids: set[str] = set()
        owners: dict[str, list[str]] = {}
        for entity in entities:
            name = entity.get("name")
            identity = entity.get("id") if entity.get("id") is not None else name
            if isinstance(identity, str | int) and not isinstance(identity, bool):
                self.ids.add(str(identity).strip())
                if isinstance(name, str):
                    owners.setdefault(match_key(name), []).append(str(identity).strip())
        self._by_name = {key: ids[0] for key, ids in owners.items() if len(set(ids)) == 1}

    def named(self, value: str) -> str | None:
        """Return the id that is meant by a name; None when `value` is an id, or nobody's name."""
        return None if value in self.ids else self._by_name.get(match_key(value))


def _is_graph(item: Mapping[str, Any]) -> bool:
    return isinstance(item.get("entities"), list) and isinstance(item.get("relationships"), list)


def _chunks(item: Mapping[str, Any]) -> str:
    infos = item.get("chunks_info")
    texts = [info.get("chunk_content") for info in infos if isinstance(info, dict)] if isinstance(infos, list) else []
    return "\n".join(text for text in texts if isinstance(text, str))


def _only(value: Any) -> Any:
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _ids(item: Mapping[str, Any]) -> Iterator[tuple[str, Change]]:
    for key in _ITEM_IDS:
        yield from _stripped(item, key, "", "F-ID")


def _stripped(item: Mapping[str, Any], key: str, prefix: str, code: str) -> Iterator[tuple[str, Change]]:
    value = item.get(key)
    if isinstance(value, str) and value.strip() and value != value.strip():
        yield f"{prefix}{key}", Change(value, value.strip(), (code,))


def _entity(
    entity: Mapping[str, Any], prefix: str, text: Respeller, ontology: Ontology
) -> Iterator[tuple[str, Change]]:
    yield from _stripped(entity, "id", prefix, "F-ID")
    yield from _label(entity, prefix, ontology)
    yield from _quoted(entity, "name", prefix, text, "W-NAME-SPELLING")


def _label(entity: Mapping[str, Any], prefix: str, ontology: Ontology) -> Iterator[tuple[str, Change]]:
    """Change the label that is read, and with it the other keys that say the same."""
    old = entity.get(label_key(entity))
    new = _only(old)
    if not isinstance(new, str) or not new.strip():
        return
    codes = ["F-LABELS"] if isinstance(old, list) else []
    if new != new.strip():
        codes.append("F-SPACE")
    name = ontology.canonical_label(new.strip()) or new.strip()
    if name != new.strip():
        codes.append("W-LABEL-SPELLING")
    if codes:
        for key in LABEL_KEYS:
            if key in entity and entity[key] == old:
                yield f"{prefix}{key}", Change(old, name, tuple(codes))
                codes = []


def _relationship(
    edge: Mapping[str, Any], prefix: str, text: Respeller, ends: _Ends, ontology: Ontology
) -> Iterator[tuple[str, Change]]:
    kind = edge.get("type")
    if isinstance(kind, str) and kind.strip():
        name = ontology.canonical_type(kind.strip()) or kind.strip()
        codes = ["F-SPACE"] * (kind != kind.strip()) + ["W-TYPE-SPELLING"] * (name != kind.strip())
        if codes:
            yield f"{prefix}type", Change(kind, name, tuple(codes))
    for end in ("source", "target"):
        value = edge.get(end)
        if isinstance(value, str) and (named := ends.named(value.strip())):
            yield f"{prefix}{end}", Change(value, named, ("W-END-NAME",))
        else:
            yield from _stripped(edge, end, prefix, "F-ID")
    yield from _confidence(edge, prefix)
    yield from _quoted(edge, "evidence", prefix, text, "W-EVIDENCE-SPELLING")


def _confidence(edge: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Change]]:
    value = edge.get("confidence")
    if value is None or value == "" or (isinstance(value, int | float) and 0 <= value <= 1):
        return
    number = fields.confidence(value, 0.0, "", Findings())
    if number is not None:
        yield f"{prefix}confidence", Change(value, number, ("F-CONFIDENCE",))


def _quoted(item: Mapping[str, Any], key: str, prefix: str, text: Respeller, code: str) -> Iterator[tuple[str, Change]]:
    """Change a name or an evidence to the text's own spelling where only quotes and width differ."""
    old = item.get(key)
    if not isinstance(old, str) or not old.strip():
        return
    new, codes = old.strip(), ["F-SPACE"] if old != old.strip() else []
    if (spelt := text.respelt(new)) is not None:
        new = spelt
        codes.append(code)
    if codes:
        yield f"{prefix}{key}", Change(old, new, tuple(codes))
