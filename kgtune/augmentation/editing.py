"""A document as something that may be edited: what is protected, edit lists, and where evidence ends up.

Knows nothing about which edits are worth making. Strings are never searched and replaced: an edit is a span.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from kgtune.graph import Graph
from kgtune.grounding import haystack

_CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)

Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Edit:
    """Put `new` in place of text[start:end]."""

    start: int
    end: int
    new: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """A changed text with its graph (the parent's entity ids), and the names that were changed on purpose."""

    text: str
    graph: Graph
    renames: Mapping[str, str] = field(default_factory=dict)


class EditRefused(ValueError):
    """An edit list touches what is protected, overlaps itself, or leaves nothing."""


class Document:
    """A text with its graph, and the spans that an edit must leave alone."""

    def __init__(self, text: str, graph: Graph) -> None:
        self.text, self.graph = text, graph
        self.haystack = haystack(text)

    @cached_property
    def mentions(self) -> dict[str, list[Place]]:
        """Every mention of every entity's name, by entity id."""
        return {e.id: [(s.start, s.end) for s in self.haystack.all(e.name)] for e in self.graph.entities}

    @cached_property
    def code(self) -> list[Place]:
        return [match.span() for match in _CODE.finditer(self.text)]

    @cached_property
    def evidence(self) -> list[Place | None]:
        """Where each relationship's evidence stands, word for word; None for a paraphrase."""
        found: list[Place | None] = []
        for relationship in self.graph.relationships:
            at = self.text.find(relationship.evidence) if relationship.evidence else -1
            found.append((at, at + len(relationship.evidence)) if at >= 0 else None)
        return found

    @cached_property
    def loose_evidence(self) -> list[Place]:
        """Where evidence stands that the text spells in another way: it can't be sliced again, so it stays whole."""
        spans = [
            self.haystack.first(relationship.evidence)
            for relationship, place in zip(self.graph.relationships, self.evidence, strict=True)
            if relationship.evidence and place is None
        ]
        return [(span.start, span.end) for span in spans if span]

    @cached_property
    def protected(self) -> list[Place]:
        """Names, indicators, code and loosely spelled evidence, merged and in order."""
        spans = [span for spans in self.mentions.values() for span in spans]
        spans += [(ioc.start, ioc.end) for ioc in self.haystack.iocs]
        return merged([*spans, *self.code, *self.loose_evidence])

    def is_protected(self, start: int, end: int) -> bool:
        return overlaps(self.protected, start, end)

    def cuts_evidence(self, start: int, end: int) -> bool:
        """Tell whether an edge of some evidence lies strictly inside the span."""
        return any(start < edge < end for span in self.evidence if span for edge in span)

    def edited(self, edits: Iterable[Edit], *, allowed: Sequence[Place] = ()) -> tuple[str, Graph]:
        """Apply edits and re-slice the evidence; `allowed` names the mentions that may be touched."""
        ordered = sorted(edits, key=lambda edit: (edit.start, edit.end))
        permitted = set(allowed)
        for edit in ordered:
            is_free = (edit.start, edit.end) in permitted or not self.is_protected(edit.start, edit.end)
            if not is_free or self.cuts_evidence(edit.start, edit.end):
                raise EditRefused(f"edit touches a protected span at {edit.start}")
        text = apply(self.text, ordered)
        relationships = []
        for relationship, span in zip(self.graph.relationships, self.evidence, strict=True):
            evidence = relationship.evidence
            if span is not None:
                evidence = text[projected(ordered, span[0]) : projected(ordered, span[1], is_end=True)]
            relationships.append(replace(relationship, evidence=evidence))
        return text, Graph(self.graph.entities, tuple(relationships))


def apply(text: str, ordered: Sequence[Edit]) -> str:
    """Apply sorted edits that do not overlap."""
    parts: list[str] = []
    at = 0
    for edit in ordered:
        if edit.start < at:
            raise EditRefused(f"two edits overlap at {edit.start}")
        parts += [text[at : edit.start], edit.new]
        at = edit.end
    result = "".join([*parts, text[at:]])
    if not result.strip():
        raise EditRefused("nothing is left")
    return result


def projected(ordered: Sequence[Edit], position: int, *, is_end: bool = False) -> int:
    """Map the start (or end) of a span to the edited text; what is inserted at its edge stays outside it."""
    shift = 0
    for edit in ordered:
        is_insertion_here = edit.start == edit.end == position
        if edit.end > position or (is_insertion_here and is_end):
            break
        shift += len(edit.new) - (edit.end - edit.start)
    return position + shift


def without(text: str, spans: Iterable[Place]) -> list[str]:
    """Return what is left between the spans, which may overlap."""
    parts: list[str] = []
    at = 0
    for start, end in merged(spans):
        parts.append(text[at:start])
        at = end
    return [*parts, text[at:]]


def merged(spans: Iterable[Place]) -> list[Place]:
    """Unite spans that overlap or touch."""
    result: list[Place] = []
    for start, end in sorted(spans):
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return result


def overlaps(spans: Sequence[Place], start: int, end: int) -> bool:
    """Tell whether [start, end) shares a character with any of the merged spans."""
    last = bisect_left(spans, (end, end)) if end > start else bisect_right(spans, (start, start))
    return last > 0 and spans[last - 1][1] > start
