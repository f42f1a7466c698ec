"""How far answers to one text agree: a relationship's confidence as the share of drawn answers that hold it.

Knows nothing about how answers are drawn. Relationships are compared by type and by the folded names of their ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kgtune.extraction.extractor import Extraction
from kgtune.graph import Graph, Relationship, round_confidence
from kgtune.grounding import match_key

Triple = tuple[str, str, str]


def agreed(extraction: Extraction, drawn: Sequence[Extraction]) -> Extraction:
    """Give each relationship the share of drawn answers that hold it; one that is no graph holds none."""
    if extraction.graph is None:
        return extraction
    held = [_triples(other.graph) if other.graph is not None else frozenset() for other in drawn]
    names = _names(extraction.graph)
    edges = tuple(
        replace(edge, confidence=round_confidence(sum(_triple(edge, names) in one for one in held) / len(held)))
        for edge in extraction.graph.relationships
    )
    return replace(extraction, graph=replace(extraction.graph, relationships=edges))


def _triples(graph: Graph) -> frozenset[Triple]:
    names = _names(graph)
    return frozenset(_triple(edge, names) for edge in graph.relationships)


def _names(graph: Graph) -> dict[str, str]:
    return {entity.id: match_key(entity.name) for entity in graph.entities}


def _triple(edge: Relationship, names: dict[str, str]) -> Triple:
    return edge.type, names.get(edge.source, ""), names.get(edge.target, "")
