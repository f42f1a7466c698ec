"""What is wrong or suspicious in raw graphs: the readers' problems, and what a text does not bear out.

Knows nothing about training. Errors make an item unusable; warnings are worth a look and stop nothing.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from kgtune.errors import Problem
from kgtune.grounding import Haystack
from kgtune.ontology import Ontology
from kgtune.runs import write_text_atomic
from kgtune.sources import RawDocument, RawSet, fields, texts
from kgtune.sources.findings import Findings
from kgtune.sources.reader import read_contents
from kgtune.sources.scanner import Record

Level = Literal["error", "warning"]
_MOST_PER_CODE = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem and how bad it is. Its code is stable: E-... errors, W-... warnings."""

    level: Level
    problem: Problem

    @property
    def code(self) -> str:
        return self.problem.code


def check(raw_set: RawSet, ontology: Ontology) -> list[Finding]:
    """List everything found, errors first, in the order of the files."""
    errors = [Finding("error", problem) for problem in raw_set.problems]
    warnings = [Finding("warning", p) for document in raw_set.documents for p in _suspicions(document, ontology)]
    return errors + warnings


def _suspicions(document: RawDocument, ontology: Ontology) -> Iterator[Problem]:
    haystack = Haystack(document.text)
    anchored = 0
    for i, entity in enumerate(document.graph.entities):
        where = f"{document.where}: entities[{i}]"
        label = ontology.label(entity.labels)
        span = haystack.first(entity.name)
        anchored += span is not None
        if label is None:
            yield Problem("W-LABEL", where, f'label "{entity.labels}" is not in the ontology {ontology.name}.',
                          "Rename it, or choose another `ontology`.")  # fmt: skip
        elif span is None and label.anchored == "require":
            yield Problem("W-NAME", where, f'name "{entity.name}" does not stand in the text.',
                          "Write it as the text does.")  # fmt: skip
    if document.graph.entities and not anchored:
        yield Problem("W-UNANCHORED", document.where, "no name of it stands in the text.", "Is it the right text?")
    yield from _edge_suspicions(document, haystack, ontology)


def _edge_suspicions(document: RawDocument, haystack: Haystack, ontology: Ontology) -> Iterator[Problem]:
    names = document.graph.names()
    for i, edge in enumerate(document.graph.relationships):
        where = f"{document.where}: relationships[{i}]"
        ends = (names[edge.source].labels, edge.type, names[edge.target].labels)
        if edge.evidence and haystack.first(edge.evidence) is None:
            yield Problem("W-EVIDENCE", where, f'evidence "{_short(edge.evidence)}" does not stand in the text.',
                          "Copy the sentence from the text.")  # fmt: skip
        if edge.source == edge.target:
            yield Problem(
                "W-SELF-LOOP", where, f'"{edge.type}" leads from "{edge.source}" to itself.', "Check its ends."
            )
        if edge.type not in ontology.type_names:
            yield Problem("W-TYPE", where, f'type "{edge.type}" is not in the ontology {ontology.name}.',
                          "Rename it, or choose another `ontology`.")  # fmt: skip
        elif not ontology.is_legal(*ends):
            yield Problem("W-PAIR", where, f'"{edge.type}" from {ends[0]} to {ends[2]} is not foreseen.',
                          "Turn it round, or change a label.")  # fmt: skip


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."


def describe(findings: Sequence[Finding], repairs: Sequence[Problem]) -> str:
    """Write findings for a person: by code, the first few of each, then how many there are."""
    blocks: list[str] = []
    grouped: dict[str, list[str]] = {}
    for finding in findings:
        grouped.setdefault(finding.code, []).append(f"{finding.level} {finding.code} {finding.problem}")
    for repair in repairs:
        grouped.setdefault(repair.code, []).append(f"fixable {repair.code} {repair}")
    for lines in grouped.values():
        blocks += lines[:_MOST_PER_CODE]
        if len(lines) > _MOST_PER_CODE:
            blocks.append(f"  ... and {len(lines) - _MOST_PER_CODE} more of the same kind")
    levels = Counter(finding.level for finding in findings)
    blocks.append(
        f"{levels['error']} errors, {levels['warning']} warnings, {len(repairs)} places that --fix writes plainly"
    )
    return "\n".join(blocks)


def fix(path: Path, default_confidence: float, documents: Sequence[RawDocument]) -> tuple[Path, Counter[str]]:
    """Write `<name>.fixed.jsonl` beside the input, one item a line, all that is lossless mended; count the changes.

    Items of shape (b) keep every key of theirs; other shapes are written from what was read of them.
    """
    findings = Findings()
    contents = read_contents(path, findings)
    changes: Counter[str] = Counter(repair.code for repair in findings.repairs)
    records = contents.records if contents else ()
    if records and all(_is_item(record.value) for record in records):
        items = [_fixed_item(record, default_confidence, changes) for record in records]
    else:
        items = [texts.to_item(document) for document in documents]
        changes["shape (b) in place of another"] += len(items)
    target = path.with_name(f"{path.stem}.fixed.jsonl")
    write_text_atomic(target, "".join(json.dumps(item, ensure_ascii=False, allow_nan=False) + "\n" for item in items))
    return target, changes


def _is_item(value: object) -> bool:
    return isinstance(value, dict) and {"text", "entities", "relationships"} <= value.keys()


def _fixed_item(record: Record, default_confidence: float, changes: Counter[str]) -> dict[str, Any]:
    item: dict[str, Any] = dict(record.value)
    item["text"] = _changed(item["text"], fields.clean(item["text"]), "F-TEXT", changes)
    item["entities"] = [_fixed_entity(entity, changes) for entity in item["entities"]]
    item["relationships"] = [_fixed_edge(edge, default_confidence, changes) for edge in item["relationships"]]
    return item


def _fixed_entity(entity: Mapping[str, Any], changes: Counter[str]) -> dict[str, Any]:
    fixed = dict(entity)
    for key in ("id", "name", "description"):
        if isinstance(fixed.get(key), str):
            fixed[key] = _changed(fixed[key], fields.clean(fixed[key]).strip(), "F-STRING", changes)
    if isinstance(fixed.get("labels"), list) and len(fixed["labels"]) == 1:
        fixed["labels"] = _changed(fixed["labels"], fixed["labels"][0], "F-LABELS", changes)
    return fixed


def _fixed_edge(edge: Mapping[str, Any], default_confidence: float, changes: Counter[str]) -> dict[str, Any]:
    fixed = dict(edge)
    for key in ("type", "source", "target", "evidence"):
        if isinstance(fixed.get(key), str):
            fixed[key] = _changed(fixed[key], fields.clean(fixed[key]).strip(), "F-STRING", changes)
    if fixed.get("confidence") not in (None, ""):
        value = fields.confidence(fixed["confidence"], default_confidence, "", Findings())
        fixed["confidence"] = _changed(fixed["confidence"], value, "F-CONFIDENCE", changes)
    return fixed


def _changed(old: Any, new: Any, code: str, changes: Counter[str]) -> Any:
    changes[code] += old != new
    return new
