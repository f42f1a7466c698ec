"""Shape (b) of convert_data.py: text and graph on one line, for a person to correct and then to train on.

Knows nothing about readers. What a person should look at first carries `review`, which the readers know and pass over.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from kgtune import graph as graphs
from kgtune import grounding
from kgtune.export.records import Content, Exported
from kgtune.graph import Entity, Relationship
from kgtune.grounding import Haystack

LOW_CONFIDENCE = 0.5
"""Below it a relationship is more likely wrong than right, if its confidence means what it says."""


def write(content: Content) -> Exported:
    """Write one item; `review` of an entity or relationship says why it is marked, and the findings count the marks."""
    haystack, findings = Haystack(content.text), Counter[str]()
    id_ = content.document.id or content.document.name  # two documents may have one title
    item: dict[str, Any] = {"id": id_} if id_ else {}
    item |= {"text": content.text, "lang": grounding.language_of(content.text)}
    values = graphs.to_object(content.graph)
    item["entities"] = [
        _marked(value, _of_entity(entity, haystack), findings)
        for value, entity in zip(values["entities"], content.graph.entities, strict=True)
    ]
    item["relationships"] = [
        _marked(value, _of_relationship(edge, haystack), findings)
        for value, edge in zip(values["relationships"], content.graph.relationships, strict=True)
    ]
    line = json.dumps(item, ensure_ascii=False, allow_nan=False)
    return Exported(f"{line}\n".encode(), findings)


def _of_entity(entity: Entity, haystack: Haystack) -> list[str]:
    return [] if haystack.anchor(entity.name) else ["name is not in the text"]


def _of_relationship(edge: Relationship, haystack: Haystack) -> list[str]:
    marks = [f"confidence below {LOW_CONFIDENCE}"] if edge.confidence < LOW_CONFIDENCE else []
    if not edge.evidence.strip():
        return [*marks, "no evidence"]
    return marks if haystack.first(edge.evidence) else [*marks, "evidence is not in the text"]


def _marked(value: dict[str, Any], marks: list[str], findings: Counter[str]) -> dict[str, Any]:
    findings.update(f"to review: {mark}" for mark in marks)
    return value | ({"review": marks} if marks else {})
