"""The labels and types that graphs use: counted, and rewritten to the ontology's own spelling.

Knows nothing about texts, files or where a graph came from. A rename is never silent: each is counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from kgtune.graph import Entity, Graph, Relationship
from kgtune.ontology import Ontology, Seen


def seen(graphs: Iterable[Graph]) -> Seen:
    """Count the labels, types and (source label, type, target label) of closed graphs."""
    found = Seen()
    for graph in graphs:
        labels = {entity.id: entity.labels for entity in graph.entities}
        found.labels.update(labels.values())
        for edge in graph.relationships:
            found.types[edge.type] += 1
            found.pairs[labels[edge.source], edge.type, labels[edge.target]] += 1
    return found


def normalise(graph: Graph, ontology: Ontology) -> tuple[Graph, Counter[str]]:
    """Write every known label and type in the ontology's spelling; the counts say what was renamed to what.

    An unknown name stays as it is. Relationships that only their type's spelling told apart become one.
    """
    counts: Counter[str] = Counter()
    entities = tuple(_entity(entity, ontology, counts) for entity in graph.entities)
    edges = [_relationship(edge, ontology, counts) for edge in graph.relationships]
    if not counts:
        return graph, counts
    return Graph(entities, _distinct(edges, counts)), counts


def _entity(entity: Entity, ontology: Ontology, counts: Counter[str]) -> Entity:
    name = ontology.canonical_label(entity.labels)
    if name is None or name == entity.labels:
        return entity
    counts[f'label "{entity.labels}" written as {name}'] += 1
    return replace(entity, labels=name)


def _relationship(edge: Relationship, ontology: Ontology, counts: Counter[str]) -> Relationship:
    name = ontology.canonical_type(edge.type)
    if name is None or name == edge.type:
        return edge
    counts[f'type "{edge.type}" written as {name}'] += 1
    return replace(edge, type=name)


def _distinct(edges: Iterable[Relationship], counts: Counter[str]) -> tuple[Relationship, ...]:
    kept: dict[tuple[str, str, str, str], Relationship] = {}
    for edge in edges:
        key = (edge.type, edge.source, edge.target, edge.evidence)
        if key in kept:
            counts["relationship given twice, merged"] += 1
        if key not in kept or kept[key].confidence < edge.confidence:
            kept[key] = edge
    return tuple(kept.values())
