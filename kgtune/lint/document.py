"""All checks that one document can answer by itself, as a generator of findings.

Knows nothing about files; what needs other documents stands in corpus and mentions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from kgtune.grounding import Haystack
from kgtune.lint import entities, markup, relationships
from kgtune.lint.findings import Finding, Place, read_place
from kgtune.lint.spans import Nearest, mention
from kgtune.ontology import Ontology
from kgtune.sources import RawDocument


@dataclass(frozen=True, slots=True)
class LengthLimit:
    """How long a row may be, in tokens of prompt and answer, and how that is measured."""

    measure: Callable[[RawDocument], int]
    limit: int
    is_exact: bool


def check_document(
    document: RawDocument,
    ontology: Ontology,
    *,
    length_limit: LengthLimit | None = None,
    nearest: Nearest | None = None,
) -> Iterator[Finding]:
    """Yield what is suspicious in a document: its entities, its relationships, its text, its length."""
    place = read_place(document.where).at("")
    nearest = nearest or Nearest()
    haystack = Haystack(document.text)
    graph = document.graph
    spans = {entity.id: mention(entity.name, haystack) for entity in graph.entities}
    for i, entity in enumerate(graph.entities):
        here = place.at(f"entities[{i}]")
        yield from entities.findings(entity, spans[entity.id], here, haystack, ontology, nearest)
    if graph.entities and not any(spans.values()):
        yield Finding("W-UNANCHORED", place, str(len(graph.entities)))
    known = graph.names()
    for i, edge in enumerate(graph.relationships):
        here = place.at(f"relationships[{i}]")
        source, target = known[edge.source], known[edge.target]
        yield from relationships.findings(edge, (source, target), here, ontology)
        ends = ((source, spans[source.id]), (target, spans[target.id]))
        yield from relationships.evidence_findings(edge, ends, here, haystack, document.lang, nearest)
    yield from _isolated(document, place)
    yield from markup.in_text(document.text, place.at("text"))
    if length_limit is not None:
        yield from _too_long(document, place, length_limit)


def _isolated(document: RawDocument, place: Place) -> Iterator[Finding]:
    used = {end for edge in document.graph.relationships for end in (edge.source, edge.target)}
    alone = [entity.name for entity in document.graph.entities if entity.id not in used]
    if alone:
        facts = {"number": len(alone), "of": len(document.graph.entities)}
        yield Finding("N-ISOLATED", place, " / ".join(alone[:5]), facts=facts)


def _too_long(document: RawDocument, place: Place, length: LengthLimit) -> Iterator[Finding]:
    tokens = length.measure(document)
    if tokens > length.limit:
        facts = {"limit": length.limit, "about": "" if length.is_exact else "~"}
        yield Finding("W-LENGTH", place, str(tokens), facts=facts)
